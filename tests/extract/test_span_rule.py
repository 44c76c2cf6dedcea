"""Span rules: which spans fit, how much they count, and what settlement makes of it."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.extract.spans import OTEL, T0, a_span, chat

from tollspan_rater.domain.call import Call, Extracted, Rejected, Ruled
from tollspan_rater.domain.fates import Role
from tollspan_rater.domain.span import CLIENT, INTERNAL, Span
from tollspan_rater.extract.evidence import digest, from_evidence, sealed
from tollspan_rater.extract.extract import extract
from tollspan_rater.extract.rule_file import load
from tollspan_rater.extract.settle import settle
from tollspan_rater.extract.span_rule import NO_RULES, VIEWS, SpanRules, ruled

APP = "app"


def rules(*when: str, meter: str = "unit", more: str = "") -> SpanRules:
    """One rule a condition, all on one meter unless it says otherwise."""
    lines = [f"  - {{rule: r{number}, meter: {meter}, when: {{{one}}}{more}}}" for number, one in enumerate(when)]
    return load("meters.yaml", "rules:\n" + "\n".join(lines))


def read(span: Span, by: SpanRules) -> Extracted:
    found = ruled(span, extract(span), by)
    assert isinstance(found, Extracted), found
    return found


def measures(found: Extracted) -> dict[str, Decimal]:
    return {} if found.ruled is None else {one.meter: one.quantity for one in found.ruled.counts}


def units(*spans: Span, by: SpanRules) -> list[tuple[str | None, Decimal | None]]:
    return [(call.meter, call.quantity) for call in settled(*spans, by=by) if call.kind == "unit"]


def settled(*spans: Span, by: SpanRules) -> list[Call]:
    return settle([read(span, by) for span in spans])


@pytest.mark.parametrize(
    ("when", "span", "holds"),
    [
        ("name: search", {"name": "search"}, True),
        ("name: search", {"name": "research"}, False),
        ("name: 'search*'", {"name": "search.v2"}, True),
        ("name: '?earch'", {"name": "search"}, True),
        ("name: {is: 'search*'}", {"name": "search.v2"}, False),
        ("name: {is: 'search*'}", {"name": "search*"}, True),
        ("name: [search, query]", {"name": "query"}, True),
        ("scope: 'pine*'", {"scope": "pinecone"}, True),
        ("scope: 'pine*'", {"scope": "qdrant"}, False),
        ("kind: client", {"kind": CLIENT}, True),
        ("kind: [client, server]", {"kind": INTERNAL}, False),
        ("service: 'search-*'", {"resource": {"service.name": "search-eu"}}, True),
        ("service: 'search-*'", {"resource": {}}, False),
        ("resource: {cloud.region: eu-1}", {"resource": {"cloud.region": "eu-1"}}, True),
        ("attributes: {a: x}", {"attributes": {"a": "x"}}, True),
        ("attributes: {a: x}", {"attributes": {}}, False),
        ("attributes: {a: 200}", {"attributes": {"a": 200}}, True),
        ("attributes: {a: 1}", {"attributes": {"a": 1.0}}, True),
        ("attributes: {a: true}", {"attributes": {"a": True}}, True),
        ("attributes: {a: 1}", {"attributes": {"a": True}}, False),
        ("attributes: {a: x}", {"attributes": {"a": ["y", "x"]}}, True),
        ("attributes: {a: '*'}", {"attributes": {}}, False),
        ("attributes: {a: {present: yes}}", {"attributes": {"a": ""}}, True),
        ("attributes: {a: {present: yes}}", {"attributes": {}}, False),
        ("attributes: {a: {present: no}}", {"attributes": {}}, True),
        ("attributes: {a: {present: no}}", {"attributes": {"a": 0}}, False),
        ("attributes: {a: {at_least: 200, below: 300}}", {"attributes": {"a": 200}}, True),
        ("attributes: {a: {at_least: 200, below: 300}}", {"attributes": {"a": 300}}, False),
        ("attributes: {a: {above: 0.5}}", {"attributes": {"a": "0.75"}}, True),
        ("attributes: {a: {above: 0.5}}", {"attributes": {"a": 0.5}}, False),
        ("attributes: {a: {at_most: -1}}", {"attributes": {"a": -1}}, True),
        ("attributes: {a: {above: 0}}", {"attributes": {"a": "many"}}, False),
        ("attributes: {a: {above: 0}}", {"attributes": {"a": float("nan")}}, False),
        ("attributes: {a: {above: 0}}", {"attributes": {"a": True}}, False),
        ("attributes: {a: {above: 0}}", {"attributes": {}}, False),
        ("name: search, scope: pinecone", {"name": "search", "scope": "pinecone"}, True),
        ("name: search, scope: pinecone", {"name": "search", "scope": "qdrant"}, False),
    ],
)
def test_conditions(when: str, span: dict[str, Any], holds: bool) -> None:
    by = rules(when)
    assert list(by.fitting(a_span(**span))) == (list(by.rules) if holds else [])


@pytest.mark.parametrize(
    ("quantity", "span", "wanted"),
    [
        ("1", {}, "1"),
        ("{attribute: pages}", {"attributes": {"pages": 3}}, "3"),
        ("{attribute: pages}", {"attributes": {"pages": "2.5"}}, "2.5"),
        ("{attribute: pages}", {"attributes": {"pages": 0.1}}, "0.1"),
        ("{attribute: pages}", {"attributes": {"pages": 0}}, "0"),
        ("{attribute: pages}", {"attributes": {}}, None),
        ("{duration: seconds}", {"end_ns": T0 + 1_500_000_001}, "1.500000001"),
        ("{duration: milliseconds}", {"end_ns": T0 + 1_500_000_001}, "1500.000001"),
        ("{duration: seconds}", {"end_ns": T0}, "0"),
    ],
)
def test_quantities(quantity: str, span: dict[str, Any], wanted: str | None) -> None:
    found = read(a_span(scope=APP, **span), rules("name: chat", more=f", quantity: {quantity}"))
    assert measures(found) == ({} if wanted is None else {"unit": Decimal(wanted)})
    assert found.role is (Role.NONE if wanted is None else Role.UNIT)


@pytest.mark.parametrize("value", [-1, "many", float("nan"), float("inf"), True, "1e40", "0.0000000000001"])
def test_a_quantity_that_cannot_be_one(value: Any) -> None:
    by = rules("name: chat", more=", quantity: {attribute: pages}")
    alone = ruled(a_span({"pages": value}, scope=APP), extract(a_span({"pages": value}, scope=APP)), by)
    assert isinstance(alone, Rejected)
    assert alone.reason == "bad_quantity"
    assert "rule r0" in alone.error
    beside = read(a_span(chat(10, 5, pages=value), scope=OTEL), by)
    assert (beside.usage.input, beside.role, measures(beside)) == (10, Role.CALL, {})
    assert "bad_quantity:unit" in beside.flags


def test_a_span_that_ends_before_it_began_has_no_duration() -> None:
    by = rules("name: chat", more=", quantity: {duration: seconds}")
    span = a_span(scope=APP, end_ns=T0 - 1)
    assert isinstance(ruled(span, extract(span), by), Rejected)


def test_beside_a_call_the_tokens_stay() -> None:
    span = a_span(chat(10, 5), scope=OTEL)
    call, unit = sorted(settled(span, by=rules("kind: client", meter="api_call")), key=lambda one: one.kind)
    assert (call.usage.input, call.usage.output, call.kind) == (10, 5, "call")
    assert (unit.meter, unit.quantity, unit.usage.measured, unit.model) == ("api_call", 1, False, "gpt-4o")
    assert unit.call_id != call.call_id
    assert unit.dialect.startswith("rule:r0@mr_")


def test_instead_of_a_call_its_tokens_are_no_usage() -> None:
    by = rules("scope: vllm", meter="gpu_second", more=", form: instead, quantity: {duration: seconds}")
    inner = a_span(chat(10, 5), scope="vllm", parent_id="2" * 16)
    outer = a_span(
        {"gen_ai.operation.name": "invoke_agent", "gen_ai.usage.input_tokens": 10, "gen_ai.usage.output_tokens": 5},
        scope=OTEL,
        span_id="2" * 16,
    )
    assert units(inner, by=by) == [("gpu_second", 1)]
    assert [(one.kind, one.usage.total) for one in settled(inner, outer, by=by)] == [("unit", None)]


def test_a_container_that_is_a_unit_parts_the_calls_above_and_below_it() -> None:
    """A call that an agent makes within a call is another call, whatever rules make of the agent's span."""
    spans = [
        a_span(chat(10, 5), scope="framework", span_id="1" * 16),
        a_span({"gen_ai.operation.name": "invoke_agent"}, scope=OTEL, span_id="2" * 16, parent_id="1" * 16),
        a_span(chat(10, 5), scope=OTEL, span_id="3" * 16, parent_id="2" * 16),
    ]
    for text in ("rules: []", rules_text("agents", "agent_run", "invoke_agent", "instead")):
        found = settled(*spans, by=load("meters.yaml", text))
        assert sum(one.usage.total or 0 for one in found) == 30


