"""What a new span can change in traces that grow; that islands add up to the whole is a property."""

from __future__ import annotations

import pytest
from tests.extract.growing import ROOT, STEPS
from tests.extract.spans import a_span, read
from tests.properties.follower import Follower

from tollspan_rater.extract.island import arrived
from tollspan_rater.extract.span_index import SpanIndex


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
