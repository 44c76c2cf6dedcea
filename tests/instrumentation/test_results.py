"""Bodies that report several calls, or calls made elsewhere: each is one call, however often it is read."""

from __future__ import annotations

import asyncio
import json
import tracemalloc
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import aiohttp
import anthropic
import httpx
import openai
import pytest
import requests
from conformance.bill import Attempt
from conformance.provider import Provider
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.instrumentation.rated import calls_of

import tollspan
from tollspan import results
from tollspan.results import RESULTS, Result, ResultLines
from tollspan.usage import api_of
from tollspan_rater.domain.call import Call

GPT = {"model": "gpt-4.1", "messages": [{"role": "user", "content": "How many?"}]}
CLAUDE: Any = {"model": "claude-sonnet-5", "max_tokens": 9, "messages": GPT["messages"]}
GPT_HTTP, CLAUDE_HTTP = openai.DefaultHttpxClient(), anthropic.DefaultHttpxClient()  # making one reads certificates
FIGURES = {
    "input": "gen_ai.usage.input_tokens",
    "output": "gen_ai.usage.output_tokens",
    "cache_read": "gen_ai.usage.cache_read.input_tokens",
    "reasoning": "gen_ai.usage.reasoning.output_tokens",
}


@dataclass
class Metering:
    provider: Provider
    sink_url: str
    collect: Callable[[], list[Any]] = field(default=list)

    def url(self, traits: str = "plain") -> str:
        return f"{self.provider.url}/s/case/{traits}"

    def gpt(self, traits: str = "plain") -> openai.OpenAI:
        return openai.OpenAI(base_url=f"{self.url(traits)}/v1", api_key="made-up", http_client=GPT_HTTP)

    def claude(self, traits: str = "plain") -> anthropic.Anthropic:
        return anthropic.Anthropic(base_url=self.url(traits), api_key="made-up", http_client=CLAUDE_HTTP)

    @property
    def bill(self) -> list[Attempt]:
        return self.provider.attempts


@pytest.fixture
def metering(sink: Any) -> Iterator[Metering]:
    with Provider(thinking_s=0) as provider:
        tollspan.install(endpoint=sink.url, include_usage_hosts=())

        def collect() -> list[Any]:
            assert tollspan.flush(5)
            return list(sink.spans)

        yield Metering(provider, sink.url, collect)
        tollspan.uninstall(0.2)


def lines(url: str, body: Any, number: int = 3) -> bytes:
    return b"".join(
        json.dumps({"custom_id": f"c{one}", "method": "POST", "url": url, "body": body}).encode() + b"\n"
        for one in range(number)
    )


def batched(client: openai.OpenAI, url: Any = "/v1/chat/completions", body: Any = GPT) -> Any:
    """Run a batch to its end."""
    file = client.files.create(file=("lines.jsonl", lines(url, body)), purpose="batch")
    batch = client.batches.create(input_file_id=file.id, endpoint=url, completion_window="24h")
    return client.batches.retrieve(batch.id)


def agrees(span: Any, bill: Attempt) -> None:
    shown = {name: span[attribute] or 0 for name, attribute in FIGURES.items()}
    assert shown == {name: getattr(bill, name) for name in FIGURES}
    assert (span["tollspan.quality"], span["tollspan.outcome"]) == ("exact", "complete")


@pytest.mark.parametrize(
    ("url", "body", "api"),
    [
        ("/v1/chat/completions", GPT, "openai.chat"),
        ("/v1/responses", {"model": "gpt-4.1", "input": "How many?"}, "openai.responses"),
        ("/v1/completions", {"model": "gpt-4.1", "prompt": "How many?"}, "openai.chat"),
        ("/v1/embeddings", {"model": "text-embedding-3-small", "input": "How many?"}, "openai.embeddings"),
    ],
)
def test_each_line_of_an_output_file_is_a_call(metering: Metering, url: str, body: Any, api: str) -> None:
    client = metering.gpt("cached+reasoning")
    batch = batched(client, url, body)
    assert metering.collect() == []
    client.files.content(batch.output_file_id).read()
    spans = metering.collect()
    assert [span["tollspan.batch.custom_id"] for span in spans] == ["c0", "c1", "c2"]
    for span, bill in zip(spans, metering.bill, strict=True):
        agrees(span, bill)
        assert span["gen_ai.response.id"] == bill.response_id or api == "openai.embeddings"
        assert (span["tollspan.usage.api"], span["tollspan.service_tier"]) == (api, bill.tier)
        assert span["gen_ai.operation.name"] == "fetch_response"
        assert span["gen_ai.response.model"] == body["model"]
        assert span["tollspan.provider_request_id"].startswith("req_")
    assert len({span["gen_ai.response.id"] for span in spans}) == 3


