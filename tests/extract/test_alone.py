"""A span that nothing touches gives what the general settlement gives for a set of one."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.extract.spans import OTEL, T0, an

from tollspan import semconv
from tollspan_rater.domain.call import Extracted
from tollspan_rater.domain.fates import Role
from tollspan_rater.domain.usage import ATTRIBUTION_FIELDS, Usage
from tollspan_rater.extract.settle import connected, settle

COUNTS = st.none() | st.integers(0, 10_000)
NAMES = st.none() | st.sampled_from(["", "gpt-4o", "claude-opus-4", "chatcmpl-12", "resp_1"])
KEYS = [*ATTRIBUTION_FIELDS, "tags.team", "tags.a"]
SAID = st.dictionaries(
    st.sampled_from(KEYS + [f"alias.{key}" for key in KEYS[:6]]), st.sampled_from(["true", "false", "acme", "x"])
)
SPANS = st.builds(
    replace,
    st.just(an({}, scope=OTEL)),
    role=st.sampled_from(Role),
    parent_id=st.sampled_from(["", "1" * 16, "2" * 16]),
    scope=st.sampled_from([OTEL, semconv.SCOPE_NAME]),
    end_ns=st.sampled_from([T0 - 5, T0, T0 + 7]),
    rank=st.integers(0, 90),
    final=st.booleans(),
    operation=NAMES,
    provider=NAMES,
    request_model=NAMES,
    response_model=NAMES,
    response_id=NAMES,
    record_id=NAMES,
    attempt=st.none() | st.integers(1, 3),
    outcome=st.sampled_from([None, "failed", "complete"]),
    quality=st.sampled_from([None, *semconv.QUALITIES]),
    stream=st.sampled_from([None, True, False]),
    retrieve=st.booleans(),
    ttft_ms=COUNTS,
    usage=st.builds(Usage, input=COUNTS, output=COUNTS, cache_read=COUNTS),
    reported_cost=st.none() | st.decimals(0, 5, places=4),
    unit_meter=st.none() | st.just("image"),
    unit_quantity=st.none() | st.just(Decimal("2.5")),
    said=SAID,
    resource_said=SAID,
    flags=st.sampled_from([(), ("b", "a"), ("a", "a", "aggregate")]),
)


@given(SPANS)
def test_one_span_alone_is_a_set_of_one(span: Extracted) -> None:
    assert settle([span]) == connected([span])


@pytest.mark.parametrize(
    ("role", "calls"),
    [(Role.CALL, 1), (Role.EVIDENCE, 1), (Role.AGGREGATE, 1), (Role.UNIT, 1), (Role.CONTEXT, 0), (Role.NONE, 0)],
)
def test_each_role_alone(role: Role, calls: int) -> None:
    span = replace(an({}), role=role, usage=Usage(input=1, output=2), unit_meter="image", unit_quantity=Decimal(1))
    assert len(settle([span])) == calls
