"""The command ``pricing simulate``: the same usage under several sets of prices, with a chart."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from time import time_ns
from typing import Any, Final

import click

from tollspan_rater.cli.chart import text_lines
from tollspan_rater.cli.door import open_door
from tollspan_rater.cli.formats import Part, printable, show_parts
from tollspan_rater.cli.frame import example, wishes
from tollspan_rater.cli.questions import given, parameter
from tollspan_rater.config.pricing_folder import read_folder
from tollspan_rater.errors import UsageError
from tollspan_rater.query.answer import Answer
from tollspan_rater.query.questions import question

_ASKED: Final = question("pricing.simulate")
_MONEY: Final = ("revenue", "cost", "margin", "margin_percent", "difference", "currency")
_PARTS: Final = (
    Part("scenario", "Scenarios", ("scenario", "customers", *_MONEY, "pays_more", "pays_less", "unpriced")),
    Part("customer", "Customers", ("customer", "period", "scenario", *_MONEY, "change")),
)
_HELP: Final = (
    "Rate the same usage under several sets of prices, side by side: revenue, cost, margin, who pays more or less."
    "\n\nReal usage of a past period under each FOLDER, held against the prices as applied; or, with --usage, usage "
    "that you wrote down, held against the first FOLDER, which needs no data folder. --plan puts all customers on one "
    "plan, several are several scenarios. A usage file has a row for each kind of call: customer, plan, model, calls, "
    "and meters of one call, for example input and output. Nothing is written but the chart.\n\n"
)


@click.pass_context
def simulate(
    context: click.Context, /, folders: tuple[Path, ...], usage: Path | None, chart: Path | None, **values: Any
) -> None:
    """Ask about past usage or rate a file of it here; print tables and bars, write the chart."""
    texts = {str(folder): read_folder(folder) for folder in folders}
    if usage is None:
        sent = {"folders": json.dumps(texts)} if texts else {}
        wanted = dict.fromkeys((param.name for param in _ASKED.params), None) | values | sent
        params = _ASKED.read(given(_ASKED, wanted))
        with open_door(context) as (rater, config):
            answer = rater.ask(_ASKED.name, params, tenant=config.tenant)
    else:
        answer = _of_file(usage, texts, values)
    if chart is not None:
        from tollspan_rater.cli.chart_file import write_chart

        write_chart(chart, answer)
    show_parts(context, answer, _PARTS)
    if wishes(context).format == "table" and sys.stdout.isatty():
        for line in text_lines(answer):
            click.echo(printable(line))


def _of_file(path: Path, texts: dict[str, dict[str, str]], values: dict[str, Any]) -> Answer:
    """Rate a file of usage, without a data folder."""
    from tollspan_rater.cli.row_file import read_texts
    from tollspan_rater.query.given_usage import simulate_given

    if not texts or values["customer"] is not None:
        raise UsageError("--usage needs a pricing FOLDER to rate with, and takes all customers of the file")
    params = _ASKED.read(given(_ASKED, values | {"folders": None}))
    return simulate_given(
        read_texts(path),
        texts,
        params["plan"].split(",") if "plan" in params else [],
        now_ns=time_ns(),
        label=params.get("against"),
        top=int(params["top"]) if "top" in params else None,
    )


command: Final = click.Command(
    "simulate",
    callback=simulate,
    params=[
        click.Argument(
            ["folders"], nargs=-1, metavar="[FOLDER]...", type=click.Path(exists=True, file_okay=False, path_type=Path)
        ),
        *(parameter(param) for param in _ASKED.params if param.kind != "json"),
        click.Option(
            ["--usage"], metavar="FILE", type=click.Path(exists=True, dir_okay=False, path_type=Path),
            help="Rate this .csv or .jsonl file instead of past usage.",
        ),
        click.Option(
            ["--chart"], metavar="FILE", type=click.Path(dir_okay=False, path_type=Path),
            help="Write the bars to a .svg or .html file.",
        ),
    ],
    help=_HELP + example(_ASKED.example),
    short_help="The same usage under several sets of prices",
)  # fmt: skip