def test_lines_that_failed_are_no_calls(metering: Metering) -> None:
    client = metering.gpt("one-errored")
    batch = batched(client)
    client.files.content(batch.output_file_id).read()
    client.files.content(batch.error_file_id).read()
    assert [span["tollspan.batch.custom_id"] for span in metering.collect()] == ["c0", "c2"]


def test_a_file_that_is_no_result_is_read_as_nothing(metering: Metering) -> None:
    client = metering.gpt()
    for data in (lines("/v1/chat/completions", GPT), b"\x00\xff" * 9999, b'{"usage": 7}\n["usage"]\n"usage"\n{"usage'):
        file = client.files.create(file=("x", data), purpose="batch")
        assert client.files.content(file.id).read() == data
    assert metering.collect() == []


def test_results_of_anthropics_batches_are_calls(metering: Metering) -> None:
    client = metering.claude("cached+reasoning+one-errored+one-expired")
    requests: Any = [{"custom_id": f"c{one}", "params": CLAUDE} for one in range(4)]
    batch = client.messages.batches.create(requests=requests)
    client.messages.batches.retrieve(batch.id)
    assert len(list(client.messages.batches.results(batch.id))) == 4
    spans = metering.collect()
    assert [span["tollspan.batch.custom_id"] for span in spans] == ["c0", "c3"]
    for span, bill in zip(spans, metering.bill, strict=True):
        agrees(span, bill)
        assert (span["gen_ai.response.id"], span["tollspan.service_tier"]) == (bill.response_id, "batch")


def test_an_abandoned_file_reports_what_was_read(metering: Metering) -> None:
    client = metering.claude()
    requests: Any = [{"custom_id": f"c{one}", "params": CLAUDE} for one in range(3)]
    batch = client.messages.batches.create(requests=requests)
    results = client.messages.batches.results(batch.id)
    next(iter(results))
    results.http_response.close()
    names = [span["tollspan.batch.custom_id"] for span in metering.collect()]
    assert names == ["c0", "c1", "c2"][: len(names)]
    assert names


def test_inline_results_of_geminis_batches_are_calls(metering: Metering) -> None:
    url = metering.url("cached+reasoning") + "/v1beta"
    requests = {"requests": [{"request": {}, "metadata": {"key": f"c{one}"}} for one in range(2)]}
    body = {"batch": {"inputConfig": {"requests": requests}}}
    begun = httpx.post(f"{url}/models/gemini-2.5-pro:batchGenerateContent", json=body).json()
    for _ in range(2):
        httpx.get(f"{url}/{begun['name']}")
    spans = metering.collect()
    assert [span["tollspan.batch.custom_id"] for span in spans] == ["c0", "c1"] * 2
    for span, bill in zip(spans, metering.bill * 2, strict=True):
        agrees(span, bill)
        assert span["gen_ai.response.id"] == bill.response_id


def test_results_of_geminis_batches_in_a_file_are_calls(metering: Metering) -> None:
    url = metering.url("in-file") + "/v1beta"
    body = {"batch": {"inputConfig": {"requests": {"requests": [{"request": {}}] * 2}}}}
    begun = httpx.post(f"{url}/models/gemini-2.5-pro:batchGenerateContent", json=body).json()
    file = httpx.get(f"{url}/{begun['name']}").json()["metadata"]["output"]["responsesFile"]
    httpx.get(f"{url}/{file}:download?alt=media")
    spans = metering.collect()
    assert [span["tollspan.batch.custom_id"] for span in spans] == ["c0", "c1"]
    assert shown(calls_of(spans)) == charged(metering.bill)


def shown(calls: list[Call]) -> set[tuple[str | None, ...]]:
    return {(call.response_id, call.usage.input, call.usage.output, call.quality) for call in calls}


def charged(bill: list[Attempt]) -> set[tuple[str | None, ...]]:
    return {(one.response_id, one.input, one.output, "exact") for one in bill}


