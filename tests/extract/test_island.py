"""Settling only what a new span can change gives what settling everything gives."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.extract.growing import ROOT, STEPS
from tests.extract.random_spans import arrivals
from tests.extract.spans import a_span, read

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


@pytest.mark.parametrize("name", STEPS)
def test_a_trace_that_grows_costs_each_new_span_no_more_than_the_first(name: str) -> None:
    """Counted in spans that are settled for one that came, whatever came before."""
    index = SpanIndex()
    sizes = [len(arrived(index, [span]).spans) for step in range(600) for span in map(read, STEPS[name](step))]
    early, late = sizes[100:200], sizes[-100:]
    assert max(late) <= max(early)
    assert max(late) < 100


def test_a_late_root_changes_everything_below_it() -> None:
    follower = Follower()
    for step in range(100):
        follower.take([read(span) for span in STEPS["nested"](step)])
    root = read(a_span({"tollspan.customer": "acme"}, span_id=ROOT, scope="app"))
    assert len(arrived(follower.index, [root]).core) == 200
    follower.take([root])
    assert {call.customer for call in follower.calls.values()} == {"acme"}
    assert len(follower.calls) == 100
