"""What a new span can change in traces that grow; that islands add up to the whole is a property."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.extract.growing import ROOT, STEPS
from tests.extract.random_spans import arrivals
from tests.extract.spans import a_span, read
from tests.properties.follower import Follower

from tollspan_rater.domain.call import Counted, Extracted, Ruled
from tollspan_rater.domain.fates import Role
from tollspan_rater.extract import island as module
from tollspan_rater.extract.island import arrived
from tollspan_rater.extract.span_index import SpanIndex

FORMS = ("none", "beside", "instead")


def by_rules(span: Extracted, form: str) -> Extracted:
    """A span as span rules leave it: a unit beside what it is, or nothing but that unit."""
    if form == "none" or span.unit_meter is not None:
        return span
    is_unit = form == "instead" or span.role in {Role.NONE, Role.CONTEXT}
    counts = (Counted("thing", Decimal(1), "rule:r@mr_1"),)
    return replace(span, role=Role.UNIT if is_unit else span.role, ruled=Ruled(span.role, counts))


@pytest.mark.parametrize("small", [0, 3])
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_islands_add_up_to_the_whole_where_rules_count_units(small: int, data: st.DataObject) -> None:
    forms = data.draw(st.lists(st.sampled_from(FORMS), min_size=16, max_size=16))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "SMALL", small)
        follower = Follower()
        for request in data.draw(arrivals()):
            follower.take([by_rules(span, forms[int(span.span_id[-1], 16)]) for span in request])
            follower.check()


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
