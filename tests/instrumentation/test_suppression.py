"""What the keys by which instrumentations silence each other do to tollspan: its telemetry, never the bill."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx2
import openai
import pytest
import requests
from opentelemetry import context
from opentelemetry.instrumentation.httpx import HTTPX2ClientInstrumentor
from opentelemetry.instrumentation.requests import RequestsInstrumentor
from opentelemetry.instrumentation.utils import is_instrumentation_enabled, suppress_instrumentation
from tests.instrumentation import traces
from tests.instrumentation.traces import Traces

import tollspan
from tollspan.suppression import COVERED, UNTRACED, covered, quiet, untraced

ASK: list[Any] = [{"role": "user", "content": "hi"}]


def chat() -> None:
    openai.OpenAI().chat.completions.create(model="gpt-5-mini", messages=ASK)


@pytest.mark.parametrize(
    ("key", "expected"),
    [*((key, (True, True)) for key in UNTRACED), *((key, (False, True)) for key in COVERED), ("else", (False, False))],
    ids=["otel", "otel plain", "openllmetry", "util-genai", "another"],
)
def test_the_keys(key: str, expected: tuple[bool, bool]) -> None:
    assert (untraced(), covered()) == (False, False)
    token = context.attach(context.set_value(key, object()))
    try:
        assert (untraced(), covered()) == expected
    finally:
        context.detach(token)


def test_opentelemetry_s_own_switch_is_among_them() -> None:
    with suppress_instrumentation():
        assert untraced()
    with quiet():
        assert not is_instrumentation_enabled()
    assert is_instrumentation_enabled()


def test_a_suppressed_call_is_metered_and_kept_out_of_the_traces(metered: Any) -> None:
    app = traces.made()
    with app.tracer().start_as_current_span("request"), tollspan.attribute(customer="acme"):
        chat()
        with suppress_instrumentation():
            chat()
    with suppress_instrumentation():
        chat()
    spans = metered.collect()
    assert [span["tollspan.trace.sampled"] for span in spans] == [True, False, False]
    assert [span["tollspan.quality"] for span in spans] == ["exact"] * 3
    assert [span["tollspan.customer"] for span in spans] == ["acme", "acme", None]
    assert spans[0].trace_id == spans[1].trace_id


@pytest.mark.parametrize("key", COVERED)
def test_a_call_that_another_instrumentation_covers_is_metered(key: str, metered: Any) -> None:
    token = context.attach(context.set_value(key, object()))
    chat()
    context.detach(token)
    (span,) = metered.collect()
    assert (span["tollspan.quality"], span["tollspan.trace.sampled"]) == ("exact", True)


def test_records_are_sent_with_tracing_suppressed(metered: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[bool] = []
    running = tollspan.runtime._running
    assert running is not None
    post = running.sender._post
    monkeypatch.setattr(running.sender, "_post", lambda body: (seen.append(untraced()), post(body))[1])
    chat()
    assert metered.collect()
    assert seen == [True]
    assert not untraced()


# --- spans of HTTP libraries below a call that is metered -----------------------------------------
@pytest.fixture
def http(metered: Any) -> Iterator[Traces]:
    """Have theirs below ours: of requests both hook the same method, and the outer one decides."""
    app = traces.made()
    tollspan.uninstall()
    kinds = (HTTPX2ClientInstrumentor, RequestsInstrumentor)
    for kind in kinds:
        kind().instrument(tracer_provider=app.provider)
    yield app
    for kind in kinds:
        kind().uninstrument()


@pytest.mark.parametrize(("suppressed", "spans"), [(False, 2), (True, 0)])
def test_http_spans_of_metered_calls_on_request(metered: Any, http: Traces, *, suppressed: bool, spans: int) -> None:
    tollspan.install(endpoint=metered.sink.url, suppress_http_spans=suppressed)
    chat()
    body = {"model": "gpt-5-mini", "messages": ASK}
    requests.post(f"{metered.provider.url}/v1/chat/completions", json=body, timeout=9).raise_for_status()
    assert len(http.spans) == spans
    httpx2.get(metered.provider.url)
    assert len(http.spans) == spans + 1, "a request that is no call keeps its span"
    assert len(metered.collect()) == 2