def test_a_background_response_is_one_call_however_often_it_is_fetched(metering: Metering) -> None:
    client = metering.gpt("cached+reasoning+pending-once")
    with tollspan.attribute(customer="acme"):
        begun = client.responses.create(model="gpt-5", input="How many?", background=True)
    statuses = [client.responses.retrieve(begun.id).status for _ in range(4)]
    assert statuses == ["in_progress", "completed", "completed", "completed"]
    spans = metering.collect()
    assert [(span["gen_ai.operation.name"], span["tollspan.quality"]) for span in spans] == [
        ("chat", "unmeasured"), *[("fetch_response", "exact")] * 3,
    ]  # fmt: skip
    assert {span["gen_ai.response.id"] for span in spans} == {begun.id}
    for known in (spans, spans[:1] + spans[2:3], spans[1:2]):
        calls = calls_of(known)
        assert shown(calls) == charged(metering.bill)
        assert calls[0].customer == ("acme" if spans[0] in known else None)


def test_a_background_response_that_nobody_fetches_is_an_unmeasured_call(metering: Metering) -> None:
    metering.gpt().responses.create(model="gpt-5", input="How many?", background=True)
    [call] = calls_of(metering.collect())
    assert (call.usage.input, call.usage.output, call.quality) == (None, None, "unmeasured")


@pytest.mark.parametrize("url", ["/v1/chat/completions", "/v1/embeddings"])
def test_a_file_read_twice_is_billed_once(metering: Metering, url: str) -> None:
    client = metering.gpt("cached")
    batch = batched(client, url, {**GPT, "input": "How many?"})
    for _ in range(2):
        client.files.content(batch.output_file_id).read()
    tollspan.uninstall(5)
    tollspan.install(endpoint=metering.sink_url, include_usage_hosts=())
    client.files.content(batch.output_file_id).read()
    spans = metering.collect()
    assert len(spans) == 9
    assert len({span["tollspan.process.id"] for span in spans}) == 2
    inputs = sorted(call.usage.input or 0 for call in calls_of(spans))
    assert inputs == sorted(one.input for one in metering.bill)


def test_equal_results_of_a_batch_are_calls_of_their_own(metering: Metering) -> None:
    spans = []
    for _ in range(2):
        client = metering.claude()
        batch = client.messages.batches.create(requests=[{"custom_id": "c", "params": CLAUDE}])
        list(client.messages.batches.results(batch.id))
        spans = metering.collect()
    assert shown(calls_of(spans)) == charged(metering.bill)
    assert len(calls_of(spans)) == 2


@pytest.fixture
def by_total(metering: Metering) -> Metering:
    tollspan.uninstall(1)
    tollspan.install(endpoint=metering.sink_url, include_usage_hosts=(), batch_usage="total")
    return metering


def test_a_batch_may_be_metered_by_its_total(by_total: Metering) -> None:
    client = by_total.gpt("cached+reasoning")
    batch = batched(client)
    client.batches.retrieve(batch.id)
    client.files.content(batch.output_file_id).read()
    spans = by_total.collect()
    assert [span["gen_ai.response.id"] for span in spans] == [batch.id] * 2
    assert {span["tollspan.service_tier"] for span in spans} == {"batch"}
    [call] = calls_of(spans)
    assert call.usage.input == sum(one.input for one in by_total.bill)
    assert call.usage.output == sum(one.output for one in by_total.bill)
    assert (call.model, call.quality, call.service_tier) == ("gpt-4.1", "exact", "batch")


def test_the_total_of_a_batch_that_still_runs_is_not_looked_at(by_total: Metering) -> None:
    client = by_total.gpt("pending-once")
    batch = batched(client)
    assert (batch.status, bool(batch.usage)) == ("in_progress", True)
    assert by_total.collect() == []
    client.batches.retrieve(batch.id)
    [call] = calls_of(by_total.collect())
    assert call.usage.output == sum(one.output for one in by_total.bill)


def test_a_gateway_that_writes_zeros_beside_the_total_is_read(by_total: Metering) -> None:
    usage = {"prompt_tokens": 0, "completion_tokens": 0, "input_tokens": 9, "output_tokens": 4, "total_tokens": 13}
    assert api_of("openai.responses", usage) == "openai.responses"


