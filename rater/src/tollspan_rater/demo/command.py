"""The command ``demo``: an hour of traffic becomes proved bills, through duplicates, disorder and a kill."""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from tollspan_rater.demo import report, stage
from tollspan_rater.demo.child import Server
from tollspan_rater.demo.scenario import Scenario, scenario
from tollspan_rater.errors import UsageError

DEFAULT_CALLS: Final = 10_000
DEFAULT_CUSTOMERS: Final = 40
DIFFERENT: Final = 1  # exit code

_FILE: Final = click.Path(exists=True, dir_okay=False, path_type=Path)
_FOLDER: Final = click.Path(file_okay=False, path_type=Path)


@click.command(
    help="Send an hour of traffic through the whole path and prove the bills.\n\n"
    "Starts a rater on a folder of its own, sends calls with copies and out of order, kills the rater once in the "
    "middle, starts it again, and holds every answer against what it sent; exit 1 on any difference.\n\n"
    "\b\nExample:\n  tollspan demo --calls 5000 --keep demo-data"
)
@click.option(
    "--trace",
    "traces",
    multiple=True,
    type=_FILE,
    metavar="FILE",
    help="A published trace instead of generated traffic: CSV of time, input and output tokens; repeatable.",
)
@click.option(
    "--calls",
    type=click.IntRange(1),
    default=DEFAULT_CALLS,
    show_default=True,
    help="How many calls to generate in the hour; a trace has its own.",
)
@click.option(
    "--customers",
    type=click.IntRange(1),
    default=DEFAULT_CUSTOMERS,
    show_default=True,
    help="How many customers share the calls.",
)
@click.option("--seed", type=int, default=1, show_default=True, help="The same seed plans the same calls.")
@click.option("--keep", type=_FOLDER, metavar="DIR", help="Keep the data in this new folder.")
@click.pass_context
def demo(
    context: click.Context, traces: tuple[Path, ...], calls: int, customers: int, seed: int, keep: Path | None
) -> None:
    """Plan, perform, print; exit 1 when anything differs."""
    out = report.console()
    planned = scenario(traces, calls, customers, seed, time.time_ns())
    with _data_folder(keep) as folder:
        outcome = _performed(planned, folder, out)
        out.print(report.bills_table(planned, outcome))
        out.print(report.audit_table(outcome.audit))
        out.print(f"as of position {outcome.audit.as_of}, zone {outcome.audit.zone}")
        out.print(report.checks_table(outcome.checks))
        out.print(report.verdict(outcome), style="bold green" if outcome.ok else "bold red")
        for line in report.closing(outcome, None if keep is None else str(keep)):
            out.print(line, soft_wrap=True)
    if not outcome.ok:
        context.exit(DIFFERENT)


def _performed(planned: Scenario, folder: Path, out: Console) -> stage.Outcome:
    with Server(folder) as server:
        stage.set_up(server, planned)
        made = stage.sdk_calls(server, planned, time.time_ns)
        out.print(report.opening(planned, None if made is None else len(made)))
        sends = planned.sends()
        with _progress(sum(len(one.records) for queue in sends for one in queue)) as (bar, task):
            delivery = stage.deliver(server, sends, lambda so_far: bar.update(task, completed=so_far))
        out.print(report.sending(delivery))
        return stage.outcome(server, planned, made or [], delivery.sent)


@contextmanager
def _progress(total: int) -> Iterator[tuple[Progress, TaskID]]:
    """Show a bar on a terminal, nothing elsewhere."""
    columns = (TextColumn("sending"), BarColumn(), TextColumn("{task.completed:,} spans"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as bar:
        yield bar, bar.add_task("sending", total=total)


@contextmanager
def _data_folder(keep: Path | None) -> Iterator[Path]:
    """Give the folder to keep, or one that is gone afterwards.

    Raises:
        UsageError: the folder to keep holds something already.
    """
    if keep is None:
        with tempfile.TemporaryDirectory(prefix="tollspan-demo-") as folder:
            yield Path(folder)
        return
    if keep.exists() and any(keep.iterdir()):
        raise UsageError(f"{keep} is not empty. Name a new folder for the demo's data, or remove that one")
    keep.mkdir(parents=True, exist_ok=True)
    yield keep.resolve()
