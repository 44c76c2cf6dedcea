"""Settling only what a new span can change gives what settling everything gives."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.extract.random_spans import arrivals

from tollspan_rater.domain.call import Call, Extracted
from tollspan_rater.extract import island as module
from tollspan_rater.extract.island import arrived
from tollspan_rater.extract.settle import settle
from tollspan_rater.extract.span_index import SpanIndex


class Follower:
    """Holds the calls of all spans that came, settling after each request only what it can change."""

    def __init__(self) -> None:
        self.index = SpanIndex()
        self.calls: dict[str, Call] = {}

    def take(self, request: Sequence[Extracted]) -> None:
        found = arrived(self.index, request)
        members = {f"{trace}:{span}" for _, trace, span in found.core}
        self.calls = {name: call for name, call in self.calls.items() if call.members[0] not in members}
        self.calls |= {call.call_id: call for call in found.settled(settle)}


@pytest.mark.parametrize("small", [0, 3])
@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_islands_add_up_to_the_whole(small: int, data: st.DataObject) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "SMALL", small)
        follower = Follower()
        for request in data.draw(arrivals()):
            follower.take(request)
            whole = {call.call_id: call for call in settle(follower.index.spans.values())}
            assert follower.calls == whole
