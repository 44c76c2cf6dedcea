"""The fake provider: reproducible usage, an honest bill, and a command that says where it listens."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tollspan_rater.demo.provider import FakeProvider
from tollspan_rater.demo.provider.bill import draw

BODY = {"model": "gpt-5-mini", "messages": [{"role": "user", "content": "hi"}]}


@pytest.fixture
def provider() -> Iterator[FakeProvider]:
    with FakeProvider(seed=3) as found:
        yield found


def post(url: str, body: Any) -> Any:
    request = urllib.request.Request(url, json.dumps(body).encode(), {"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=5) as answer:
        return json.load(answer)


@given(st.integers(0, 9), st.sampled_from(["openai", "anthropic"]), st.binary(max_size=200))
@settings(max_examples=100, deadline=None)
def test_counts_are_reproducible_and_their_parts_fit(seed: int, provider: str, body: bytes) -> None:
    counts = draw(seed, provider, "claude-sonnet-5", body)
    assert counts == draw(seed, provider, "claude-sonnet-5", body)
    assert 0 <= counts.cache_read + counts.cache_write < counts.input
    assert 0 < counts.reasoning < counts.output


def test_every_kind_of_usage_occurs() -> None:
    drawn = [draw(0, "anthropic", "claude-haiku-5-5", b"%d" % n) for n in range(200)]
    for part in ("cache_read", "cache_write_5m", "cache_write_1h"):
        assert 0 < sum(getattr(counts, part) > 0 for counts in drawn) < 200


def test_the_bill_is_what_the_answer_said(provider: FakeProvider) -> None:
    answer = post(f"{provider.url}/v1/chat/completions", BODY)
    with urllib.request.urlopen(f"{provider.url}/bill", timeout=5) as found:
        (entry,) = json.load(found)
    assert provider.bill.entries == [entry]
    usage = answer["usage"]
    assert (entry["response_id"], entry["input"], entry["output"]) == (
        answer["id"],
        usage["prompt_tokens"],
        usage["completion_tokens"],
    )


def test_the_same_seed_gives_the_same_answers(provider: FakeProvider) -> None:
    with FakeProvider(seed=3) as twin:
        paths = ("/v1/chat/completions", "/v1/responses", "/v1/embeddings", "/v1/messages")
        bodies = {**BODY, "input": "hi"}
        assert [post(provider.url + path, bodies) for path in paths] == [
            post(twin.url + path, bodies) for path in paths
        ]
        assert provider.bill.entries == twin.bill.entries


def test_counting_tokens_is_free(provider: FakeProvider) -> None:
    assert post(f"{provider.url}/v1/messages/count_tokens", BODY)["input_tokens"] > 0
    assert provider.bill.entries == []


def test_the_command_prints_its_address_and_serves() -> None:
    command = [sys.executable, "-m", "tollspan_rater.demo.provider", "--port", "0", "--seed", "5"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            url = process.stdout.readline().strip()
            assert post(f"{url}/v1/embeddings", {"model": "m", "input": ["a", "b"]})["data"][1]["index"] == 1
        finally:
            process.terminate()
