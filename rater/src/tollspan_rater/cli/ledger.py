"""Commands on what is booked: ``close``, ``statements list|show``, ``ledger``."""

from __future__ import annotations

import click

from tollspan_rater.cli.formats import show
from tollspan_rater.cli.frame import Group, example
from tollspan_rater.cli.questions import asking
from tollspan_rater.cli.sending import execute
from tollspan_rater.query.answer import Answer
from tollspan_rater.query.rater import Receipt

ledger = asking("ledger")


@click.group(cls=Group)
def statements() -> None:
    """List and show closed periods: what was booked, and never changes."""


statements.add_command(asking("statements.list"))
statements.add_command(asking("statements.show"))


@click.command(
    help="Close a period: its bill becomes a statement that never changes.\n\n"
    "What comes later is adjusted in the open period. Refuses while the audit does not hold, before the period has "
    "ended, and while an earlier period is open.\n\n" + example("tollspan close --period 2026-11 --all")
)
@click.option("--period", required=True, metavar="PERIOD", help="The period's label, for example 2026-11.")
@click.option("--customer", help="Only this customer.")
@click.option("--all", "everybody", is_flag=True, help="All customers who have something on its bill.")
@click.pass_context
def close(context: click.Context, period: str, customer: str | None, everybody: bool) -> None:  # noqa: FBT001 - click hands over a flag
    """Send ``period.close`` and list what came of each period."""
    whose: dict[str, object] = {} if customer is None else {"customer": customer}
    receipt = execute(context, "period.close", {"period": period, **whose, **({"all": True} if everybody else {})})
    show(context, closed(receipt), quiet=("digest", "why"))


def closed(receipt: Receipt) -> Answer:
    """Lay out what a close did: a row for each period, with its digest or why it stays open."""
    rows = receipt.body["periods"]
    title = f"Close of {receipt.body['period']}"
    notes = () if rows else ("nobody has anything on a bill of that time: nothing was closed",)
    return Answer(title, ("customer", "period", "state", "digest", "why"), rows, receipt.position, notes=notes)
