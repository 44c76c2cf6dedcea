"""A set of spans gives its calls, whatever the order, the copies, the batches."""

from __future__ import annotations

import time
from dataclasses import replace
from decimal import Decimal
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.extract.recorded import FOLDER, traces
from tests.extract.spans import NATIVE, OTEL, SECOND, T0, an, chat

from tollspan_rater.domain.call import Extracted
from tollspan_rater.domain.span import AttributeValue
from tollspan_rater.extract.extract import extract
from tollspan_rater.extract.settle import link_ids, settle

OI = "openinference.instrumentation.openai"


def span(name: str, parent: str = "", attributes: dict[str, AttributeValue] | None = None, **over: Any) -> Extracted:
    return an(attributes or {}, **{"span_id": name, "parent_id": parent, "scope": OTEL} | over)


def with_id(name: str, parent: str = "", said: str = "resp_1", output: int | None = 5, **over: Any) -> Extracted:
    model = over.pop("model", "gpt-4o")
    record = over.pop("record", None)
    operation = over.pop("operation", "chat")
    attributes = chat(10, output) | {"gen_ai.response.id": said, "gen_ai.request.model": model}
    attributes |= {"gen_ai.operation.name": operation} | ({"tollspan.record.id": record} if record else {})
    return span(name, parent, attributes, **over)


R1: list[tuple[str, dict[str, Any], dict[str, Any], int, tuple[str, ...]]] = [
    ("other scopes", {}, {"scope": OI}, 1, ()),
    ("other traces, other scopes", {}, {"scope": OI, "trace_id": "b" * 32}, 1, ()),
    ("one scope twice", {}, {"trace_id": "b" * 32}, 2, ("id_reuse",)),
    (
        "an hour apart",
        {},
        {"scope": OI, "start_ns": T0 + 3600 * SECOND, "end_ns": T0 + 3601 * SECOND},
        2,
        ("id_reuse",),
    ),
    ("another model", {}, {"scope": OI, "model": "claude-opus-4"}, 2, ("id_reuse",)),
    ("another output", {"output": 5}, {"scope": OI, "output": 500}, 2, ("id_reuse",)),
    ("no output on one", {"output": 5}, {"scope": OI, "output": None}, 1, ()),
    (
        "own, another record",
        {"scope": "tollspan", "record": "r1"},
        {"scope": "tollspan", "record": "r2"},
        2,
        ("id_reuse",),
    ),
    (
        "own, fetched an hour later",
        {"scope": "tollspan", "record": "r1", "output": None},
        {"scope": "tollspan", "record": "r2", "operation": "fetch_response"}
        | {"start_ns": T0 + 3600 * SECOND, "end_ns": T0 + 3601 * SECOND},
        1,
        ("filled",),
    ),
    ("another tenant", {}, {"scope": OI, "tenant": "t2"}, 2, ()),
    ("another id", {}, {"scope": OI, "said": "resp_2"}, 2, ()),
]


@pytest.mark.parametrize(("case", "one", "other", "calls", "flags"), R1, ids=[row[0] for row in R1])
def test_one_response_id(
    case: str, one: dict[str, Any], other: dict[str, Any], calls: int, flags: tuple[str, ...]
) -> None:
    found = settle([with_id("1" * 16, **one), with_id("2" * 16, **other)])
    assert len(found) == calls
    assert {call.flags for call in found} == {flags}


@pytest.mark.parametrize("scope", ["tollspan", OTEL])
def test_what_was_fetched_later_does_not_tie_two_makers(scope: str) -> None:
    made = [with_id(f"{n}" * 16, scope=scope, record=f"r{n}", output=None, start_ns=T0 + 9 * n) for n in (0, 2)]
    fetched = with_id("3" * 16, scope=scope, record="r3", operation="fetch_response", start_ns=T0 + 9)
    calls = settle([*made, fetched])
    assert sorted(len(call.members) for call in calls) == [1, 2]


def test_a_record_of_ours_within_another_is_a_call_of_its_own() -> None:
    calls = [
        with_id(f"{n}" * 16, "1" * 16 if n == 2 else "", said="", scope="tollspan", record=f"r{n}") for n in (1, 2)
    ]
    assert len(settle(calls)) == 2


