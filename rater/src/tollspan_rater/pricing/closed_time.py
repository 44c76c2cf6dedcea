"""Time that was closed: its periods stay as they were, whatever zone, interval or anchor is set later."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from tollspan_rater.pricing.period import Period, local_day


def beside(closed: Sequence[Period], found: Period, instant_ns: int) -> Period:
    """Return the closed period that contains an instant, else what closed periods leave of the one ``found`` there.

    ``closed`` are in the order of time. A period that loses its beginning is named by the day on which it then begins.
    """
    place = bisect_right(closed, instant_ns, key=lambda one: one.start_ns)
    start_ns, end_ns = found.start_ns, found.end_ns
    if place:
        before = closed[place - 1]
        if instant_ns in before:
            return before
        start_ns = max(start_ns, before.end_ns)
    if place < len(closed):
        end_ns = min(end_ns, closed[place].start_ns)
    if (start_ns, end_ns) == (found.start_ns, found.end_ns):
        return found
    label = found.label if start_ns == found.start_ns else local_day(start_ns, found.zone).isoformat()
    return Period(start_ns, end_ns, label, found.zone, found.whole_ns)
