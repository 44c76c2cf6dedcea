"""Bodies that report several calls, or calls made elsewhere: each is one call, however often it is read."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import anthropic
import httpx
import openai
import pytest
from conformance.bill import Attempt
from conformance.provider import Provider

import tollspan

GPT = {"model": "gpt-4.1", "messages": [{"role": "user", "content": "How many?"}]}
CLAUDE: Any = {"model": "claude-sonnet-5", "max_tokens": 9, "messages": GPT["messages"]}
FIGURES = {
    "input": "gen_ai.usage.input_tokens",
    "output": "gen_ai.usage.output_tokens",
    "cache_read": "gen_ai.usage.cache_read.input_tokens",
    "reasoning": "gen_ai.usage.reasoning.output_tokens",
}


@dataclass
class Metering:
    provider: Provider
    collect: Callable[[], list[Any]] = field(default=list)

    def url(self, traits: str = "plain") -> str:
        return f"{self.provider.url}/s/case/{traits}"

    def gpt(self, traits: str = "plain") -> openai.OpenAI:
        return openai.OpenAI(base_url=f"{self.url(traits)}/v1", api_key="made-up")

    def claude(self, traits: str = "plain") -> anthropic.Anthropic:
        return anthropic.Anthropic(base_url=self.url(traits), api_key="made-up")

    @property
    def bill(self) -> list[Attempt]:
        return self.provider.attempts


@pytest.fixture
def metering(sink: Any) -> Iterator[Metering]:
    with Provider(thinking_s=0) as provider:
        tollspan.install(endpoint=sink.url, include_usage_hosts=())

        def collect() -> list[Any]:
            assert tollspan.flush(5)
            return sorted(sink.spans, key=lambda span: span["tollspan.seq"])

        yield Metering(provider, collect)
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
    assert len(spans) == 4
    for span, bill in zip(spans, metering.bill * 2, strict=True):
        agrees(span, bill)
        assert span["gen_ai.response.id"] == bill.response_id
