"""LiteLLM's callback beside the wires: a call that a wire has recorded is not told again, every other one is.

The shapes are those of LiteLLM 1.106: its own response ids for Anthropic and for embeddings none, the provider's
headers in ``_hidden_params``. The real library runs in ``make coexistence``.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import httpx2
import pytest

import tollspan
from tollspan import litellm
from tollspan.metered import Metered
from tollspan.process import Identity
from tollspan.record import CallRecord

AT = datetime(2026, 7, 5, 10, 30, tzinfo=UTC)
USAGE = {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}


class Answer:
    """A response object of LiteLLM."""

    def __init__(self, response_id: str | None, headers: dict[str, str] | None = None) -> None:
        self.id, self.model, self.usage = response_id, "claude-sonnet-5", USAGE
        self._hidden_params = {"additional_headers": headers or {}}


def told(answer: Any, **more: Any) -> None:
    call = {"litellm_call_id": "call-1", "custom_llm_provider": "anthropic", **more}
    litellm.callback.log_success_event(call, answer, AT, AT)


def everything(metered: Any) -> list[Any]:
    assert tollspan.flush(5)
    return list(metered.sink.spans)


def made(metered: Any) -> dict[str, str]:
    """Make a call that a wire records; return its ids."""
    body = {"model": "claude-sonnet-5", "max_tokens": 9, "messages": [{"role": "user", "content": "x"}]}
    answer = httpx2.post(f"{metered.provider.url}/v1/messages", json=body)
    return {"id": answer.json()["id"], "request": answer.headers["request-id"]}


@pytest.mark.parametrize("known_by", ["response id", "header", "header passed on"])
def test_a_call_that_a_wire_has_recorded_is_not_told_again(known_by: str, metered: Any) -> None:
    ids = made(metered)
    answers = {
        "response id": Answer(ids["id"]),
        "header": Answer("chatcmpl-its-own", {"request-id": ids["request"]}),
        "header passed on": Answer("chatcmpl-its-own", {"llm_provider-request-id": ids["request"]}),
    }
    told(answers[known_by])
    (span,) = metered.collect()
    assert span.scope == "tollspan"


@pytest.mark.parametrize("answer", [Answer("chatcmpl-other", {"request-id": "req_other"}), Answer(None)])
def test_any_other_call_is_told(answer: Answer, metered: Any) -> None:
    made(metered)
    told(answer)
    assert sorted(span.scope for span in everything(metered)) == ["tollspan", "tollspan.events"]


def test_an_answer_of_litellm_s_cache_is_told(metered: Any) -> None:
    told(Answer(made(metered)["id"]), cache_hit=True)
    events = [span for span in everything(metered) if span.scope == "tollspan.events"]
    assert [span["tollspan.outcome"] for span in events] == ["cache_hit"]


@pytest.mark.parametrize(("answer", "events"), [(None, 0), (Answer("x"), 1)])
def test_a_failure_is_told_where_usage_is_stated(answer: Any, events: int, metered: Any) -> None:
    litellm.callback.log_failure_event({"litellm_call_id": "call-1", "model": "m"}, answer, AT, AT)
    assert len(everything(metered)) == events


def record(number: int, **more: Any) -> CallRecord:
    about: dict[str, Any] = {
        "identity": Identity("r", "t", "s"), "process_id": "p", "seq": number, "start_ns": 0, "end_ns": 1,
        "operation": "chat", "provider": "openai", "api": "openai.chat", "quality": "exact", "outcome": "complete",
    }  # fmt: skip
    return CallRecord(**about | more)


def test_only_the_newest_ids_are_kept() -> None:
    metered = Metered(kept=3)
    for number in range(9):
        metered(record(number, response_id=f"id-{number}"))
    assert [number for number in range(9) if metered.has([f"id-{number}"])] == [6, 7, 8]
    assert not metered.has([None, 3, ""])


def test_a_record_that_states_nothing_leaves_the_word_to_the_callback() -> None:
    metered = Metered()
    metered(record(1, response_id="id", quality="unmeasured"))
    assert not metered.has(["id"])
