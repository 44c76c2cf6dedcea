"""What has to be said of what a customer holds: what cannot be billed, what is projected, what calls contradict."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

from tollspan_rater.query.books import Bill
from tollspan_rater.query.contradictions import contradicting
from tollspan_rater.query.scope import Scope
from tollspan_rater.query.selection import Selection

PROJECTED: Final = ("commitment", "overage", "maximum", "minimum")


def held_notes(scope: Scope, bill: Bill) -> Iterator[str]:
    """Say what of a customer's add-ons is not billed, and which lines a running period may still change."""
    segments = scope.accounts.segments(bill.customer, bill.rated.period)
    yield from dict.fromkeys(note for segment in segments for note in segment.notes)
    kinds = [kind for kind in PROJECTED if any(line.kind == kind for line in bill.rated.lines)]
    if bill.state == "preview" and kinds:
        yield f"projected, as if the period ended now: {', '.join(kinds)}"


def reference_notes(scope: Scope, bills: Sequence[Bill]) -> Iterator[str]:
    """Say how many calls in the time of some bills refer to another plan than the one in force."""
    names = {bill.customer for bill in bills}
    if not bills:
        return
    start, end = min(bill.rated.period.start_ns for bill in bills), max(bill.rated.period.end_ns for bill in bills)
    who = (("customer", next(iter(names))),) if len(names) == 1 else ()
    calls: Counter[str] = Counter()
    for row in contradicting(scope, Selection(scope.accounts.tenant, start, end, who)):
        calls[str(row["customer"])] += int(str(row["calls"]))
    for name in sorted(calls.keys() & names):
        words = "refer to another plan or subscription than the one in force, which they are charged by"
        yield f"{name}: {calls[name]:,} calls {words}: tollspan contradictions --customer {name}"
