"""What the hooks do to a request, and that they come and go cleanly."""

from __future__ import annotations

import asyncio
import json
from decimal import Decimal
from typing import Any

import httpx
import httpx2
import openai
import pytest
from opentelemetry import baggage, context, trace
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags
from tests.instrumentation import calls

import tollspan
from tollspan.wire.hook import is_hook

BODY = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}]}


def hooked() -> list[bool]:
    clients = (httpx2.Client, httpx2.AsyncClient, httpx.Client, httpx.AsyncClient)
    return [is_hook(vars(client)["send"]) for client in clients]


def test_install_is_idempotent_and_uninstall_leaves_no_trace(metered: Any) -> None:
    tollspan.install(endpoint="http://127.0.0.1:1")
    assert hooked() == [True] * 4
    assert not is_hook(vars(httpx2.Client)["send"].__wrapped__)
    calls.chat()
    assert len(metered.collect()) == 1
    tollspan.uninstall()
    assert hooked() == [False] * 4
    calls.chat()
    assert (tollspan.flush(1), len(metered.sink.spans)) == (True, 1)
    assert tollspan.stats().recorded == 0


def test_a_hook_that_others_wrapped_lets_everything_pass_after_uninstall(metered: Any) -> None:
    ours = vars(httpx2.Client)["send"]

    def foreign(*args: Any, **kwargs: Any) -> Any:
        return ours.__get__(args[0])(*args[1:], **kwargs)

    httpx2.Client.send = foreign  # type: ignore[method-assign]
    try:
        tollspan.uninstall()
        calls.chat()
        assert metered.sink.spans == []
    finally:
        httpx2.Client.send = ours.__wrapped__  # type: ignore[method-assign]


def test_nothing_configured_is_a_no_op(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TOLLSPAN_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"):
        monkeypatch.delenv(name, raising=False)
    tollspan.install()
    assert hooked() == [False] * 4
    tollspan.record("page", 1)
    assert (tollspan.stats().recorded, tollspan.flush(0)) == (0, True)
    tollspan.uninstall()


def test_classic_httpx_sync_and_async_and_stream(metered: Any) -> None:
    url = f"{metered.provider.url}/gateway/v1/chat/completions"
    httpx.post(url, json=BODY)

    async def later() -> None:
        async with httpx.AsyncClient() as client:
            await client.post(url, json=BODY)

    asyncio.run(later())
    with httpx.stream("POST", url, json={**BODY, "stream": True, "stream_options": {"include_usage": True}}) as answer:
        assert [*answer.iter_lines()][-2] == "data: [DONE]"
    bill = metered.provider.bill.entries
    assert [span["gen_ai.usage.input_tokens"] for span in metered.collect()] == [entry["input"] for entry in bill]


def test_foreign_traffic_is_left_alone(metered: Any) -> None:
    httpx.post(f"{metered.provider.url}/survey/responses", json={"answers": [1]}, headers={"baggage": "a=b"})
    httpx.get(f"{metered.provider.url}/bill")
    assert metered.collect() == []
    assert metered.provider.requests[0]["baggage"] == "a=b"


@pytest.mark.parametrize("call", [calls.chat, calls.message, lambda: calls.run(calls.achat)])
def test_baggage_never_reaches_a_provider(call: Any, metered: Any) -> None:
    token = context.attach(baggage.set_baggage("customer.id", "acme-secret"))
    try:
        call()
        httpx2.post(f"{metered.provider.url}/v1/chat/completions", json=BODY, headers={"Baggage": "k=acme-secret"})
        assert baggage.get_baggage("customer.id") == "acme-secret"
    finally:
        context.detach(token)
    assert len(metered.provider.requests) == 2
    assert "acme-secret" not in str(metered.provider.requests)


def test_baggage_is_hidden_from_instrumentations_below(metered: Any) -> None:
    seen: list[Any] = []

    def transport(_request: httpx2.Request) -> httpx2.Response:
        seen.append(dict(baggage.get_all()))
        return httpx2.Response(200, json={"usage": {}})

    token = context.attach(baggage.set_baggage("customer.id", "acme-secret"))
    try:
        with httpx2.Client(transport=httpx2.MockTransport(transport)) as client:
            client.post("https://api.openai.com/v1/chat/completions", json=BODY)
            client.post("https://shop.internal/orders", json=BODY)
    finally:
        context.detach(token)
    assert seen == [{}, {"customer.id": "acme-secret"}]


@pytest.mark.parametrize(
    ("options", "visible"),
    [
        ({}, False),
        ({"stream_options": {"include_usage": False}}, False),
        ({"stream_options": {"include_usage": True}}, True),
    ],
)
def test_usage_is_asked_for_and_its_chunk_swallowed(options: Any, *, visible: bool, metered: Any) -> None:
    tollspan.uninstall()
    tollspan.install(endpoint=metered.sink.url, include_usage_hosts=["127.0.0.1"])
    chunks = [*calls.chat(stream=True, **options)]
    assert any(not chunk.choices for chunk in chunks) == visible
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices).endswith("paid once.")
    (span,) = metered.collect()
    (entry,) = metered.provider.bill.entries
    assert (span["tollspan.quality"], span["gen_ai.usage.output_tokens"]) == ("exact", entry["output"])


