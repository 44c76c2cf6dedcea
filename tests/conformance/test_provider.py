"""The provider states in each wire format what it writes on its bill."""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from conformance.provider import Provider

CHAT = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
GEMINI = {"contents": [{"parts": [{"text": "hi"}]}]}


@pytest.fixture
def provider() -> Iterator[Provider]:
    with Provider() as running:
        yield running


def post(provider: Provider, path: str, body: dict[str, Any], traits: str = "cached+reasoning") -> httpx.Response:
    url = f"{provider.url}/stack/case/{traits}{path}"
    return httpx.post(url, json=body, timeout=10, trust_env=False)


def bill(provider: Provider) -> tuple[int, ...]:
    one = provider.attempts[-1]
    return one.input, one.output, one.cache_read, one.cache_write, one.reasoning


def openai_chat(usage: dict[str, Any]) -> tuple[int, ...]:
    inside, outside = usage["prompt_tokens_details"], usage["completion_tokens_details"]
    cached, written = inside["cached_tokens"], inside["cache_write_tokens"]
    return usage["prompt_tokens"], usage["completion_tokens"], cached, written, outside["reasoning_tokens"]


def test_openai_chat_contains_its_caches(provider: Provider) -> None:
    assert openai_chat(post(provider, "/v1/chat/completions", CHAT).json()["usage"]) == bill(provider)


def test_openai_streams_usage_only_when_asked(provider: Provider) -> None:
    plain = post(provider, "/v1/chat/completions", {**CHAT, "stream": True}).text
    assert "prompt_tokens" not in plain
    asked = {**CHAT, "stream": True, "stream_options": {"include_usage": True}}
    lines = post(provider, "/v1/chat/completions", asked).text.split("\n\n")
    assert openai_chat(json.loads(lines[-3].removeprefix("data: "))["usage"]) == bill(provider)


def test_anthropic_leaves_its_caches_out(provider: Provider) -> None:
    usage = post(provider, "/v1/messages", CHAT).json()["usage"]
    read, written = usage["cache_read_input_tokens"], usage["cache_creation_input_tokens"]
    stated = usage["input_tokens"] + read + written, usage["output_tokens"], read, written
    assert (*stated, usage["output_tokens_details"]["thinking_tokens"]) == bill(provider)


def test_gemini_leaves_thoughts_and_tool_results_out(provider: Provider) -> None:
    path = "/v1beta/models/gemini-2.5-pro:generateContent"
    usage = post(provider, path, GEMINI, "cached+reasoning+tool-prompt").json()["usageMetadata"]
    thoughts, results = usage["thoughtsTokenCount"], usage["toolUsePromptTokenCount"]
    stated = usage["promptTokenCount"] + results, usage["candidatesTokenCount"] + thoughts
    assert (*stated, usage["cachedContentTokenCount"], 0, thoughts) == bill(provider)
    assert usage["totalTokenCount"] == sum(stated)
    assert results


def test_bedrock_streams_frames_with_their_checksums(provider: Provider) -> None:
    body = post(provider, "/model/anthropic.claude/converse-stream", {"messages": []}, "cached").content
    payloads = []
    while body:
        size, headers = struct.unpack(">II", body[:8])
        frame, body = body[:size], body[size:]
        assert struct.unpack(">I", frame[8:12])[0] == zlib.crc32(frame[:8])
        assert struct.unpack(">I", frame[-4:])[0] == zlib.crc32(frame[:-4])
        payloads.append(json.loads(frame[12 + headers : -4]))
    usage = payloads[-1]["usage"]
    read, written = usage["cacheReadInputTokens"], usage["cacheWriteInputTokens"]
    assert (usage["inputTokens"] + read + written, usage["outputTokens"], read, written, 0) == bill(provider)


def test_a_failed_attempt_stands_on_the_bill_uncharged(provider: Provider) -> None:
    answers = [post(provider, "/v1/chat/completions", CHAT, "429-once").status_code for _ in range(2)]
    assert answers == [429, 200]
    assert [attempt.charged for attempt in provider.attempts] == [False, True]
    assert provider.attempts[0].input == 0


def test_a_cut_stream_is_charged_and_breaks(provider: Provider) -> None:
    with pytest.raises(httpx.RemoteProtocolError):
        post(provider, "/v1/chat/completions", {**CHAT, "stream": True}, "cut")
    assert provider.attempts[-1].charged


def test_the_same_case_bills_the_same_in_every_run(provider: Provider) -> None:
    post(provider, "/v1/chat/completions", CHAT)
    with Provider() as again:
        post(again, "/v1/chat/completions", CHAT)
        assert again.attempts == provider.attempts
