"""Attribution on the spans of others: on which, what stays, and what the rater then knows of their calls."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai
import pytest
from opentelemetry import context, trace
from opentelemetry.sdk.trace import TracerProvider
from tests.instrumentation import rated, traces
from tests.instrumentation.traces import Traces

import tollspan
from tollspan import processor, telemetry
from tollspan.settings import Telemetry

GENAI = "opentelemetry.instrumentation.genai.openai"
RECORDED = Path(__file__).parents[1] / "data" / "conformance"
WHOSE = {"tollspan.customer": "acme", "tollspan.tags.team": "red"}


@pytest.fixture
def app() -> Traces:
    found = traces.made()
    found.provider.add_span_processor(tollspan.AttributionProcessor())
    return found


@pytest.fixture(autouse=True)
def taken_out() -> Iterator[None]:
    yield
    telemetry.take_out()


def one(app: Traces, scope: str, attributes: dict[str, Any] | None = None) -> dict[str, Any]:
    with tollspan.attribute(customer="acme", tags={"team": "red"}):
        app.tracer(scope).start_span("s", attributes=attributes).end()
    return dict(app.spans[-1].attributes or {})


@pytest.mark.parametrize(
    ("scope", "attributes"),
    [
        (GENAI, {}),
        ("opentelemetry.instrumentation.openai.v1", {}),
        ("openinference.instrumentation.openai", {}),
        ("com.anthropic.sdk.python", {}),
        ("langfuse-sdk", {}),
        ("somebody.else", {"gen_ai.operation.name": "chat"}),
        ("somebody.else", {"llm.model_name": "x"}),
        ("somebody.else", {"openinference.span.kind": "LLM"}),
    ],
)
def test_spans_of_llm_calls_are_stamped(app: Traces, scope: str, attributes: dict[str, Any]) -> None:
    assert one(app, scope, attributes) == {**attributes, **WHOSE}


@pytest.mark.parametrize(
    ("scope", "attributes"),
    [
        ("shop", {}),
        ("opentelemetry.instrumentation.httpx", {"url.full": "http://x/"}),
        ("logfire", {"logfire.msg": ""}),
    ],
)
def test_other_spans_are_not(app: Traces, scope: str, attributes: dict[str, Any]) -> None:
    assert one(app, scope, attributes) == attributes


def test_every_span_is_when_asked_for() -> None:
    app = traces.made()
    app.provider.add_span_processor(tollspan.AttributionProcessor(every_span=True))
    assert one(app, "shop") == WHOSE


def test_what_the_application_says_stays(app: Traces) -> None:
    assert one(app, GENAI, {"tollspan.customer": "globex"}) == {**WHOSE, "tollspan.customer": "globex"}


def test_the_parent_s_context_says_for_whom_else_the_current_one(app: Traces) -> None:
    with tollspan.attribute(customer="then"):
        then = context.get_current()
    with tollspan.attribute(customer="now"):
        for given in (then, context.Context(), None):
            app.tracer(GENAI).start_span("s", context=given).end()
    assert [(span.attributes or {})["tollspan.customer"] for span in app.spans] == ["then", "now", "now"]


def test_nobody_s_spans_are_left_alone(app: Traces) -> None:
    app.tracer(GENAI).start_span("s").end()
    assert dict(app.spans[-1].attributes or {}) == {}


def test_it_is_a_whole_processor(app: Traces) -> None:
    assert app.provider.force_flush(100)
    app.provider.shutdown()
    assert one(traces.made(), GENAI) == {}


def test_what_breaks_in_it_breaks_nothing(app: Traces, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processor, "current", None)
    assert one(app, GENAI) == {}


def recorded_scopes() -> Iterator[tuple[str, list[str]]]:
    """Yield every Python scope whose recorded spans state tokens, with the attributes of such a span."""
    for path in RECORDED.glob("*.otlp.jsonl"):
        if path.name.startswith(("vercel", "tollspan")):
            continue
        for line in path.read_text().splitlines():
            for resource in json.loads(line)["resourceSpans"]:
                for scope in resource["scopeSpans"]:
                    for span in scope["spans"]:
                        yield scope["scope"]["name"], [one["key"] for one in span["attributes"]]


def test_every_recorded_instrumentation_is_known() -> None:
    stated = ("gen_ai.usage.", "llm.token_count.", "langfuse.observation.usage")
    scopes = {scope for scope, keys in recorded_scopes() if any(key.startswith(stated) for key in keys)}
    assert len(scopes) > 15
    written_late = {"conformance", "tollspan"}  # LiteLLM writes onto the application's own span; ours need no stamp
    assert {scope for scope in scopes - written_late if not scope.startswith(processor.SCOPES)} == set()


# --- on the global tracer provider ------------------------------------------------------------
@pytest.mark.parametrize("first", ["provider", "tollspan"])
def test_the_global_provider_is_found_now_or_when_it_is_set(first: str) -> None:
    with traces.unset():
        app = traces.made()
        if first == "provider":
            trace.set_tracer_provider(app.provider)
        telemetry.put_in(Telemetry(stamp_spans=True))
        if first == "tollspan":
            trace.set_tracer_provider(app.provider)
        assert one(app, GENAI) == WHOSE
        assert one(app, "shop") == {}


def test_it_is_added_once_and_switched_off_and_on_again() -> None:
    with traces.registered() as app:
        setting = trace._set_tracer_provider
        for _ in range(100):
            telemetry.put_in(Telemetry(stamp_spans="all"))
            assert one(app, "shop") == WHOSE
            telemetry.take_out()
            assert trace._set_tracer_provider is setting
        assert one(app, GENAI) == {}
        assert len(app.provider._active_span_processor._span_processors) == 2


def test_without_an_sdk_nothing_happens() -> None:
    with traces.unset():
        telemetry.put_in(Telemetry(stamp_spans=True))
        trace.set_tracer_provider(trace.NoOpTracerProvider())
        trace.get_tracer(GENAI).start_span("s").end()


def test_install_asks_for_it(metered: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    tollspan.uninstall()
    monkeypatch.setenv("TOLLSPAN_STAMP_SPANS", "true")
    with traces.registered() as app:
        tollspan.install(endpoint=metered.sink.url)
        assert one(app, GENAI) == WHOSE
        tollspan.uninstall()
        assert one(app, GENAI) == {}


# --- what the rater makes of it ---------------------------------------------------------------
def test_a_foreign_call_that_only_the_stamp_names_has_its_customer(app: Traces) -> None:
    usage = {"gen_ai.operation.name": "chat", "gen_ai.usage.input_tokens": 7, "gen_ai.usage.output_tokens": 3}
    one(app, GENAI, {**usage, "gen_ai.request.model": "gpt-4.1", "gen_ai.provider.name": "openai"})
    (call,) = rated.calls([rated.exported(app.spans)])
    assert (call.customer, call.usage.input, call.usage.output) == ("acme", 7, 3)


def test_beside_ours_it_is_one_call(metered: Any, app: Traces) -> None:
    with app.tracer(GENAI).start_as_current_span("chat gpt-5-mini") as span, tollspan.attribute(customer="acme"):
        answer = openai.OpenAI().chat.completions.create(
            model="gpt-5-mini", messages=[{"role": "user", "content": "x"}]
        )
        assert answer.usage is not None
        span.set_attributes(
            {
                "gen_ai.operation.name": "chat",
                "gen_ai.response.id": answer.id,
                "gen_ai.response.model": answer.model,
                "gen_ai.usage.input_tokens": answer.usage.prompt_tokens,
                "gen_ai.usage.output_tokens": answer.usage.completion_tokens,
            }
        )
    metered.collect()
    (call,) = rated.calls([rated.exported(app.spans), *metered.sink.bodies])
    assert (call.dialect, call.customer, len(call.members)) == ("tollspan@1", "acme", 2)


def test_the_sdk_s_class_takes_it() -> None:
    assert TracerProvider().add_span_processor(tollspan.AttributionProcessor()) is None  # type: ignore[func-returns-value]