def test_usage_is_asked_for_in_async_streams_too(metered: Any) -> None:
    tollspan.uninstall()
    tollspan.install(endpoint=metered.sink.url, include_usage_hosts=["127.0.0.1"])
    calls.run(lambda: calls.achat(stream=True))
    (span,) = metered.collect()
    assert span["tollspan.quality"] == "exact"


@pytest.mark.parametrize("sampled", [True, False])
def test_records_join_the_application_s_trace_sampled_or_not(*, sampled: bool, metered: Any) -> None:
    parent = SpanContext(0xABC, 0xDEF, is_remote=False, trace_flags=TraceFlags(int(sampled)))
    with trace.use_span(NonRecordingSpan(parent)):
        calls.chat()
        tollspan.record("page", 1)
    for span in metered.collect():
        assert (span.trace_id, span.parent_id) == (f"{0xABC:032x}", f"{0xDEF:016x}")
        assert span["tollspan.trace.sampled"] is sampled


def test_without_a_trace_each_record_begins_one(metered: Any) -> None:
    calls.chat()
    calls.chat()
    one, other = metered.collect()
    assert one.trace_id != other.trace_id
    assert (one.parent_id, one["tollspan.trace.sampled"], one.scope) == ("", True, "tollspan")


def test_attribution_is_taken_when_the_request_is_sent(metered: Any) -> None:
    with tollspan.attribute(customer="acme", billable=True, tags={"team": "red"}):
        stream = calls.chat(stream=True)
    with tollspan.attribute(customer="globex"):
        calls.read(stream)
    (span,) = metered.collect()
    assert (span["tollspan.customer"], span["tollspan.billable"], span["tollspan.tags.team"]) == ("acme", True, "red")


@pytest.mark.parametrize(
    ("quantity", "wire"),
    [(Decimal("12.50"), "12.50"), (3, "3"), ("0.1", "0.1"), (Decimal("1E+3"), "1000"), (0, "0")],
)
def test_a_unit_is_recorded_exactly(quantity: Any, wire: str, metered: Any) -> None:
    with tollspan.attribute(customer="acme", user="u1"):
        tollspan.record("gpu_second", quantity, user="u2")
    (span,) = metered.collect()
    assert (span["tollspan.meter"], span["tollspan.quantity"]) == ("gpu_second", wire)
    assert (span["tollspan.customer"], span["tollspan.user"], span["tollspan.seq"]) == ("acme", "u2", 1)


@pytest.mark.parametrize("quantity", [1.5, True, "many", Decimal("NaN"), Decimal(-1), None, Decimal("Infinity")])
def test_a_quantity_without_exact_meaning_is_refused_with_a_log_line(
    quantity: Any, metered: Any, caplog: pytest.LogCaptureFixture
) -> None:
    tollspan.record("gpu_second", quantity)
    assert metered.collect() == []
    assert "refused" in caplog.text


def test_a_model_only_named_by_the_path_is_found(metered: Any) -> None:
    body = {"messages": BODY["messages"]}
    httpx2.post(f"{metered.provider.url}/openai/deployments/prod-gpt/chat/completions?api-version=1", json=body)
    (span,) = metered.collect()
    assert (span.name, span["gen_ai.request.model"]) == ("chat prod-gpt", "prod-gpt")


def test_a_server_that_is_down_leaves_a_failed_record_without_tokens(metered: Any) -> None:
    with pytest.raises(openai.APIConnectionError):
        calls.chat(client=openai.OpenAI(base_url="http://127.0.0.1:1/v1", max_retries=0))
    (span,) = metered.collect()
    assert (span["tollspan.outcome"], span["tollspan.quality"]) == ("failed", "unmeasured")
    assert span["error.type"] == "ConnectError"
    assert span["gen_ai.usage.input_tokens"] is None


def test_the_raw_usage_is_verbatim(metered: Any) -> None:
    answer = calls.chat()
    (span,) = metered.collect()
    assert json.loads(span["tollspan.usage.raw"]) == answer.usage.model_dump(exclude_unset=True)