def test_the_nearer_of_two_views_ancestors_is_heard() -> None:
    far = span("7" * 16, attributes={"tollspan.customer": "far"}, scope="app")
    between = span("8" * 16, "7" * 16, scope="app")
    best = with_id("1" * 16, "8" * 16, scope=NATIVE)
    near = span("7" * 16, attributes={"tollspan.customer": "near"}, scope="app", trace_id="b" * 32)
    other = with_id("2" * 16, "7" * 16, scope=OI, trace_id="b" * 32)
    [call] = settle([far, between, best, near, other])
    assert (call.customer, call.flags) == ("near", ())


def test_a_made_up_id_merges_nothing() -> None:
    said = "chatcmpl-09687fa4-71af-4cf3-bd71-42110b3aaaaa"
    assert len(settle([with_id("1" * 16, said=said), with_id("2" * 16, said=said, scope=OI)])) == 2
    assert link_ids(with_id("1" * 16, said=said)) is None


@pytest.mark.parametrize(
    ("said", "link"), [("resp_1", "resp_1"), ("chatcmpl-123", None), ("chatcmpl-8b12", "chatcmpl-8b12")]
)
def test_links_between_traces(said: str, link: str | None) -> None:
    assert link_ids(with_id("1" * 16, said=said)) == link
    assert (
        link_ids(span("1" * 16, attributes={"gen_ai.operation.name": "invoke_agent", "gen_ai.response.id": said}))
        is None
    )


def test_a_call_within_a_call_is_the_same_call() -> None:
    outer = span("1" * 16, attributes=chat(10, 5))
    inner = span("2" * 16, "1" * 16, chat(10, 5) | {"gen_ai.usage.reasoning.output_tokens": 2}, scope=NATIVE)
    [call] = settle([outer, inner])
    assert (call.usage.input, call.usage.output, call.usage.reasoning) == (10, 5, 2)
    assert call.members == ("a" * 32 + ":" + "2" * 16, "a" * 32 + ":" + "1" * 16)


def test_a_call_around_several_calls_is_their_container() -> None:
    outer = span("1" * 16, attributes=chat(20, 10) | {"tollspan.customer": "acme"})
    inner = [span(f"{n}" * 16, "1" * 16, chat(10, 5), scope=NATIVE) for n in (2, 3)]
    calls = settle([outer, *inner])
    assert [(call.usage.input, call.customer) for call in calls] == [(10, "acme"), (10, "acme")]


@pytest.mark.parametrize(("least", "calls"), [(4, 1), (400, 2)])
def test_an_output_without_thoughts_is_a_lower_bound_of_the_same_response(least: int, calls: int) -> None:
    about = {"gen_ai.provider.name": "gcp.gemini", "gen_ai.request.model": "gemini-2.5-pro", "gen_ai.response.id": "g"}
    less = chat(10, least) | about | {"gen_ai.usage.total_tokens": 10 + max(least, 310)}
    more = chat(10, 310) | about | {"gen_ai.usage.reasoning.output_tokens": 306}
    seen = span("1" * 16, "9" * 16, less, scope="opentelemetry.instrumentation.google_generativeai")
    found = settle([seen, span("2" * 16, "9" * 16, more, scope="tollspan")])
    assert len(found) == calls
    assert found[0].usage.output == 310 or calls == 2


@pytest.mark.parametrize(("said", "calls"), [(None, 3), (20, 4)])
def test_a_container_that_another_saw_as_well_is_no_call_unless_it_was_measured(said: int | None, calls: int) -> None:
    native = span("1" * 16, "9" * 16, chat(None, None), scope=NATIVE, status=2)
    seen = span("2" * 16, "9" * 16, chat(said, said), scope=OI, status=2)
    attempts = [span(f"{n}" * 16, "1" * 16, chat(None, None), scope="tollspan", status=2) for n in (3, 4, 5)]
    assert len(settle([native, seen, *attempts])) == calls


def test_parallel_equal_calls_of_one_scope_stay_apart() -> None:
    assert len(settle([span(f"{n}" * 16, "9" * 16, chat(10, 5)) for n in range(5)])) == 5