def rules_text(name: str, meter: str, operation: str, form: str) -> str:
    when = f"{{attributes: {{gen_ai.operation.name: {operation}}}}}"
    return f"rules: [{{rule: {name}, meter: {meter}, form: {form}, when: {when}}}]"


def test_two_views_of_one_call_count_once() -> None:
    by = rules("kind: client", meter="api_call")
    ours = a_span(chat(10, 5, gen_ai__response__id="r1"), scope="opentelemetry.instrumentation.genai.anthropic")
    native = a_span(
        chat(10, 5, gen_ai__response__id="r1"), scope="com.anthropic.sdk.python", parent_id="1" * 16, span_id="2" * 16
    )
    assert units(ours, native, by=by) == [("api_call", 1)]
    apart = a_span(chat(10, 5, gen_ai__response__id="r2"), scope=OTEL, span_id="3" * 16)
    assert units(ours, native, apart, by=by) == [("api_call", 1)] * 2


def test_each_meter_is_counted_once_by_the_first_rule_that_fits() -> None:
    by = load(
        "meters.yaml",
        """
        built_in: all
        rules:
          - {rule: free, meter: tool_call, form: skip, when: {attributes: {gen_ai.tool.name: "internal_*"}}}
          - {rule: pages, meter: page, when: {name: chat}, quantity: {attribute: pages}}
          - {rule: seconds, meter: tool_second, when: {name: chat}, quantity: {duration: seconds}}
        """,
    )
    tool = {"gen_ai.operation.name": "execute_tool", "openinference.span.kind": "TOOL", "gen_ai.tool.name": "search"}
    assert measures(read(a_span(tool, scope=OTEL), by)) == {"tool_call": 1, "tool_second": 1}
    assert measures(read(a_span({**tool, "gen_ai.tool.name": "internal_clock"}, scope=OTEL), by)) == {"tool_second": 1}


