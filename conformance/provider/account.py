"""The provider's books: what each attempt of a case uses, the bill, and what a case has left behind."""

from __future__ import annotations

import hashlib
import threading
from collections import Counter, defaultdict
from dataclasses import dataclass, replace
from typing import Any

from conformance.bill import Attempt
from conformance.provider import fault
from conformance.provider.api import on_its_terms
from conformance.provider.draw import Draw, draw, draw_units, without_caches
from conformance.provider.endpoint import UNIT_TRAITS, Api, Call, Request
from tollspan_rater.demo.provider.bill import Counts

NOTHING = Draw(Counts(0, 0, 0, 0, 0, 0))


@dataclass(frozen=True, slots=True)
class Admitted:
    """An attempt that stands on the bill: how it is answered, and with what."""

    status: int
    call: Call
    first: bool


class Account:
    """The bill of a run, ``attempts``, oldest first; safe across threads."""

    def __init__(self) -> None:
        self.attempts: list[Attempt] = []
        self._seen: Counter[tuple[str, str]] = Counter()
        self._made: Counter[tuple[str, str]] = Counter()
        self._shelves: defaultdict[tuple[str, str], dict[str, Any]] = defaultdict(dict)
        self._lock = threading.Lock()

    def admit(self, api: Api, request: Request) -> Admitted:
        """Write an attempt onto the bill; a free API is worked on and stands on none."""
        with self._lock:
            number = self._seen[request.stack, request.case]
            status = fault.status_of(request.traits, first=number == 0)
            drawn = _drawn(api, request, number) if status == fault.OK else NOTHING
            call = Call(request, api.prefix + self._digest(request, "", number), drawn)
            if not api.free:
                self._seen[request.stack, request.case] += 1
                self.attempts.append(_attempt(api, call, status))
                self.shelf(request)[call.response_id] = call
        return Admitted(status, call, first=number == 0)

    def new_id(self, request: Request, prefix: str) -> str:
        """Return an id for something that is no call."""
        with self._lock:
            self._made[request.stack, request.case] += 1
            return prefix + self._digest(request, "made ", self._made[request.stack, request.case])

    def shelf(self, request: Request) -> dict[str, Any]:
        """Return what a case has left behind."""
        return self._shelves[request.stack, request.case]

    def _digest(self, request: Request, what: str, number: int) -> str:
        return hashlib.sha256(f"{what}{request.stack} {request.case} {number}".encode()).hexdigest()[:24]


@dataclass(frozen=True, slots=True)
class CaseDesk:
    """What errands of one case work with."""

    account: Account
    request: Request
    shelf: dict[str, Any]

    def call(self, api: Api, request: Request, *, tier: str = "") -> Call:
        """Put a call onto the bill as answered."""
        api = on_its_terms(api, request)
        return self.account.admit(replace(api, tier=tier) if tier else api, request).call

    def new_id(self, prefix: str) -> str:
        """Return an id that nothing else of the run has."""
        return self.account.new_id(self.request, prefix)


def _drawn(api: Api, request: Request, number: int) -> Draw:
    case = f"{request.stack}/{request.case}"
    drawn = draw(case, number, request.traits)
    drawn = without_caches(drawn, written=not api.writes_caches, read=not api.reads_caches)
    counts = drawn.counts
    if not api.writes_text:
        counts = Counts(counts.input, 0, 0, 0, 0, 0)
    if not api.tells_reasoning:
        counts = replace(counts, reasoning=0)
    if not api.reads_text:
        counts = replace(counts, input=0, cache_read=0, cache_write_5m=0, cache_write_1h=0)
    wanted = {name for trait in request.traits for name in UNIT_TRAITS.get(trait, ())}
    units = draw_units(case, number, {*api.units, *(wanted & set(api.optional))})
    return replace(drawn, counts=counts, units=units)


def _attempt(api: Api, call: Call, status: int) -> Attempt:
    counts, units = call.drawn.counts, call.drawn.units
    request = call.request
    return Attempt(
        stack=request.stack,
        case=request.case,
        api=api.name,
        status=status,
        response_id=call.response_id,
        input=counts.input + units.get("compaction_in", 0),
        cache_read=counts.cache_read,
        cache_write=counts.cache_write,
        output=counts.output + units.get("compaction_out", 0),
        reasoning=counts.reasoning,
        model=request.model,
        tier=request.tier or api.tier,
        units={name: count for name, count in units.items() if not name.startswith("compaction")},
    )