def test_siblings_of_two_scopes_pair_one_to_one() -> None:
    both = [
        span(f"{n}{k}" * 8, "9" * 16, chat(10, n), scope=scope) for n in range(4) for k, scope in enumerate((OTEL, OI))
    ]
    calls = settle(both)
    assert sorted(call.usage.output or 0 for call in calls) == [0, 1, 2, 3]
    assert {len(call.members) for call in calls} == {2}


@pytest.mark.parametrize("outputs", [1, 7, 300])
def test_hundreds_of_parallel_calls_pair_whatever_starts_first(outputs: int) -> None:
    first = [span(f"a{n:015}", "9" * 16, chat(10, n % outputs), scope=OI, start_ns=T0 + n) for n in range(300)]
    then = [span(f"b{n:015}", "9" * 16, chat(10, n % outputs), start_ns=T0 + 1000 + n) for n in range(300)]
    calls = settle([*first, *then])
    assert len(calls) == 300
    assert sum(call.usage.input or 0 for call in calls) == 3_000


def test_a_failed_attempt_does_not_take_the_view_of_its_successor() -> None:
    seen = span("1" * 16, "9" * 16, chat(10, 5), scope=OI, end_ns=T0 + 3 * SECOND)
    failed = span("2" * 16, "9" * 16, chat(None, None), scope="tollspan", start_ns=T0 + 1, status=2)
    good = span("3" * 16, "9" * 16, chat(10, 5), scope="tollspan", start_ns=T0 + SECOND, end_ns=T0 + 2 * SECOND)
    calls = settle([seen, failed, good])
    assert [(call.outcome, call.usage.input) for call in calls] == [("failed", None), ("complete", 10)]


def test_usage_written_beside_a_streamed_call_belongs_to_it() -> None:
    asked = span("1" * 16, "9" * 16, chat(None, None), scope="logfire.openai")
    raw: dict[str, AttributeValue] = {"gen_ai.usage.raw": '{"prompt_tokens": 10, "completion_tokens": 5}'}
    place: dict[str, Any] = {"span_id": "2" * 16, "parent_id": "9" * 16, "scope": "logfire.openai"}
    told = an(raw, name="streaming response from 'x'", start_ns=T0 + SECOND, **place)
    [call] = settle([asked, told])
    assert (call.usage.input, call.usage.output, len(call.members)) == (10, 5, 2)


AGENT: dict[str, AttributeValue] = {"gen_ai.operation.name": "invoke_agent", "gen_ai.usage.input_tokens": 30}


def test_a_container_counts_only_where_no_call_does() -> None:
    agent, outer = span("1" * 16, attributes=AGENT), span("0" * 16, attributes=AGENT)
    [alone] = settle([agent])
    assert (alone.usage.input, alone.quality, alone.flags) == (30, "derived", ("aggregate",))
    assert len(settle([outer, replace(agent, parent_id="0" * 16)])) == 1
    [call] = settle([agent, span("2" * 16, "1" * 16, chat(10, 5))])
    assert call.usage.input == 10


def test_a_container_fills_the_one_call_below_that_nobody_measured() -> None:
    [call] = settle([span("1" * 16, attributes=AGENT), span("2" * 16, "1" * 16, chat(None, None))])
    assert (call.usage.input, call.quality, len(call.members)) == (30, "derived", 2)


def test_a_lower_view_fills_details_only_where_totals_agree() -> None:
    high = span("1" * 16, "9" * 16, chat(10, 5), scope=NATIVE)
    details: dict[str, AttributeValue] = {"gen_ai.usage.cache_read.input_tokens": 4}
    agrees = span("2" * 16, "9" * 16, chat(10, 5) | details, scope=OI)
    differs = span("2" * 16, "9" * 16, chat(12, 5) | details, scope=OI)
    [call] = settle([high, agrees])
    assert (call.usage.cache_read, call.flags) == (4, ())
    [call] = settle([high, differs])
    assert (call.usage.input, call.usage.cache_read, call.flags) == (10, None, ("conflict:usage",))