@pytest.mark.parametrize(
    ("attributes", "meter"),
    [
        ({"gen_ai.operation.name": "execute_tool"}, "tool_call"),
        ({"gen_ai.operation.name": "invoke_agent"}, "agent_run"),
        ({"gen_ai.operation.name": "invoke_workflow"}, "workflow_run"),
        ({"gen_ai.operation.name": "retrieval"}, "retrieval"),
        ({"gen_ai.operation.name": "rerank"}, "rerank"),
        ({"openinference.span.kind": "TOOL"}, "tool_call"),
        ({"openinference.span.kind": "AGENT"}, "agent_run"),
        ({"openinference.span.kind": "RETRIEVER"}, "retrieval"),
        ({"openinference.span.kind": "RERANKER"}, "rerank"),
        ({"traceloop.span.kind": "tool"}, "tool_call"),
        ({"traceloop.span.kind": "workflow"}, "workflow_run"),
        ({"langfuse.observation.type": "agent"}, "agent_run"),
        ({"langsmith.span.kind": "retriever"}, "retrieval"),
        ({"gen_ai.span.kind": "TOOL"}, "tool_call"),
        ({"ai.operationId": "ai.toolCall"}, "tool_call"),
        ({"openinference.span.kind": "CHAIN"}, None),
        ({"gen_ai.operation.name": "chat"}, None),
    ],
)
def test_built_in_rules(attributes: dict[str, Any], meter: str | None) -> None:
    found = units(a_span(attributes, scope=APP), by=load("meters.yaml", "built_in: all"))
    assert found == ([] if meter is None else [(meter, 1)])


