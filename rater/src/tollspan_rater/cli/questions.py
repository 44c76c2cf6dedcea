"""Commands that ask: made from the table of questions by one small interpreter."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from tollspan_rater.cli.door import open_door
from tollspan_rater.cli.formats import show
from tollspan_rater.cli.frame import example
from tollspan_rater.query.question import Param, Question
from tollspan_rater.query.questions import question


def asking(name: str) -> click.Command:
    """Make the command of a question: its parameters as options and arguments, its help and example."""
    asked = question(name)

    @click.pass_context
    def ask(context: click.Context, /, **values: Any) -> None:
        params = asked.read(given(asked, values))
        with open_door(context) as (rater, config):
            answer = rater.ask(asked.name, params, tenant=config.tenant)
        dimensions = params["by"].split(",") if "by" in params and asked.brief else []
        show(context, answer, [*dimensions, *asked.brief], asked.quiet)

    return click.Command(
        name.rpartition(".")[2],
        callback=ask,
        params=[parameter(param) for param in asked.params],
        help=f"{asked.help}\n\n{example(asked.example)}",
        short_help=asked.help.split(": ")[0].split("; ")[0].rstrip("."),
    )


def given(asked: Question, values: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return click's values as the raw strings that ``Question.read`` checks."""
    raw: dict[str, list[str]] = {}
    for param in asked.params:
        value = values[param.name]
        if param.repeat and value:
            raw[param.name] = list(value)
        elif param.kind == "flag" and value:
            raw[param.name] = ["true"]
        elif value not in (None, (), False):
            raw[param.name] = [value]
    return raw


def parameter(param: Param) -> click.Parameter:
    """Make a question's parameter into click's; the table checks the value, so that all doors refuse alike."""
    if param.positional:
        return click.Argument([param.name], required=param.required, metavar=param.name.upper())
    return click.Option(
        [f"--{param.name.replace('_', '-')}", param.name],
        help=_help(param),
        metavar=None if param.kind == "flag" else _METAVARS[param.kind],
        is_flag=param.kind == "flag",
        multiple=param.repeat,
    )


def _help(param: Param) -> str:
    text = param.help[0].upper() + param.help[1:]
    if param.choices:
        text += f": {', '.join(param.choices)}"
    return f"{text}; default {param.default}." if param.default else f"{text}."


_METAVARS = {
    "str": "TEXT",
    "id": "ID",
    "int": "N",
    "date": "DAY",
    "zone": "ZONE",
    "moment": "MOMENT",
    "period": "PERIOD",
    "enum": "NAME",
}

usage, calls, invoice, allowance, margin, leakage, allocation, explain, audit = map(
    asking, ("usage", "calls", "invoice", "allowance", "margin", "leakage", "allocation", "explain", "audit")
)
latency, inexact, duplicates, contradictions = map(asking, ("latency", "inexact", "duplicates", "contradictions"))