def test_rare_parts_are_filled_where_totals_agree_and_what_stands_beside_them_always() -> None:
    lower = span("2" * 16, "9" * 16, chat(10, 5), scope=OI)
    units = {"tool_use": Decimal(4), "advisor_in": Decimal(7), "web_search": Decimal(1)}
    for stated, filled in ((10, units), (12, {"advisor_in": Decimal(7), "web_search": Decimal(1)})):
        high = span("1" * 16, "9" * 16, chat(stated, 5), scope=NATIVE)
        [call] = settle([high, replace(lower, usage=replace(lower.usage, units=units))])
        assert call.usage.units == filled


def test_terms_and_details_come_from_the_best_view_that_states_them() -> None:
    high = span("1" * 16, "9" * 16, chat(10, 5), scope=NATIVE)
    lower = span("2" * 16, "9" * 16, chat(10, 5), scope=OI)
    [call] = settle(
        [
            replace(high, terms={"geo": "us"}, details={"request_id": "req_1"}),
            replace(lower, terms={"geo": "global", "batch": "true"}, details={"vantage": "gateway"}),
        ]
    )
    assert call.terms == (("batch", "true"), ("geo", "us"))
    assert call.details == (("request_id", "req_1"), ("vantage", "gateway"))


def test_unknown_never_becomes_zero() -> None:
    [call] = settle([span("1" * 16, attributes=chat(10, None))])
    assert (call.usage.output, call.usage.cache_read, call.usage.reasoning) == (None, None, None)
    [call] = settle([span("1" * 16, attributes=chat(None, None))])
    assert (call.usage.input, call.quality) == (None, "unmeasured")


def test_a_unit_is_a_measure_of_its_own() -> None:
    unit = an({"tollspan.meter": "gpu_second", "tollspan.quantity": "2.5", "tollspan.customer": "acme"})
    [call] = settle([unit])
    assert (call.kind, call.meter, call.quantity, call.customer) == ("unit", "gpu_second", Decimal("2.5"), "acme")
    assert call.call_id.startswith("m_")


def attributed(*levels: dict[str, AttributeValue], resource: dict[str, AttributeValue] | None = None) -> dict[str, Any]:
    """Settle a chain of spans, the root first, the call last; return what its call says."""
    chain = []
    for depth, said in enumerate(levels):
        last = depth == len(levels) - 1
        attributes = said | (chat(10, 5) if last else {})
        chain.append(span(f"{depth:016}", f"{depth - 1:016}" if depth else "", attributes, resource=resource or {}))
    [call] = settle(chain)
    return {"customer": call.customer, "environment": call.environment, "flags": call.flags, "billable": call.billable}


def test_attribution_comes_from_the_nearest_span_that_says_so() -> None:
    assert attributed({"tollspan.customer": "root"}, {}, {})["customer"] == "root"
    assert attributed({"tollspan.customer": "root"}, {"tollspan.customer": "near"}, {})["customer"] == "near"
    assert attributed({"tollspan.customer": "root"}, {}, {"customer.id": "alias"})["customer"] == "root"
    assert attributed({"customer.id": "far"}, {"customer.id": "near"}, {})["customer"] == "near"
    resource: dict[str, AttributeValue] = {"deployment.environment": "qa", "tollspan.customer": "service"}
    assert attributed({"tollspan.customer": "root"}, {}, resource=resource)["customer"] == "root"
    assert attributed({}, {"tollspan.billable": False}, resource=resource) == {
        "customer": "service",
        "environment": "qa",
        "flags": (),
        "billable": False,
    }
    assert attributed({})["environment"] is None


def test_views_that_disagree_on_one_level_are_a_conflict_with_one_winner() -> None:
    views = [
        span(
            f"{n}" * 16, "9" * 16, chat(10, 5) | {"tollspan.customer": f"c{n}", "gen_ai.response.id": "r"}, scope=scope
        )
        for n, scope in enumerate((NATIVE, OI, "opentelemetry.instrumentation.openai.v1"))
    ]
    silent = replace(views[0], said={})
    [call] = settle([silent, *views[1:]])
    assert (call.customer, call.flags) == ("c2", ("conflict:customer",))
    [call] = settle(views)
    assert (call.customer, call.flags) == ("c0", ())


def test_a_final_version_replaces_a_pending_one() -> None:
    final = span("1" * 16, attributes=chat(10, 5))
    pending = replace(final, final=False, usage=an(chat(1, 1)).usage)
    assert settle([pending, final]) == settle([final, pending]) == settle([final])


