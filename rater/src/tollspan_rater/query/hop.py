"""Two calls that may be one request seen on both sides of a gateway: the conditions, and who is paired with whom."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from tollspan_rater.extract.family import model_family
from tollspan_rater.extract.response_id import genuine

LOOKED_AT: Final = 64  # enclosing calls that are compared with one call, so that a crowd of equal calls stays cheap


class Side(NamedTuple):
    """A call as one side of a gateway may have seen it; ``process`` sent the span whose usage counts.

    ``run`` numbers the calls with equal known tokens whose times hang together: only these are compared.
    """

    run: int
    call_id: str
    started_ns: int
    ended_ns: int
    trace_ids: list[str]
    dialect: str
    process: str | None
    model: str | None
    response_id: str | None
    input: int | None
    output: int | None
    customer: str | None


@dataclass(frozen=True, slots=True)
class Hop:
    """A call, the one around it that may be the same request (None when it is not told), and why."""

    inner: Side
    outer: Side | None
    why: str


def hops(sides: Iterable[Side]) -> Iterator[Hop]:
    """Yield the possible hops among calls that come in runs, each in the order of start and, then, the longer first.

    A call is paired with the tightest call around it that fits and is not paired yet, one with its response id before
    others. Each is listed once as the inner and once as the outer one at most.
    """
    crowd = _Crowd()
    for side in sides:
        if crowd.run != side.run:
            crowd = _Crowd(side.run)
        fitting = [one for one in crowd.around(side) if _may_be_one(one, side)]
        crowd.free.append(side)
        if fitting:
            outer = max(fitting, key=lambda one: (_same_id(one, side), one.started_ns, one.call_id))
            crowd.free.remove(outer)
            yield Hop(side, outer, _why(outer, side))


def nested(sides: Iterable[Side], why: str) -> Iterator[Hop]:
    """Yield calls of one trace that are known to be seen on both sides; runs are traces, the order is that of hops.

    One that has no call around it and none within it stands alone.
    """
    by_trace: dict[int, list[Side]] = {}
    for side in sides:
        by_trace.setdefault(side.run, []).append(side)
    for crowd in by_trace.values():
        outers = [
            next((one for one in reversed(crowd[:at]) if _within(side, one)), None) for at, side in enumerate(crowd)
        ]
        around = {outer.call_id for outer in outers if outer is not None}
        for side, outer in zip(crowd, outers, strict=True):
            if outer is not None or side.call_id not in around:
                yield Hop(side, outer, why)


@dataclass(slots=True)
class _Crowd:
    """The calls of a run that have come and are around no other one yet."""

    run: int = -1
    free: list[Side] = field(default_factory=list)

    def around(self, side: Side) -> list[Side]:
        """Return the last calls that are not over when one starts and last as long; forget those that are over."""
        self.free = [one for one in self.free if one.ended_ns >= side.started_ns]
        return [one for one in self.free[-LOOKED_AT:] if _within(side, one)]


def _within(inner: Side, outer: Side) -> bool:
    return outer.started_ns <= inner.started_ns and inner.ended_ns <= outer.ended_ns


def _may_be_one(outer: Side, inner: Side) -> bool:
    """Tell whether two calls with equal tokens, one within the other's time, may be one request."""
    families = model_family(outer.model), model_family(inner.model)
    ids = genuine(outer.response_id), genuine(inner.response_id)
    return (
        set(outer.trace_ids).isdisjoint(inner.trace_ids)
        and families[0] is not None
        and families[0] == families[1]
        and (None in ids or ids[0] == ids[1])
        and (_dialect(outer) != _dialect(inner) or outer.process != inner.process)
    )


def _same_id(outer: Side, inner: Side) -> bool:
    return outer.response_id is not None and outer.response_id == inner.response_id


def _dialect(side: Side) -> str:
    return side.dialect.partition("@")[0]


def _why(outer: Side, inner: Side) -> str:
    dialects = _dialect(outer), _dialect(inner)
    seen = f"seen by {dialects[0]} and {dialects[1]}"
    if dialects[0] == dialects[1]:
        seen = f"sent by {outer.process or 'an unknown process'} and {inner.process or 'an unknown process'}"
    beside = ", equal response ids" if _same_id(outer, inner) else ""
    return f"equal tokens and model family, one within the other's time, in different traces, {seen}{beside}"
