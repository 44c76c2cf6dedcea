"""One span is read as its dialect means it; unknown is never zero; what cannot be is refused."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.extract.spans import NATIVE, OTEL, T0, a_span, an, chat

from tollspan_rater.domain.call import Extracted, Rejected
from tollspan_rater.domain.fates import Role
from tollspan_rater.domain.span import AttributeValue
from tollspan_rater.domain.usage import Usage
from tollspan_rater.extract.dialects.registry import ALL
from tollspan_rater.extract.extract import extract

RAW = {
    "openai.chat": (
        {
            "prompt_tokens": 1000,
            "completion_tokens": 200,
            "prompt_tokens_details": {"cached_tokens": 600, "audio_tokens": 0, "cache_write_tokens": 100},
            "completion_tokens_details": {"reasoning_tokens": 50},
        },
        Usage(input=1000, cache_read=600, cache_write=100, audio_in=0, output=200, reasoning=50),
    ),
    "openai.responses": (
        {
            "input_tokens": 1000,
            "input_tokens_details": {"cached_tokens": 600},
            "output_tokens": 200,
            "output_tokens_details": {"reasoning_tokens": 50},
        },
        Usage(input=1000, cache_read=600, output=200, reasoning=50),
    ),
    "openai.embeddings": ({"prompt_tokens": 8, "total_tokens": 8}, Usage(input=8)),
    "anthropic.messages": (
        {
            "input_tokens": 100,
            "cache_read_input_tokens": 600,
            "cache_creation_input_tokens": 300,
            "cache_creation": {"ephemeral_5m_input_tokens": 200, "ephemeral_1h_input_tokens": 100},
            "output_tokens": 200,
            "server_tool_use": {"web_search_requests": 2},
        },
        Usage(
            input=1000,
            cache_read=600,
            cache_write=300,
            cache_write_5m=200,
            cache_write_1h=100,
            output=200,
            units={"web_search": Decimal(2)},
        ),
    ),
}


@pytest.mark.parametrize("api", RAW)
def test_raw_usage_of_our_own_spans_is_read_to_the_token(api: str) -> None:
    raw, usage = RAW[api]
    span = an({**chat(1, 1), "tollspan.usage.raw": json.dumps(raw), "tollspan.usage.api": api})
    assert (span.usage, span.rank, span.dialect, span.quality) == (usage, 0, "tollspan@1", "exact")


def test_a_stream_that_broke_off_takes_its_estimated_output_from_the_span() -> None:
    """Anthropic states the input at once and the output only at the end; what stands there before is a placeholder."""
    raw = {"input_tokens": 50, "cache_read_input_tokens": 3000, "cache_creation_input_tokens": 0}
    api = {"tollspan.usage.raw": json.dumps(raw), "tollspan.usage.api": "anthropic.messages"}
    broken_off = {**chat(3050, 4), **api, "tollspan.quality": "estimated", "tollspan.outcome": "aborted"}
    read = an(broken_off)
    assert (read.usage.input, read.usage.cache_read, read.usage.output) == (3050, 3000, 4)
    assert (read.quality, read.outcome) == ("estimated", "aborted")


def test_an_unreadable_raw_object_falls_back_to_the_attributes_and_says_so() -> None:
    span = an({**chat(10, 5), "tollspan.usage.raw": "{not json", "tollspan.usage.api": "openai.chat"})
    assert (span.usage, span.rank, span.flags) == (Usage(input=10, output=5), 1, ("unreadable_raw_usage",))
    assert span.quality == "derived"


NAMES: list[tuple[dict[str, AttributeValue], Usage]] = [
    ({"gen_ai.usage.input_tokens": 7, "gen_ai.usage.output_tokens": 3}, Usage(input=7, output=3)),
    ({"gen_ai.usage.prompt_tokens": 7, "gen_ai.usage.completion_tokens": 3}, Usage(input=7, output=3)),
    ({"llm.usage.prompt_tokens": 7, "llm.usage.completion_tokens": 3}, Usage(input=7, output=3)),
    ({"gen_ai.usage.input_tokens": "7", "gen_ai.usage.output_tokens": 3.0}, Usage(input=7, output=3)),
    ({"gen_ai.usage.input_tokens": 7}, Usage(input=7)),
    (
        {"gen_ai.usage.input_tokens": 7, "gen_ai.usage.cache_creation.input_tokens": 2},
        Usage(input=7, cache_write=2),
    ),
    ({"gen_ai.usage.input_tokens": 7, "gen_ai.usage.cache_write.input_tokens": 2}, Usage(input=7, cache_write=2)),
    ({"gen_ai.usage.input_tokens": 7, "gen_ai.usage.cache_read_input_tokens": 2}, Usage(input=7, cache_read=2)),
    ({"gen_ai.usage.input_tokens": 7, "gen_ai.usage.cache_read.input_tokens": 9}, Usage(input=16, cache_read=9)),
    (
        {"gen_ai.usage.input_tokens": 9, "gen_ai.usage.output_tokens": 1, "gen_ai.usage.cache_read.input_tokens": 5}
        | {"gen_ai.usage.total_tokens": 15},
        Usage(input=14, cache_read=5, output=1),
    ),
    (
        {"gen_ai.usage.output_tokens": 9, "gen_ai.usage.reasoning.output_tokens": 4},
        Usage(output=9, reasoning=4),
    ),
    ({}, Usage()),
    ({"gen_ai.usage.input_tokens": 0, "gen_ai.usage.output_tokens": 0}, Usage()),
]


@pytest.mark.parametrize(("attributes", "usage"), NAMES)
@pytest.mark.parametrize("scope", [OTEL, "my.app"])
def test_old_and_new_names_of_the_conventions(attributes: dict[str, AttributeValue], usage: Usage, scope: str) -> None:
    span = an({"gen_ai.operation.name": "chat", **attributes}, scope=scope)
    assert span.usage == usage
    assert span.role is Role.CALL
    assert (span.quality == "unmeasured") is not usage.measured


BAD: list[AttributeValue] = [
    -1,
    float("nan"),
    float("inf"),
    10**12 + 1,
    1.5,
    "many",
    "1e999",
    "-1",
    True,
    [1],
    {"a": 1},
]


@pytest.mark.parametrize("value", BAD, ids=repr)
@pytest.mark.parametrize("scope", ["tollspan", OTEL, "my.app"])
def test_a_count_that_cannot_be_one_is_refused(value: AttributeValue, scope: str) -> None:
    found = extract(a_span({**chat(1, 1), "gen_ai.usage.output_tokens": value}, scope=scope))
    assert isinstance(found, Rejected)
    assert found.reason == "bad_usage"
    assert "output" in found.error


def test_vercel_writes_nan_where_the_provider_said_nothing() -> None:
    span = an({"ai.operationId": "ai.streamText.doStream", "ai.usage.promptTokens": float("nan")}, scope="ai")
    assert (span.usage, span.quality) == (Usage(), "unmeasured")


ROLES: list[tuple[dict[str, AttributeValue], str, Role]] = [
    (chat(), OTEL, Role.CALL),
    ({"gen_ai.operation.name": "invoke_agent", "gen_ai.usage.input_tokens": 5}, OTEL, Role.AGGREGATE),
    ({"gen_ai.operation.name": "execute_tool"}, OTEL, Role.AGGREGATE),
    ({"gen_ai.operation.name": "fetch_response"}, OTEL, Role.NONE),
    ({"gen_ai.operation.name": "fetch_response", "gen_ai.usage.input_tokens": 5}, OTEL, Role.CALL),
    ({"gen_ai.usage.input_tokens": 5}, "dify", Role.AGGREGATE),
    ({"tollspan.customer": "acme"}, "my.app", Role.CONTEXT),
    ({"user.id": "u"}, "my.app", Role.CONTEXT),
    ({"http.route": "/"}, "my.app", Role.NONE),
    ({}, "my.app", Role.NONE),
    ({"openinference.span.kind": "CHAIN"}, "openinference.instrumentation.langchain", Role.AGGREGATE),
    ({"traceloop.span.kind": "workflow"}, "opentelemetry.instrumentation.openai.v1", Role.AGGREGATE),
    ({"ai.operationId": "ai.generateText"}, "ai", Role.AGGREGATE),
    ({"langfuse.observation.type": "span"}, "langfuse-sdk", Role.AGGREGATE),
    ({"tollspan.meter": "gpu_second", "tollspan.quantity": "2.5"}, "tollspan", Role.UNIT),
]


@pytest.mark.parametrize(("attributes", "scope", "role"), ROLES)
def test_roles(attributes: dict[str, AttributeValue], scope: str, role: Role) -> None:
    assert an(attributes, scope=scope).role is role


def test_a_span_that_says_nothing_still_carries_its_place() -> None:
    span = an({}, scope="my.app", parent_id="2" * 16)
    assert (span.trace_id, span.span_id, span.parent_id, span.start_ns) == ("a" * 32, "1" * 16, "2" * 16, T0)


@pytest.mark.parametrize("value", ["-1", "NaN", "Infinity", "", "1e18", "0.0000000000001", None, True, [1]], ids=repr)
def test_a_quantity_that_cannot_be_one_is_refused(value: AttributeValue) -> None:
    found = extract(a_span({"tollspan.meter": "gpu_second", "tollspan.quantity": value}))
    assert isinstance(found, Rejected)
    assert found.reason == "bad_quantity"


@pytest.mark.parametrize(("value", "amount"), [("2.50", "2.50"), (3, "3"), (0.1, "0.1"), ("0", "0")])
def test_a_quantity_is_exact(value: AttributeValue, amount: str) -> None:
    span = an({"tollspan.meter": "gpu_second", "tollspan.quantity": value})
    assert (span.unit_meter, span.unit_quantity) == ("gpu_second", Decimal(amount))


def test_a_native_stream_without_its_end_is_a_lower_bound() -> None:
    attributes = chat(10, None, gen_ai__request__stream=True)
    broken = an(attributes, scope=NATIVE)
    whole = an({**attributes, "anthropic.message.stop_reason": "end_turn"}, scope=NATIVE)
    assert (broken.quality, broken.outcome) == ("lower_bound", "aborted")
    assert (whole.quality, whole.outcome) == ("exact", None)


def test_what_our_own_span_says_of_itself() -> None:
    span = an(
        {
            **chat(),
            "tollspan.record.id": "r1",
            "tollspan.process.id": "p1",
            "tollspan.seq": 7,
            "tollspan.attempt": 2,
            "tollspan.retry_of": "r0",
            "tollspan.outcome": "timeout",
            "tollspan.quality": "lower_bound",
            "gen_ai.response.time_to_first_chunk": 0.25,
            "gen_ai.request.stream": True,
        },
    )
    assert (span.record_id, span.process_id, span.seq, span.attempt, span.retry_of) == ("r1", "p1", 7, 2, "r0")
    assert (span.outcome, span.quality, span.ttft_ms, span.stream) == ("timeout", "lower_bound", 250, True)


def test_an_error_is_a_failed_call() -> None:
    assert an(chat(), scope=OTEL, status=2).outcome == "failed"


def test_a_pending_copy_is_not_final() -> None:
    span = an({**chat(), "logfire.span_type": "pending_span"}, scope="logfire.openai")
    assert span.final is False


def test_no_two_dialects_claim_one_scope() -> None:
    scopes = [(scope, dialect.before) for dialect in ALL for scope in dialect.scopes]
    assert len(scopes) == len(set(scopes))


values = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**63), 2**63 - 1), st.floats(), st.text(max_size=20), st.binary(max_size=5)
)
keys = st.sampled_from(sorted({key for dialect in ALL for key in dialect.attribute_names()} | {"tollspan.tags.a"}))
scopes = st.sampled_from(sorted({scope for dialect in ALL for scope in dialect.scopes} | {"my.app"}))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(keys, st.one_of(values, st.lists(values, max_size=2)), max_size=12), scopes)
def test_whatever_a_span_holds_it_is_read_or_refused(attributes: dict[str, AttributeValue], scope: str) -> None:
    found = extract(a_span(attributes, scope=scope))
    assert isinstance(found, Extracted | Rejected)