RECORDED = [
    one
    for path in sorted(FOLDER.glob("*.otlp.jsonl"))
    for spans in traces(path.name.removesuffix(".otlp.jsonl"))
    for one in map(extract, spans)
    if isinstance(one, Extracted)
]

small = st.builds(
    lambda n, parent, scope, said, out, t, customer: span(
        f"{n:016}",
        f"{parent:016}" if parent != n else "",
        ({"gen_ai.operation.name": "invoke_agent"} if said == "agent" else {})
        | chat(10, out, **({"gen_ai__response__id": said} if said.startswith("r") else {}))
        | ({"tollspan.customer": customer} if customer else {}),
        scope=scope,
        start_ns=T0 + t * SECOND,
        end_ns=T0 + (t + 2) * SECOND,
    ),
    st.integers(0, 9),
    st.integers(0, 9),
    st.sampled_from([OTEL, NATIVE, OI, "tollspan"]),
    st.sampled_from(["", "r1", "r2", "agent"]),
    st.sampled_from([None, 5, 6, 500]),
    st.integers(0, 4),
    st.sampled_from(["", "a", "b"]),
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(small, max_size=12), st.randoms(use_true_random=False))
def test_order_and_copies_change_nothing(spans: list[Extracted], random: Random) -> None:
    shuffled = spans + random.choices(spans, k=3) if spans else []
    random.shuffle(shuffled)
    calls = settle(shuffled)
    assert repr(calls) == repr(settle(spans))
    members = [member for call in calls for member in call.members]
    assert len(members) == len(set(members))
    assert len({call.call_id for call in calls}) == len(calls)


def test_traces_settled_together_or_apart_give_the_same_calls() -> None:
    by_trace: dict[str, list[Extracted]] = {}
    for one in RECORDED:
        by_trace.setdefault(one.trace_id, []).append(one)
    apart = [call for spans in by_trace.values() for call in settle(spans)]
    assert settle(RECORDED) == sorted(apart, key=lambda call: (call.tenant, call.started_ns, call.call_id))


def test_tenants_with_the_same_spans_never_meet() -> None:
    twins = [replace(one, tenant="t2") for one in RECORDED]
    both = settle([*RECORDED, *twins])
    alone = settle(RECORDED)
    assert [call for call in both if call.tenant == "t1"] == alone
    assert len(both) == 2 * len(alone)
    assert len({call.call_id for call in both}) == len(both)


def a_chain(depth: int) -> list[Extracted]:
    return [span(f"{n:016}", f"{n - 1:016}" if n else "", chat(10, 5)) for n in range(depth)]


def siblings(count: int) -> list[Extracted]:
    return [span(f"{n:016}", "f" * 16, chat(10, n % 40), scope=OTEL if n % 2 else OI) for n in range(count)]


def one_id(count: int) -> list[Extracted]:
    return [with_id(f"{n:016}", "f" * 16, scope=OTEL if n % 2 else OI) for n in range(count)]


def deep_contexts(depth: int) -> list[Extracted]:
    above = [
        span(f"{n:016}", f"{n - 1:016}" if n else "", {f"tollspan.tags.k{n}": "v"}, scope="app")
        for n in range(depth // 2)
    ]
    return above + [span(f"c{n:015}", f"{n:016}", chat(10, 5)) for n in range(depth // 2)]


@pytest.mark.parametrize("shape", [a_chain, siblings, one_id, deep_contexts])
def test_ten_thousand_spans_of_one_trace_settle_in_bounded_time(shape: Any) -> None:
    few, many = shape(1_000), shape(10_000)
    start = time.process_time()
    settle(few)
    middle = time.process_time()
    settle(many)
    assert time.process_time() - middle < 30 * (middle - start) + 0.5


def test_a_cycle_of_parents_settles() -> None:
    ring = [span(f"{n:016}", f"{(n + 1) % 3:016}", {"tollspan.customer": f"c{n}"}, scope="app") for n in range(3)]
    [call] = settle([*ring, span("9" * 16, f"{0:016}", chat(10, 5))])
    assert call.customer == "c0"