SOUND = ("sound.mp3", b"made up" * 100)
MEDIA: list[tuple[str, str, Callable[[openai.OpenAI], Any], str]] = [
    ("image", "plain", lambda gpt: gpt.images.generate(model="gpt-image-1", prompt="A cat"), "exact"),
    ("image edited", "image", lambda gpt: gpt.images.edit(model="gpt-image-1", prompt="A", image=SOUND), "exact"),
    ("image streamed", "plain",
     lambda gpt: list(gpt.images.generate(model="gpt-image-1", prompt="A cat", stream=True)), "exact"),
    ("image without usage", "plain", lambda gpt: gpt.images.generate(model="dall-e-3", prompt="A cat"), "exact"),
    ("transcription", "plain",
     lambda gpt: gpt.audio.transcriptions.create(model="gpt-4o-transcribe", file=SOUND), "exact"),
    ("transcription streamed", "plain",
     lambda gpt: list(gpt.audio.transcriptions.create(model="gpt-4o-transcribe", file=SOUND, stream=True)), "exact"),
    ("transcription by seconds", "plain",
     lambda gpt: gpt.audio.transcriptions.create(model="whisper-1", file=SOUND), "exact"),
    ("transcription as text", "plain",
     lambda gpt: gpt.audio.transcriptions.create(model="whisper-1", file=SOUND, response_format="text"), "unmeasured"),
    ("translation", "plain",
     lambda gpt: gpt.audio.translations.create(model="whisper-1", file=SOUND), "unmeasured"),
    ("speech", "plain",
     lambda gpt: gpt.audio.speech.create(model="tts-1", voice="alloy", input="x" * 40).read(), "estimated"),
]  # fmt: skip


@pytest.mark.parametrize(("traits", "call", "quality"), [row[1:] for row in MEDIA], ids=[row[0] for row in MEDIA])
def test_images_and_sound(metering: Metering, traits: str, call: Any, quality: str) -> None:
    call(metering.gpt(traits))
    [span], [bill] = metering.collect(), metering.bill
    assert (span["tollspan.quality"], span["tollspan.outcome"]) == (quality, "complete")
    assert span["gen_ai.request.model"] == bill.model
    assert span["tollspan.provider_request_id"] == f"req_{bill.response_id}"
    [known] = calls_of([span])
    if quality == "exact":
        assert (known.usage.input or 0, known.usage.output or 0) == (bill.input, bill.output)
        for unit, quantity in bill.units.items():
            assert known.usage.units.get(unit, getattr(known.usage, unit, None)) == quantity
    else:
        assert (known.usage.input, known.usage.output) == (10 if quality == "estimated" else None, None)


def test_moderations_are_free(metering: Metering) -> None:
    metering.gpt().moderations.create(input="How many?")
    assert metering.collect() == []


RESULT = {
    "id": "batch_req_1",
    "custom_id": "c0",
    "response": {
        "status_code": 200,
        "request_id": "req_1",
        "body": {"id": "chatcmpl-1", "object": "chat.completion", "model": "gpt", "usage": {"prompt_tokens": 9}},
    },
    "error": None,
}


def read_in(pieces: Iterable[bytes]) -> list[tuple[str | None, str | None]]:
    taken: list[Result] = []
    reader = ResultLines(RESULTS["openai file"], "/v1/files/file-1/content", taken.append)
    for piece in pieces:
        reader.feed(piece)
    reader.end()
    reader.end()
    return [(result.answer.response_id, result.custom_id) for result in taken]


@given(st.lists(st.sampled_from([b"", b"{", b"\xff", b'"usage"', json.dumps(RESULT).encode()])), st.data())
@settings(max_examples=60, deadline=None)
def test_lines_cut_anywhere_are_read_once(whole: list[bytes], data: st.DataObject) -> None:
    body = b"\n".join(whole)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(body)), max_size=6)))
    pieces = [body[start:end] for start, end in pairwise([0, *cuts, len(body)])]
    assert read_in(pieces) == [("chatcmpl-1", "c0")] * whole.count(json.dumps(RESULT).encode())


def test_a_result_without_any_id_has_one_by_its_place() -> None:
    body = {"object": "list", "usage": {"prompt_tokens": 9}}
    nameless = json.dumps({"response": {"body": body}}).encode() + b"\n"
    assert read_in([b"\n", nameless, nameless]) == [
        ("/v1/files/file-1/content#2", None), ("/v1/files/file-1/content#3", None),
    ]  # fmt: skip


