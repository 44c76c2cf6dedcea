"""``tollspan reextract``: read history again with the tables of this release."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import click

from tollspan_rater.cli.figures import shown
from tollspan_rater.cli.formats import show
from tollspan_rater.cli.frame import example
from tollspan_rater.cli.sending import execute
from tollspan_rater.query.answer import Answer
from tollspan_rater.query.rater import Receipt


@click.command(
    help="Read spans again from the journal with the tables of this release, and book what differs as revisions.\n\n"
    + example("tollspan reextract --since 2026-11-01 --dry-run")
)
@click.option("--since", required=True, metavar="DAY", help="First day or instant at which a span started, included.")
@click.option("--until", metavar="DAY", help="Last day or instant, excluded.")
@click.option("--dry-run", is_flag=True, help="Only print the differences.")
@click.pass_context
def reextract(context: click.Context, since: str, until: str | None, dry_run: bool) -> None:  # noqa: FBT001 - click hands over a flag
    """Send ``reextract`` and print the differences."""
    asked = {"since": since, "until": until, "dry_run": dry_run or None}
    receipt = execute(context, "reextract", {name: value for name, value in asked.items() if value is not None})
    show(context, differences(receipt))


def differences(receipt: Receipt) -> Answer:
    """Lay out what a re-extraction found: a row for each customer, meter and pair of dialects."""
    from tollspan_rater.query.revisions import COLUMNS

    said = receipt.body
    title = "Read again and booked" if said["booked"] else "What reading again would change"
    details = {name: value for name, value in said.items() if name != "differences"}
    return Answer(title, COLUMNS, said["differences"], receipt.position, notes=list(_notes(said)), details=details)


def _notes(said: Mapping[str, Any]) -> Iterator[str]:
    for meter, sums in said["sums"].items():
        change = f"{shown(sums['was'])} -> {shown(sums['is'])}, difference {shown(sums['difference'])}"
        yield f"all customers: {meter} {change} in {shown(sums['calls'])} calls"
    read, changed = shown(said["spans_read"]), shown(said["spans_changed"])
    yield f"{read} spans were read again, {changed} say something else, {shown(said['calls_changed'])} calls change"
    if said["spans_refused"]:
        refused = shown(said["spans_refused"])
        yield f"{refused} of them cannot be read by the tables of today and keep what was read before"
    if said["spans_left_the_journal"]:
        left = shown(said["spans_left_the_journal"])
        yield f"{left} more could not be read again: their day left the journal; nothing changes for them"
    if not said["booked"] and said["spans_changed"]:
        yield "nothing was booked; without --dry-run it is"
