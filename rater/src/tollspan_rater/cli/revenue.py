"""Commands on revenue that was billed elsewhere: ``revenue import|list``."""

from __future__ import annotations

from pathlib import Path

import click

from tollspan_rater.cli.frame import Group, example
from tollspan_rater.cli.questions import asking
from tollspan_rater.cli.row_file import read_texts
from tollspan_rater.cli.sending import send
from tollspan_rater.errors import UsageError
from tollspan_rater.query.commands import checked


@click.group(cls=Group)
def revenue() -> None:
    """Import and list revenue that was billed elsewhere, so that margins are whole."""


revenue.add_command(asking("revenue.list"))


@revenue.command(
    "import",
    help="Import net amounts that another system billed, from a CSV or JSON lines file, all or none.\n\nColumns: id, "
    "customer, day, amount, currency, note. An id counts once: the same file again changes nothing, another amount "
    "replaces the old one, 0 takes it back.\n\n" + example("tollspan revenue import stripe-2026-11.csv"),
)
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.pass_context
def import_(context: click.Context, file: Path) -> None:
    """Check each row by its place, then send ``revenue.import`` with all of them."""
    rows = read_texts(file)
    if not rows:
        raise UsageError(f"{file} holds no row")
    for place, row in rows:
        try:
            checked("revenue.import", {"entries": [row]})
        except UsageError as error:
            raise UsageError(f"{place}: {str(error).removeprefix('revenue.import: entries.0.')}") from error
    send(context, "revenue.import", {"entries": [row for _, row in rows]})
