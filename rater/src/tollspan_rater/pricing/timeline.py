"""Which prices and which plan hold when, and what was known of it at a journal position."""

from __future__ import annotations

from collections.abc import Sequence

from tollspan_rater.pricing.applied import Applied, book_at
from tollspan_rater.pricing.assignment import AddonAssignment, Assignment, plan_at, read_assignments
from tollspan_rater.pricing.period import Period
from tollspan_rater.pricing.segment import NO_PLAN, NO_PRICES, UNKNOWN_PLAN, Segment
from tollspan_rater.pricing.subscription import Subscription

__all__ = [
    "NO_PLAN",
    "NO_PRICES",
    "UNKNOWN_PLAN",
    "Applied",
    "Assignment",
    "Segment",
    "book_at",
    "plan_at",
    "read_assignments",
    "segments",
]


def segments(
    period: Period,
    applied: Sequence[Applied],
    assignments: Sequence[Assignment],
    known_at: int,
    *,
    customer: str = "",
    addons: Sequence[AddonAssignment] = (),
) -> tuple[Segment, ...]:
    """Cut a period where a customer's plan or its price version changes; the segments cover it without a gap.

    ``customer`` finds the customer's own terms. See :meth:`Subscription.segments`.
    """
    held = Subscription(
        period.zone, tuple(applied), tuple(assignments), known_at, customer=customer, addons=tuple(addons)
    )
    return held.segments(period)
