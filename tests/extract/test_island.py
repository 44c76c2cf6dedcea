"""What a new span can change in traces that grow; that islands add up to the whole is a property."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.extract.growing import ROOT, STEPS
from tests.extract.spans import a_span, chat, read
from tests.properties.follower import Follower
from tests.properties.settlement import by_rules

from tollspan_rater.extract.cluster import CALLS
from tollspan_rater.extract.island import arrived
from tollspan_rater.extract.span_index import SpanIndex


@pytest.mark.parametrize("form", ["none", "elsewhere"])
@pytest.mark.parametrize("name", STEPS)
def test_a_trace_that_grows_costs_each_new_span_no_more_than_the_first(name: str, form: str) -> None:
    """Counted in spans that are settled for one that came, whatever came before, and if calls are billed elsewhere."""
    index = SpanIndex()
    spans = (read(span) for step in range(600) for span in STEPS[name](step))
    ruled = (by_rules(span, form) if span.role in CALLS else span for span in spans)
    sizes = [len(arrived(index, [span]).spans) for span in ruled]
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


def test_a_late_view_that_is_billed_elsewhere_takes_the_container_above_it_back() -> None:
    """Also one that is not measured; and a version of it with authority gives the call back."""
    root, view = STEPS["below_an_agent"](0)
    follower = Follower()
    follower.take([read(root)])
    assert [call.flags for call in follower.calls.values()] == [("aggregate",)]
    unmeasured = read(replace(view, attributes=chat(None, None)))
    for span, calls in (
        (by_rules(unmeasured, "elsewhere"), 0),
        (read(view), 1),
        (by_rules(read(view), "elsewhere"), 0),
    ):
        follower.take([span])
        follower.check()
        assert len(follower.calls) == calls
