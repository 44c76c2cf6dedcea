"""Settlement fed bit by bit: each request settles only what it can change, and the difference is booked as legs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from tollspan_rater.domain.call import Call, Extracted
from tollspan_rater.extract.island import arrived
from tollspan_rater.extract.settle import settle
from tollspan_rater.extract.span_index import SpanIndex
from tollspan_rater.store.legs import COLUMNS, Booked, LegRow, booked_from, difference, leg

_SIGN = COLUMNS.index("sign")
_INPUT = COLUMNS.index("input")
_BODY = COLUMNS.index("trace_key")


class Follower:
    """Holds the calls of all spans that came, and the legs that led to them."""

    def __init__(self) -> None:
        self.index = SpanIndex()
        self.calls: dict[str, Call] = {}
        self.legs: list[LegRow] = []

    def take(self, request: Sequence[Extracted]) -> None:
        """Settle what a request can change."""
        found = arrived(self.index, request)
        members = {self.index.spans[key].member for key in found.core}
        calls = found.settled(settle)
        booked = {name: state for name, state in self._booked().items() if _represented(state, name, self) in members}
        self.legs += difference(booked, calls, len(self.legs))[0]
        self.calls = {name: call for name, call in self.calls.items() if call.members[0] not in members}
        self.calls |= {call.call_id: call for call in calls}

    def restart(self) -> None:
        """Forget everything but the spans, and read these in another order."""
        spans = sorted(self.index.spans.values(), key=lambda span: span.span_id, reverse=True)
        self.index = SpanIndex()
        for span in spans:
            self.index.add(span)

    def check(self) -> None:
        """The calls are those of the whole set, and the legs sum to them; ids that are no more net to zero."""
        whole = {call.call_id: call for call in settle(self.index.spans.values())}
        assert self.calls == whole
        standing = {name: state.row[_BODY:] for name, state in self._booked().items() if state.row is not None}
        assert standing == {name: leg(call, position=0, revision=0)[_BODY:] for name, call in whole.items()}
        signs, inputs = Counter[str](), Counter[str]()
        for row in self.legs:
            signs[row[1]] += row[_SIGN]
            inputs[row[1]] += row[_SIGN] * (row[_INPUT] or 0)
        assert dict(+signs) == dict.fromkeys(whole, 1)
        assert dict(+inputs) == {name: call.usage.input for name, call in whole.items() if call.usage.input}

    def _booked(self) -> dict[str, Booked]:
        return booked_from(self.legs)


def _represented(state: Booked, name: str, follower: Follower) -> str:
    """Return the representing member of a call id, which may be no more."""
    rows = (row for row in follower.legs if row[1] == name)
    row = state.row or next(rows)
    return str(row[COLUMNS.index("members")][0])
