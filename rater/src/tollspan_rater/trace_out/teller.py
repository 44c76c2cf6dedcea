"""One look at what changed: which money spans and adjustments follow, put into the outbox together."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Final

from tollspan_rater.query.scope import Scope
from tollspan_rater.trace_out.money import NOTHING, Money, differences, whole
from tollspan_rater.trace_out.money_span import money_span
from tollspan_rater.trace_out.outbox import Outbox, Progress, Told
from tollspan_rater.trace_out.settled import Changed, News, first_positions, news, rated, ripe_position

MOST_CALLS: Final = 5_000  # that a look takes; the next one goes on behind them
_CHUNK: Final = 1_000


@dataclass(frozen=True, slots=True)
class Bounds:
    """How long a call must have rested, and how much the outbox keeps."""

    quiet_ns: int
    max_told: int
    max_waiting: int


@dataclass(slots=True)
class Looked:
    """What a look came to; ``more`` when another one would find more at once."""

    calls: int = 0
    adjustments: int = 0
    sampled_out: int = 0
    dropped: int = 0
    more: bool = False


@dataclass(slots=True)
class _Page:
    """What a look writes: the calls told anew, and the spans that tell it."""

    tenant: str
    as_of: int
    looked: Looked
    told: dict[str, Told] = field(default_factory=dict)
    spans: list[bytes] = field(default_factory=list)

    def first(self, call: Changed, money: Money) -> None:
        """Tell the money of a call that was not told yet."""
        if call.place is None:
            return
        self.spans.append(money_span(self.tenant, call.call_id, 0, call.place, whole(money), self.as_of))
        customer = call.customer
        self.told[call.call_id] = Told(call.call_id, call.place, customer, 1, self.as_of, money)
        self.looked.calls += 1

    def later(self, was: Told, money: Money, customer: str | None) -> None:
        """Tell what has changed of a call since it was told."""
        changes = differences(was.money, money)
        if not changes:
            return
        for number, change in enumerate(changes, was.spans):
            self.spans.append(money_span(self.tenant, was.call_id, number, was.place, change, self.as_of))
        count = was.spans + len(changes)
        self.told[was.call_id] = replace(was, customer=customer, spans=count, as_of=self.as_of, money=money)
        self.looked.adjustments += len(changes)


def look(scope: Scope, outbox: Outbox, now_ns: int, bounds: Bounds) -> Looked:
    """Find the calls that came to rest, and queue their money and the differences that follow for others.

    A late call may move those after it to another tier, new prices may change all: their differences follow, too.
    """
    tenant = scope.accounts.tenant
    progress = outbox.progress(tenant, scope.as_of)
    ripe = ripe_position(scope.connection, now_ns - bounds.quiet_ns)
    looked = Looked()
    if ripe <= progress.come_to:
        return looked
    found = news(scope.connection, tenant, progress.come_to, ripe, MOST_CALLS)
    page = _page(scope, outbox, progress, found, looked)
    looked.more = found.come_to < ripe
    looked.dropped = outbox.tell(
        tenant,
        page.told.values(),
        page.spans,
        found.come_to,
        max_told=bounds.max_told,
        max_waiting=bounds.max_waiting,
    )
    return looked


def _page(scope: Scope, outbox: Outbox, progress: Progress, found: News, looked: Looked) -> _Page:
    tenant = scope.accounts.tenant
    page = _Page(tenant, scope.as_of, looked)
    known = outbox.told(tenant, [call.call_id for call in found.calls])
    fresh = _fresh(scope, [call for call in found.calls if call.call_id not in known], progress, looked)
    customers_now = {call.call_id: call.customer for call in found.calls}
    for call in found.calls:
        if call.place is None and call.call_id in known:
            page.later(known[call.call_id], NOTHING, known[call.call_id].customer)
    wanted = [
        (call.customer, call.place.started_ns) for call in found.calls if _rated(call, known, fresh) and call.place
    ]
    wanted += [(was.customer, was.place.started_ns) for was in known.values()]
    if found.terms and (everything := outbox.told_span(tenant)) is not None:
        wanted += [(customer, everything[0]) for customer in everything[1]]
    if wanted:
        start_ns = min(started_ns for _, started_ns in wanted)
        calls = rated(scope, [customer for customer, _ in wanted], start_ns)
        while part := list(islice(calls, _CHUNK)):
            before = outbox.told(tenant, [call_id for call_id, _ in part if call_id not in fresh])
            for call_id, money in part:
                if call_id in fresh:
                    page.first(fresh[call_id], money)
                elif call_id in before:
                    page.later(before[call_id], money, customers_now.get(call_id, before[call_id].customer))
    return page


def _rated(call: Changed, known: dict[str, Told], fresh: dict[str, Changed]) -> bool:
    return call.call_id in known or call.call_id in fresh


def _fresh(scope: Scope, calls: Iterable[Changed], progress: Progress, looked: Looked) -> dict[str, Changed]:
    """Return the calls to tell for the first time: in a trace that is kept, and not known before the outbox began."""
    shown: list[Changed] = []
    for call in calls:
        if call.sampled_out:
            looked.sampled_out += 1
        elif call.place is not None:
            shown.append(call)
    older = [call.call_id for call in shown if not call.is_new]
    first = first_positions(scope.connection, scope.accounts.tenant, older)
    return {call.call_id: call for call in shown if call.is_new or first[call.call_id] > progress.begun}
