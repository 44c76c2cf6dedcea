"""The command ``import``."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import click

from tollspan_rater.cli.door import actor, open_door
from tollspan_rater.cli.formats import printable, show
from tollspan_rater.cli.frame import DIFFERENCE, example
from tollspan_rater.query.rater import Receipt


@click.command(
    "import",
    help="Read files of spans or usage events, then audit.\n\n"
    "OTLP as the Collector's file exporter writes it (JSON lines or protobuf), or usage events (JSON lines or CSV with "
    "a header); plain, .gz or .zst; - is standard input. The same file twice counts once. Exit code 1: the audit found "
    "something, or a part of a file could not be read; the other parts are stored.\n\n"
    + example("tollspan import traces.jsonl.gz events.csv"),
)
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@click.pass_context
def import_files(context: click.Context, files: tuple[str, ...]) -> None:
    """Send each file through the door, say what came of it, end with the audit."""
    not_read = 0
    with open_door(context) as (rater, config):
        for name in files:
            with _watched(name) as stream:
                receipt = rater.import_stream(stream, name=name, tenant=config.tenant, actor=actor())
            click.echo(printable(f"{name}: {_summary(receipt)}"), err=True)
            not_read += receipt.body.get("not_read", 0)
            for problem in receipt.body.get("unread", ()):
                click.echo(printable(f"{name}: not read: {problem}"), err=True)
        answer = rater.ask("audit", {}, tenant=config.tenant)
    show(context, answer)
    if not_read:
        context.exit(DIFFERENCE)


def _summary(receipt: Receipt) -> str:
    told = (item for item in receipt.body.items() if item[0] != "unread")
    counts: Iterable[str] = (f"{value} {name.replace('_', ' ')}" for name, value in told)
    return ", ".join(counts) or f"up to position {receipt.position}"


@contextmanager
def _watched(name: str) -> Iterator[BinaryIO]:
    """Open a file for reading; on a terminal a bar on stderr follows how far it is read."""
    if name == "-":
        yield sys.stdin.buffer
        return
    path = Path(name)
    with path.open("rb") as file:
        if not sys.stderr.isatty():
            yield file
            return
        from rich.console import Console
        from rich.progress import Progress

        with Progress(console=Console(stderr=True), transient=True) as progress:
            yield progress.wrap_file(file, total=path.stat().st_size, description=printable(path.name))
