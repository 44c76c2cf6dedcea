"""What has to be said of what a customer holds: what cannot be billed, what is projected, what calls contradict."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from tollspan_rater.query.books import Bill
from tollspan_rater.query.scope import Scope

PROJECTED: Final = ("commitment", "overage", "maximum", "minimum")


def held_notes(scope: Scope, bill: Bill) -> Iterator[str]:
    """Say what of a customer's add-ons is not billed, and which lines a running period may still change."""
    segments = scope.accounts.segments(bill.customer, bill.rated.period)
    yield from dict.fromkeys(note for segment in segments for note in segment.notes)
    kinds = [kind for kind in PROJECTED if any(line.kind == kind for line in bill.rated.lines)]
    if bill.state == "preview" and kinds:
        yield f"projected, as if the period ended now: {', '.join(kinds)}"