def test_a_line_without_end_is_not_kept(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(results, "MAX_LINE_BYTES", 999)
    long = json.dumps({**RESULT, "more": "x" * 999}).encode()
    assert read_in([long[:600], long[600:], b"\n", json.dumps(RESULT).encode()]) == [("chatcmpl-1", "c0")]
    assert "line 1 of /v1/files/file-1/content" in caplog.text


def test_a_large_file_passes_through() -> None:
    seen = []
    reader = ResultLines(RESULTS["openai file"], "", seen.append)
    line = json.dumps({**RESULT, "more": "x" * 9_000}).encode() + b"\n"
    tracemalloc.start()
    for _ in range(500):
        reader.feed(line)
        seen.clear()
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 20 * len(line)


def test_an_answer_that_is_fetched_again_is_one_call(metering: Metering) -> None:
    client = metering.gpt("cached")
    made = client.responses.create(model="gpt-4.1", input="How many?")
    client.responses.retrieve(made.id)
    spans = metering.collect()
    assert [span["tollspan.quality"] for span in spans] == ["exact", "exact"]
    assert shown(calls_of(spans)) == charged(metering.bill)


def by_requests(url: str) -> int:
    with requests.get(url, stream=True, timeout=5) as answer:
        return len(list(answer.iter_lines()))


def by_httpx(url: str) -> int:
    with httpx.stream("GET", url) as answer:
        return len(list(answer.iter_lines()))


def by_httpx_async(url: str) -> int:
    async def read() -> int:
        async with httpx.AsyncClient() as client, client.stream("GET", url) as answer:
            return len([line async for line in answer.aiter_lines()])

    return asyncio.run(read())


def by_aiohttp(url: str) -> int:
    async def read() -> int:
        async with aiohttp.ClientSession() as session, session.get(url) as answer:
            return len([line async for line in answer.content])

    return asyncio.run(read())


@pytest.mark.parametrize("read", [by_requests, by_httpx, by_httpx_async, by_aiohttp])
def test_results_are_read_through_every_library(metering: Metering, read: Callable[[str], int]) -> None:
    claude = metering.claude("cached")
    requested: Any = [{"custom_id": f"c{one}", "params": CLAUDE} for one in range(3)]
    batch = claude.messages.batches.create(requests=requested)
    assert read(f"{metering.url('cached')}/v1/messages/batches/{batch.id}/results") == 3
    assert shown(calls_of(metering.collect())) == charged(metering.bill)


@pytest.mark.parametrize("batch_usage", ["lines", "total"])
def test_what_is_free_or_fetched_takes_no_attribution_along(metering: Metering, batch_usage: Any) -> None:
    tollspan.uninstall(1)
    tollspan.install(endpoint=metering.sink_url, include_usage_hosts=(), batch_usage=batch_usage)
    said = {"baggage": "customer.id=acme", "x-tollspan-customer": "acme"}
    client = metering.gpt().with_options(default_headers=said)
    batch = client.batches.retrieve(batched(client).id)
    client.files.content(batch.output_file_id or "").read()
    client.moderations.create(input="How many?")
    leaked = [request for request in metering.provider.requests[2:] if not said.keys().isdisjoint(request)]
    assert leaked == []
    assert {span["tollspan.customer"] for span in metering.collect()} == {"acme"}


def test_each_result_may_be_for_someone_else(metering: Metering) -> None:
    def owner(custom_id: str) -> Any:
        customers = {"c0": {"customer": "acme", "tags": {"row": custom_id}}, "c1": {"customer": "globex"}}
        return customers[custom_id]

    client = metering.gpt()
    batch = batched(client)
    with tollspan.attribute(customer="house", feature="night"), tollspan.attribute_results(owner):
        client.files.content(batch.output_file_id).read()
    client.files.content(batch.output_file_id).read()
    spans = metering.collect()
    assert [span["tollspan.customer"] for span in spans] == ["acme", "globex", "house", None, None, None]
    assert [span["tollspan.feature"] for span in spans] == ["night"] * 3 + [None] * 3
    assert spans[0]["tollspan.tags.row"] == "c0"
    assert {call.customer for call in calls_of(spans)} == {"acme", "globex", "house"}


@pytest.mark.parametrize("keys_of", [None, "acme", lambda _name: "acme", dict])
def test_a_function_that_says_nothing_of_use_changes_nothing(metering: Metering, keys_of: Any) -> None:
    client = metering.claude()
    batch = client.messages.batches.create(requests=[{"custom_id": "c", "params": CLAUDE}])
    with tollspan.attribute(customer="house"), tollspan.attribute_results(keys_of):
        assert len(list(client.messages.batches.results(batch.id))) == 1
    assert [span["tollspan.customer"] for span in metering.collect()] == ["house"]