def test_built_in_rules_double_no_token() -> None:
    """An agent that repeats the sums of its calls is a unit, and still no call of its own."""
    by = load("meters.yaml", "built_in: all")
    agent = a_span(
        {"gen_ai.operation.name": "invoke_agent", "gen_ai.usage.input_tokens": 10, "gen_ai.usage.output_tokens": 5},
        scope=OTEL,
    )
    call = a_span(chat(10, 5), scope=OTEL, span_id="2" * 16, parent_id="1" * 16)
    found = settled(agent, call, by=by)
    assert sum(one.usage.total or 0 for one in found) == 15
    assert sorted((one.kind, one.meter) for one in found) == [("call", None), ("unit", "agent_run")]
    standing = settled(agent, by=by)
    assert sorted((one.kind, one.usage.total) for one in standing) == [("call", 15), ("unit", None)]


def test_a_unit_is_attributed_as_any_span() -> None:
    root = a_span({"tollspan.customer": "acme"}, scope=APP, span_id="9" * 16)
    tool = a_span({"gen_ai.operation.name": "execute_tool"}, scope=OTEL, parent_id="9" * 16)
    [unit] = settled(root, tool, by=load("meters.yaml", "built_in: all"))
    assert (unit.customer, unit.meter) == ("acme", "tool_call")


def test_a_failed_tool_call_says_so() -> None:
    tool = a_span({"gen_ai.operation.name": "execute_tool"}, scope=OTEL, status=2)
    [unit] = settled(tool, by=load("meters.yaml", "built_in: all"))
    assert unit.outcome == "failed"


def test_a_span_that_states_its_own_meter_is_left_alone() -> None:
    span = a_span({"tollspan.meter": "page", "tollspan.quantity": "3"})
    assert units(span, by=rules("name: chat")) == [("page", 3)]


def test_evidence_keeps_what_rules_counted_and_the_digest_does_not_look() -> None:
    for attributes in ({}, {"tollspan.customer": "acme"}, chat(10, 5), {"gen_ai.operation.name": "execute_tool"}):
        span = a_span(attributes, scope=OTEL)
        for more in ("", ", form: instead"):
            found = read(span, rules("name: chat", more=more))
            assert found.ruled is not None
            evidence, seen = sealed(found)
            assert from_evidence(evidence) == found
            assert seen == digest(found) == digest(read(span, NO_RULES))


_WHEN = st.sampled_from(["name: chat", "kind: client", "attributes: {gen_ai.request.model: 'gpt-*'}", "scope: '*'"])
_FORM = st.sampled_from(["beside", "instead", "skip"])


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(_WHEN, _FORM, st.sampled_from(["a", "b"])), min_size=1, max_size=4))
def test_each_rule_set_comes_back_from_its_body(drawn: list[tuple[str, str, str]]) -> None:
    lines = [
        f"  - {{rule: r{number}, meter: {meter}, form: {form}, when: {{{when}}}}}"
        for number, (when, form, meter) in enumerate(drawn)
    ]
    made = load("meters.yaml", "rules:\n" + "\n".join(lines))
    again = SpanRules.from_body(json.loads(json.dumps(made.body())))
    assert (again, again.version, again.keys) == (made, made.version, made.keys)
    spans = [a_span(chat(10, 5), scope=OTEL, span_id=f"{number + 1:016x}") for number in range(3)]
    found = settled(*spans, by=made)
    tokens = sum(one.usage.input or 0 for one in found)
    decided = dict[str, str]()
    for _when, form, meter in drawn:
        decided.setdefault(meter, form)
    assert tokens == (0 if "instead" in decided.values() else 30)
    for meter, form in decided.items():
        assert sum(one.meter == meter for one in found) == (0 if form == "skip" else 3)


ELSEWHERE = """
rules:
  - {rule: shop-views, billed_elsewhere: by the gateway, when: {service: shop}}
  - {rule: calls, meter: api_call, when: {kind: client}}
"""
SHOP = {"service.name": "shop"}
AGENT = {"gen_ai.operation.name": "invoke_agent", "gen_ai.usage.input_tokens": 10, "gen_ai.usage.output_tokens": 5}


