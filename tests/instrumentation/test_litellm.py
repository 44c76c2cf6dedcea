"""LiteLLM's callback beside the wires: a call that a wire has recorded is not told again, every other one is.

The shapes are those of LiteLLM 1.106: its own response ids for Anthropic and for embeddings none, the provider's
headers in ``_hidden_params``. The real library runs in ``make coexistence``.
"""

from __future__ import annotations

import sys
from collections import deque
from datetime import UTC, datetime
from types import ModuleType
from typing import Any

import httpx2
import pytest
from tests.instrumentation import rated, traces

import tollspan
from tollspan import followed, litellm, litellm_span
from tollspan.answer import Answer as Followed
from tollspan.forms import FORMS
from tollspan.wire.hook import is_hook

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


def made(metered: Any) -> dict[str, Any]:
    """Make a call that a wire records; return its ids."""
    body = {"model": "claude-sonnet-5", "max_tokens": 9, "messages": [{"role": "user", "content": "x"}]}
    answer = httpx2.post(f"{metered.provider.url}/v1/messages", json=body)
    said = answer.json()
    return {"id": said["id"], "request": answer.headers["request-id"], "usage": said["usage"]}


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


# --- its own OpenTelemetry callback ------------------------------------------------------------
class OpenTelemetry:
    """What LiteLLM's callback does to a span, with an id of its own."""

    def set_attributes(self, span: Any, kwargs: Any, response_obj: Any) -> None:
        usage = kwargs["usage"]
        about = {
            "gen_ai.operation.name": "chat",
            "gen_ai.request.model": "claude-sonnet-5",
            "gen_ai.response.id": response_obj["id"],
            "gen_ai.usage.input_tokens": sum(usage[key] for key in usage if key.endswith("input_tokens")),
            "gen_ai.usage.output_tokens": usage["output_tokens"],
        }
        span.set_attributes(about)


@pytest.fixture
def callback(monkeypatch: pytest.MonkeyPatch, metered: Any) -> OpenTelemetry:
    module: Any = ModuleType(litellm_span.SEAM.module)
    module.OpenTelemetry = OpenTelemetry
    monkeypatch.setitem(sys.modules, litellm_span.SEAM.module, module)
    tollspan.uninstall()
    tollspan.install(endpoint=metered.sink.url)
    return OpenTelemetry()


MADE_UP = {"id": "chatcmpl-7d303070-9980-4250-a1d8-a56092abf607"}


def test_its_span_in_another_trace_shows_the_call_of_the_record(callback: OpenTelemetry, metered: Any) -> None:
    app, ids = traces.made(), made(metered)
    passed_on = {"additional_headers": {"llm_provider-request-id": ids["request"]}}
    with app.tracer("litellm").start_as_current_span("litellm_request") as span:
        callback.set_attributes(
            span, {"usage": ids["usage"], "standard_logging_object": {"hidden_params": passed_on}}, MADE_UP
        )
    assert (app.spans[0].attributes or {})["tollspan.response_id"] == ids["id"]
    everything(metered)
    (call,) = rated.calls([rated.exported(app.spans), *metered.sink.bodies])
    assert (call.quality, len(call.members)) == ("exact", 2)


@pytest.mark.parametrize(
    "about", [{}, {"standard_logging_object": None}, {"standard_logging_object": {"hidden_params": {}}}, {"x": 1}]
)
def test_a_span_that_cannot_be_tied_is_left_as_it_is(callback: OpenTelemetry, metered: Any, about: Any) -> None:
    app, ids = traces.made(), made(metered)
    with app.tracer("litellm").start_as_current_span("litellm_request") as span:
        callback.set_attributes(span, {"usage": ids["usage"], **about}, MADE_UP)
    assert "tollspan.response_id" not in (app.spans[0].attributes or {})


def test_the_callback_is_as_it_was_after_uninstalling(callback: OpenTelemetry) -> None:
    assert is_hook(vars(OpenTelemetry)["set_attributes"])
    tollspan.uninstall()
    assert not is_hook(vars(OpenTelemetry)["set_attributes"])


# --- the answers that wires follow ---------------------------------------------------------------
def test_only_the_newest_answers_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(followed, "_lately", deque(maxlen=3))
    for number in range(9):
        followed.note(f"req-{number}", Followed(FORMS["openai.chat"]))
    assert [number for number in range(9) if followed.find([f"req-{number}"])] == [6, 7, 8]
    assert followed.find([None, 3, ""]) is None


def test_an_answer_is_found_by_the_id_that_comes_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(followed, "_lately", deque())
    answer = Followed(FORMS["openai.chat"])
    followed.note(None, answer)
    assert followed.find([None, "chatcmpl-1"]) is None
    answer.absorb({"id": "chatcmpl-1"})
    assert followed.find(["chatcmpl-1"]) is answer


def test_nothing_is_remembered_where_nobody_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(followed, "_lately", deque())
    monkeypatch.setattr(followed, "ASKING", ("no_such_module",))
    followed.note("req-1", Followed(FORMS["openai.chat"]))
    assert followed.find(["req-1"]) is None
