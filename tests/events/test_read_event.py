"""What an event may say, under which names, and what is refused with which words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from tollspan.event import EventError, read_event
from tollspan.event_fields import FIELDS, NAMES, OUTCOMES
from tollspan.event_schema import schema
from tollspan.export import spans

GUIDE: dict[str, Any] = {
    "event_type": "llm_request_completed",
    "event_id": "evt_1",
    "customer_id": "cus_123",
    "user_id": "user_456",
    "workspace_id": "workspace_789",
    "feature": "ai_support_reply",
    "provider": "openai",
    "model": "gpt-4.1",
    "input_tokens": 1200,
    "output_tokens": 350,
    "total_tokens": 1550,
    "cost_usd": 0.0124,
    "billable": True,
    "timestamp": "2026-07-05T10:30:00Z",
}
LEAST: dict[str, Any] = {"id": "1", "time": "2026-07-05T10:30:00Z", "input_tokens": 1, "output_tokens": 1}


def test_the_event_of_the_guides_is_read_whole() -> None:
    event = read_event(GUIDE)
    assert (event.id, event.name, event.ignored) == ("evt_1", "llm_request_completed", ())
    assert event.start_ns == event.end_ns == 1_783_247_400_000_000_000
    assert event.attributes == {
        "tollspan.record.id": "evt_1",
        "tollspan.customer": "cus_123",
        "tollspan.user": "user_456",
        "tollspan.workspace": "workspace_789",
        "tollspan.feature": "ai_support_reply",
        "tollspan.billable": True,
        "tollspan.outcome": "complete",
        "tollspan.reported_cost_usd": "0.0124",
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.response.model": "gpt-4.1",
        "gen_ai.usage.input_tokens": 1200,
        "gen_ai.usage.output_tokens": 350,
    }


@pytest.mark.parametrize(
    ("given_fields", "attributes"),
    [
        ({"tokens_in": 7, "tokens_out": 3}, {"gen_ai.usage.input_tokens": 7, "gen_ai.usage.output_tokens": 3}),
        ({"prompt_tokens": "7"}, {"gen_ai.usage.input_tokens": 7}),
        ({"input_tokens": 7, "total_tokens": 10}, {"gen_ai.usage.input_tokens": 7, "gen_ai.usage.output_tokens": 3}),
        ({"total_tokens": 10}, {"tollspan.tokens": "10", "gen_ai.operation.name": "chat"}),
        ({"input_tokens": 7, "cached_tokens": 5}, {"gen_ai.usage.cache_read.input_tokens": 5}),
        ({"input_tokens": 7, "status": "success"}, {"tollspan.outcome": "complete"}),
        ({"status": "error"}, {"tollspan.outcome": "failed", "gen_ai.operation.name": "chat"}),
        ({"meter": "gpu_second", "quantity": 12.5}, {"tollspan.meter": "gpu_second", "tollspan.quantity": "12.5"}),
        ({"meter": "gpu_second", "quantity": "1e2"}, {"tollspan.quantity": "100"}),
        ({"input_tokens": 7, "plan": "free"}, {"tollspan.subscription": "free"}),
        ({"input_tokens": 7, "billable": "no"}, {"tollspan.billable": False}),
        ({"input_tokens": 7, "tags": {"team": "red"}}, {"tollspan.tags.team": "red"}),
        ({"input_tokens": 7, "ttft_ms": 250}, {"gen_ai.response.time_to_first_chunk": 0.25}),
        ({"input_tokens": 7, "customer": None, "user": ""}, {"gen_ai.usage.input_tokens": 7}),
    ],
)
def test_fields_become_attributes(given_fields: dict[str, Any], attributes: dict[str, Any]) -> None:
    event = read_event({"id": "1", "time": "2026-07-05T10:30:00Z", **given_fields})
    assert {key: event.attributes.get(key) for key in attributes} == attributes


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"id": None}, "id: is missing; give every event its id"),
        ({"id": ""}, "id: is missing"),
        ({"time": None}, "time: is missing"),
        ({"time": "2026-07-05"}, "time: '2026-07-05' is no instant"),
        ({"time": "2026-07-05T10:30:00"}, "with an offset"),
        ({"time": 1783247400}, "is no instant"),
        ({"input_tokens": "many"}, "input_tokens: 'many' is no count"),
        ({"input_tokens": -1}, "input_tokens: -1 is no count"),
        ({"input_tokens": 1.5}, "input_tokens: 1.5 is no count"),
        ({"input_tokens": True}, "input_tokens: True is no count"),
        ({"input_tokens": float("nan")}, "input_tokens: nan is no count"),
        ({"input_tokens": 1 << 60}, "is no count"),
        ({"tokens_in": 2}, "tokens_in: has another value under its other name 'input_tokens'"),
        ({"total_tokens": 5}, "total_tokens: 5 is not input and output together"),
        ({"output_tokens": None, "total_tokens": 0}, "total_tokens: 0 is less than a part of it"),
        ({"input_tokens": None, "output_tokens": None}, "input_tokens: is missing; give token counts"),
        ({"meter": "gpu_second"}, "quantity: is missing"),
        ({"quantity": 1}, "meter: is missing"),
        ({"meter": "gpu_second", "quantity": "-1"}, "quantity: '-1' is no amount"),
        ({"cost_usd": "1,50"}, "cost_usd: '1,50' is no amount"),
        ({"billable": "perhaps"}, "billable: 'perhaps' is neither true nor false"),
        ({"status": "maybe"}, "outcome: 'maybe' is no outcome"),
        ({"customer": "x" * 1025}, "customer: is longer than 1024 bytes"),
        ({"customer": ["a"]}, "customer: ['a'] is no text"),
        ({"tags": "red"}, "tags: are no names with texts"),
        ({"tags": {str(n): "x" for n in range(17)}}, "write at most 16"),
        ({"duration_ms": "-5"}, "duration_ms: '-5' is no duration"),
    ],
)
def test_what_cannot_be_counted_is_refused_with_field_and_remedy(change: dict[str, Any], words: str) -> None:
    with pytest.raises(EventError) as told:
        read_event({**LEAST, **change})
    assert words in str(told.value)


def test_unknown_fields_are_named_and_left_out() -> None:
    event = read_event({**LEAST, "prompt_text": "secret words", "score": 3})
    assert event.ignored == ("prompt_text", "score")
    assert b"secret" not in spans([event])


@given(st.text(max_size=20), st.text(max_size=20), st.text(max_size=20), st.text(max_size=20))
def test_ids_are_those_of_source_and_id_alone(source: str, name: str, other_source: str, other: str) -> None:
    one = read_event({**LEAST, "id": name or "-", "source": source})
    two = read_event({**LEAST, "id": other or "-", "source": other_source, "input_tokens": 9})
    same = (one.source, one.id) == (two.source, two.id)
    assert ((one.trace_id, one.span_id) == (two.trace_id, two.span_id)) is same


@given(st.datetimes(timezones=st.just(UTC), min_value=datetime(1990, 1, 1), max_value=datetime(2200, 1, 1)))  # noqa: DTZ001 - hypothesis wants it naive
def test_times_are_exact_to_the_microsecond_whatever_the_offset(at: datetime) -> None:
    exact = (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) * 1000
    for offset in (0, 5, -8):
        told = at.astimezone(UTC).replace(tzinfo=None) + timedelta(hours=offset)
        text = f"{told.isoformat()}{offset:+03d}:00"
        assert read_event({**LEAST, "time": text}).end_ns == exact


@given(st.decimals(min_value=0, max_value=10**12, places=9))
def test_quantities_are_exact(quantity: Decimal) -> None:
    event = read_event({"id": "1", "time": LEAST["time"], "meter": "m", "quantity": str(quantity)})
    assert Decimal(str(event.attributes["tollspan.quantity"])) == quantity


SCHEMA = Draft202012Validator(schema())


@pytest.mark.parametrize("event", [GUIDE, LEAST, {**LEAST, "tags": {"team": "red"}, "billable": "no", "cost": "0.01"}])
def test_the_schema_takes_what_is_taken(event: dict[str, Any]) -> None:
    read_event(event)
    assert SCHEMA.is_valid(event)


@pytest.mark.parametrize(
    "change",
    [{"input_tokens": -1}, {"input_tokens": "many"}, {"status": "maybe"}, {"tags": "red"}, {"customer": ["a"]},
     {"billable": "perhaps"}, {"cost_usd": "1,50"}],
)  # fmt: skip
def test_the_schema_refuses_what_is_refused(change: dict[str, Any]) -> None:
    assert not SCHEMA.is_valid({**LEAST, **change})
    with pytest.raises(EventError):
        read_event({**LEAST, **change})


def test_names_and_outcomes_are_told_apart() -> None:
    assert len(NAMES) == sum(1 + len(field.aliases) for field in FIELDS), "one name for two fields"
    fields = {field.name for field in NAMES.values()}
    assert all(NAMES[name].name == name for name in fields)
    assert set(OUTCOMES.values()) == {"complete", "aborted", "failed", "timeout", "cache_hit"}