@pytest.mark.parametrize(
    ("attributes", "over", "role", "counts"),
    [
        (chat(10, 5), {}, Role.CONTEXT, {}),
        (chat(None, None), {}, Role.CONTEXT, {}),
        (chat(10, 5), {"scope": "litellm", "name": "raw_gen_ai_request"}, Role.CONTEXT, {}),
        (AGENT, {}, Role.UNIT, {"api_call": 1}),
        (AGENT, {"kind": INTERNAL}, Role.CONTEXT, {}),
        ({"tollspan.customer": "acme"}, {"scope": APP, "kind": INTERNAL}, Role.CONTEXT, None),
        ({}, {"scope": APP, "kind": INTERNAL}, Role.NONE, None),
        ({}, {"scope": APP}, Role.UNIT, {"api_call": 1}),
        ({"tollspan.meter": "page", "tollspan.quantity": "3"}, {"scope": "tollspan"}, Role.UNIT, None),
    ],
)
def test_what_is_billed_elsewhere(
    attributes: dict[str, Any], over: dict[str, Any], role: Role, counts: dict[str, int] | None
) -> None:
    """Views of calls count nothing; containers keep their units; other spans are not touched."""
    span = a_span(attributes, **{"scope": OTEL, "resource": SHOP, **over})
    by = load("meters.yaml", ELSEWHERE)
    found = read(span, by)
    plain = read(span, NO_RULES)
    assert (found.role, measures(found)) == (role, counts or {})
    assert (found.usage, found.said, digest(found)) == (plain.usage, plain.said, digest(plain))
    assert found.billed_elsewhere == (plain.role in VIEWS)
    if found.billed_elsewhere:
        assert found.ruled == Ruled(plain.role, found.ruled.counts, f"by the gateway (rule:shop-views@{by.version})")  # type: ignore[union-attr]
    assert from_evidence(sealed(found)[0]) == found


def test_of_two_rules_by_which_a_span_is_billed_elsewhere_the_first_says_where() -> None:
    by = load("meters.yaml", ELSEWHERE + "  - {rule: all, billed_elsewhere: by others, when: {kind: client}}\n")
    found = read(a_span(chat(10, 5), scope=OTEL, resource=SHOP), by)
    assert found.ruled is not None
    assert found.ruled.elsewhere.startswith("by the gateway (rule:shop-views@")
    assert SpanRules.from_body(json.loads(json.dumps(by.body()))) == by


def shop_span(number: int, parent: int | None, attributes: dict[str, Any], **over: Any) -> Span:
    place = {"span_id": f"{number:016x}", "parent_id": "" if parent is None else f"{parent:016x}"}
    return a_span(attributes, **{"scope": OTEL, "resource": SHOP, **place, **over})


GATEWAY: dict[str, Any] = {"resource": {"service.name": "gateway"}, "scope": "litellm"}
FRAMEWORK: dict[str, Any] = {"resource": {"service.name": "other"}}
TREES: list[tuple[str, list[Span], list[tuple[str, int | None]]]] = [
    ("a view alone", [shop_span(1, None, chat())], []),
    (
        "the gateway's view below it, with the customer of the app",
        [shop_span(1, None, chat(tollspan__customer="acme")), shop_span(2, 1, chat(), **GATEWAY)],
        [("acme", 15)],
    ),
    (
        "the gateway's view below it, that is a container",
        [shop_span(1, None, chat()), shop_span(2, 1, AGENT, **GATEWAY)],
        [("", 15)],
    ),
    (
        "no container above stands in for it",
        [shop_span(1, None, AGENT, **FRAMEWORK), shop_span(2, 1, chat())],
        [],
    ),
    (
        "not even when it is not measured",
        [shop_span(1, None, AGENT, **FRAMEWORK), shop_span(2, 1, chat(None, None))],
        [],
    ),
    (
        "a container stands in for calls beside it no more",
        [shop_span(1, None, AGENT, **FRAMEWORK), shop_span(2, 1, chat()), shop_span(3, 1, chat(), **GATEWAY)],
        [("", 15)],
    ),
    (
        "a view of another service with the same id is a call",
        [
            shop_span(1, None, chat(gen_ai__response__id="r")),
            shop_span(2, None, chat(gen_ai__response__id="r"), **GATEWAY),
        ],
        [("", 15)],
    ),
]


@pytest.mark.parametrize(("case", "spans", "calls"), TREES, ids=[case for case, _, _ in TREES])
def test_calls_around_what_is_billed_elsewhere(case: str, spans: list[Span], calls: list[tuple[str, int]]) -> None:
    by = load("meters.yaml", ELSEWHERE.rpartition("  -")[0])
    found = settled(*spans, by=by)
    assert [(one.customer or "", one.usage.total) for one in found if one.kind == "call"] == calls, case
    assert all("id_reuse" not in one.flags for one in found)
