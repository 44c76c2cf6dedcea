"""Every API of the provider: the rater's reading of the usage object that it answers with is its bill."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from conformance.bill import Attempt
from conformance.provider import Provider

from tollspan_rater.domain.usage import Usage
from tollspan_rater.extract.raw import read_raw

SAID = {"messages": [{"role": "user", "content": "hi"}]}
CHAT, RESPONSES, CLAUDE = "openai.chat", "openai.responses", "anthropic.messages"
GEMINI, INVOKE = "gemini.generate_content", "bedrock.invoke_model"
GOOGLE = "/v1beta1/projects/p/locations/l/publishers/google/models/gemini:"
ALL = "cached+reasoning"
VENDORS = ["deepseek", "xai", "groq", "mistral", "perplexity", "together", "fireworks", "openrouter", "cohere"]

WHOLE: list[tuple[str, dict[str, Any], str, str, str]] = [
    ("/v1/chat/completions", SAID, f"{ALL}+audio+image+ttl", CHAT, "usage"),
    ("/openai/deployments/gpt/chat/completions", SAID, ALL, CHAT, "usage"),
    *[("/v1/chat/completions", SAID, f"{ALL}+web-search+as-{vendor}", CHAT, "usage") for vendor in VENDORS],
    ("/v1/completions", {"prompt": "hi"}, "reasoning", CHAT, "usage"),
    ("/v1/fim/completions", {"prompt": "hi"}, "as-mistral", CHAT, "usage"),
    ("/v1/embeddings", {"input": "hi"}, ALL, "openai.embeddings", "usage"),
    ("/v1/responses", {"input": "hi"}, f"{ALL}+ttl", RESPONSES, "usage"),
    ("/v1/responses/compact", {"input": "hi"}, ALL, RESPONSES, "usage"),
    ("/v1/images/generations", {"prompt": "hi"}, "image", RESPONSES, "usage"),
    ("/v1/audio/transcriptions", {"model": "gpt-4o-transcribe"}, "plain", RESPONSES, "usage"),
    ("/v1/audio/transcriptions", {"model": "whisper-1"}, "plain", RESPONSES, "usage"),
    ("/v1/messages", SAID, f"{ALL}+web-search+web-fetch+compaction+geo+fast", CLAUDE, "usage"),
    ("/v1/projects/p/locations/l/publishers/anthropic/models/claude:rawPredict", SAID, ALL, CLAUDE, "usage"),
    ("/v1beta/models/gemini:generateContent", {}, f"{ALL}+tool-prompt+audio+image", GEMINI, "usageMetadata"),
    (f"{GOOGLE}generateContent", {}, ALL, GEMINI, "usageMetadata"),
    (f"{GOOGLE}embedContent", {}, "plain", GEMINI, "usageMetadata"),
    (f"{GOOGLE}predict", {"instances": [{}]}, "plain", "vertex.predict", "predictions.0.embeddings.statistics"),
    ("/v1beta/interactions", {"model": "gemini"}, f"{ALL}+tool-prompt", "gemini.interactions", "usage"),
    ("/model/claude/converse", SAID, "cached+ttl", "bedrock.converse", "usage"),
    ("/model/anthropic.claude/invoke", SAID, ALL, INVOKE, "usage"),
    ("/model/amazon.nova/invoke", SAID, ALL, "bedrock.converse", "usage"),
    ("/model/amazon.titan-embed/invoke", {}, ALL, INVOKE, ""),
    ("/model/meta.llama/invoke", {}, ALL, INVOKE, ""),
    ("/model/meta.llama/invoke", {}, ALL, INVOKE, "headers"),
    ("/model/cohere.embed/invoke", {}, ALL, INVOKE, "headers"),
    ("/model/amazon.nova/invoke", {}, ALL, INVOKE, "headers"),
    ("/v2/chat", SAID, ALL, "cohere", "usage"),
    ("/v1/chat", {"message": "hi"}, ALL, "cohere", "meta"),
    ("/v1/embed", {"texts": ["hi"]}, ALL, "cohere", "meta"),
    ("/v2/rerank", {"documents": ["hi"]}, ALL, "cohere", "meta"),
    ("/v1/ocr", {}, ALL, "mistral.ocr", "usage_info"),
    ("/api/chat", {**SAID, "stream": False}, ALL, "ollama", ""),
    ("/api/generate", {"prompt": "hi", "stream": False}, ALL, "ollama", ""),
    ("/api/embed", {"input": "hi"}, ALL, "ollama", ""),
]

Telling = Callable[[str], Any]


def data_lines(text: str) -> list[Any]:
    lines = [line.removeprefix("data: ") for line in text.splitlines() if line.startswith("data: {")]
    return [json.loads(line) for line in lines]


def last_with(*path: str) -> Telling:
    """Return what stands last at a path of the events of a stream."""

    def found(text: str) -> Any:
        return [one for one in (dig(event, path) for event in data_lines(text)) if one][-1]

    return found


def claude(text: str) -> dict[str, Any]:
    events = data_lines(text)
    end = next(event for event in events if event["type"] == "message_delta")
    return {**events[0]["message"]["usage"], **end["usage"]}


def json_lines(*path: str) -> Telling:
    return lambda text: dig(json.loads(text.splitlines()[-1]), path)


STREAMED: list[tuple[str, dict[str, Any], str, str, Telling]] = [
    ("/v1/chat/completions", {**SAID, "stream_options": {"include_usage": True}}, ALL, CHAT, last_with("usage")),
    ("/v1/chat/completions", SAID, f"{ALL}+as-groq", CHAT, last_with("x_groq", "usage")),
    *[("/v1/chat/completions", SAID, f"{ALL}+as-{vendor}", CHAT, last_with("usage"))
      for vendor in ("mistral", "perplexity", "together", "fireworks", "openrouter")],
    ("/v1/completions", {"stream_options": {"include_usage": True}}, "plain", CHAT, last_with("usage")),
    ("/v1/responses", {}, ALL, RESPONSES, last_with("response", "usage")),
    ("/v1/images/generations", {}, "image", RESPONSES, last_with("usage")),
    ("/v1/audio/transcriptions", {}, "plain", RESPONSES, last_with("usage")),
    ("/v1/audio/speech", {"stream_format": "sse"}, "plain", RESPONSES, last_with("usage")),
    ("/v1/messages", SAID, f"{ALL}+web-search+compaction", CLAUDE, claude),
    ("/v1/p/publishers/anthropic/models/claude:streamRawPredict", SAID, ALL, CLAUDE, claude),
    (f"{GOOGLE}streamGenerateContent?alt=sse", {}, ALL, GEMINI, last_with("usageMetadata")),
    (f"{GOOGLE}streamGenerateContent", {}, ALL, GEMINI, lambda text: json.loads(text)[-1]["usageMetadata"]),
    ("/v1beta/interactions", {}, ALL, "gemini.interactions", last_with("interaction", "usage")),
    ("/v2/chat", SAID, ALL, "cohere", last_with("delta", "usage")),
    ("/v1/chat", {}, ALL, "cohere", json_lines("response", "meta")),
    ("/api/chat", SAID, ALL, "ollama", json_lines()),
]  # fmt: skip


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    with Provider(thinking_s=0) as running:
        yield running


CLIENT = httpx.Client(trust_env=False)  # one for all: making one reads all certificates


def dig(found: Any, path: tuple[str, ...]) -> Any:
    for step in path:
        found = found[int(step)] if isinstance(found, list) else (found or {}).get(step)
    return found


def post(provider: Provider, case: str, path: str, body: dict[str, Any], traits: str) -> httpx.Response:
    answer = CLIENT.post(f"{provider.url}/s/{case}/{traits}{path}", json={"model": "m", **body})
    assert answer.status_code == 200, answer.text
    return answer


def agrees(usage: Usage, bill: Attempt) -> None:
    assert usage.input == (bill.input or usage.input)
    assert usage.output == (bill.output or usage.output)
    for part in ("cache_read", "cache_write", "reasoning"):
        assert (getattr(usage, part) or 0) == getattr(bill, part), part
    for unit, quantity in bill.units.items():
        assert usage.units.get(unit, getattr(usage, unit, None)) == quantity, unit


@pytest.mark.parametrize(("path", "body", "traits", "api", "place"), WHOLE)
def test_a_whole_answer_states_its_bill(
    provider: Provider, path: str, body: dict[str, Any], traits: str, api: str, place: str
) -> None:
    answer = post(provider, "whole", path, body, traits)
    stated = dict(answer.headers) if place == "headers" else dig(answer.json(), tuple(filter(None, place.split("."))))
    reading = read_raw(stated, api)
    assert reading is not None
    bill = provider.attempts[-1]
    agrees(reading.usage, bill)
    assert answer.headers["x-request-id"] == f"req_{bill.response_id}"


@pytest.mark.parametrize(("path", "body", "traits", "api", "telling"), STREAMED)
def test_a_stream_states_its_bill(
    provider: Provider, path: str, body: dict[str, Any], traits: str, api: str, telling: Telling
) -> None:
    reading = read_raw(telling(post(provider, "stream", path, {**body, "stream": True}, traits).text), api)
    assert reading is not None
    agrees(reading.usage, provider.attempts[-1])


@pytest.mark.parametrize(
    "path",
    ["/v1/moderations", "/v1/messages/count_tokens", "/v1/responses/input_tokens", f"{GOOGLE}countTokens",
     "/model/claude/count-tokens"],
)  # fmt: skip
def test_what_is_free_stands_on_no_bill(provider: Provider, path: str) -> None:
    before = len(provider.attempts)
    post(provider, "free", path, {}, "plain")
    assert len(provider.attempts) == before


@pytest.mark.parametrize("trait", ["no-usage", "null-usage"])
@pytest.mark.parametrize(("path", "place"), [
    ("/v1/chat/completions", "usage"), ("/v1/responses", "usage"), ("/v1/messages", "usage"),
    ("/v1beta/models/m:generateContent", "usageMetadata"), ("/model/m/converse", "usage"), ("/v2/chat", "usage"),
])  # fmt: skip
def test_an_answer_may_lack_its_usage(provider: Provider, path: str, place: str, trait: str) -> None:
    body = post(provider, "lacking", path, SAID, trait).json()
    assert (place in body) == (trait == "null-usage")
    assert body.get(place) is None
    assert provider.attempts[-1].input


def test_a_response_in_the_background_is_charged_once_and_fetched_often(provider: Provider) -> None:
    before = len(provider.attempts)
    begun = post(provider, "background", "/v1/responses", {"background": True}, "cached+pending-once").json()
    assert begun["usage"] is None
    url = f"{provider.url}/s/background/cached+pending-once/v1/responses/{begun['id']}"
    fetched = [CLIENT.get(url).json() for _ in range(3)]
    assert [one["status"] for one in fetched] == ["in_progress", "completed", "completed"]
    [bill] = provider.attempts[before:]
    assert {one["usage"]["input_tokens"] for one in fetched[1:]} == {bill.input}


def test_the_bill_tells_model_and_tier(provider: Provider) -> None:
    for path, traits, tier in (
        ("/v1/chat/completions", "plain", "default"),
        ("/v1/responses", "tier-flex", "flex"),
        ("/v1/messages", "tier-priority", "priority"),
        ("/model/claude/converse", "plain", ""),
    ):
        post(provider, "tier", path, SAID, traits)
        assert (provider.attempts[-1].tier, provider.attempts[-1].model) == (tier, "claude" if "model" in path else "m")


def test_a_response_that_was_answered_can_be_fetched_again(provider: Provider) -> None:
    made = post(provider, "stored", "/v1/responses", {"input": "hi"}, "plain").json()
    again = CLIENT.get(f"{provider.url}/s/stored/plain/v1/responses/{made['id']}")
    assert again.json() == made
    assert CLIENT.get(f"{provider.url}/s/stored/plain/v1/responses/resp_0").status_code == 404


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/responses", "/v1/messages"])
def test_what_is_written_may_be_a_document(provider: Provider, path: str) -> None:
    assert json.dumps('{"said": "x"}') in post(provider, "json", path, SAID, "json").text


def test_an_unknown_vendor_is_said_to_be_one(provider: Provider) -> None:
    answer = CLIENT.post(f"{provider.url}/s/c/as-nobody/v1/chat/completions", json=SAID)
    assert (answer.status_code, "no such vendor" in answer.text) == (404, True)


def test_an_attempt_that_hangs_is_charged_and_the_next_one_answers() -> None:
    with Provider(thinking_s=0) as running:
        url = f"{running.url}/s/hanging/hang-once/v1/chat/completions"
        with pytest.raises(httpx.ReadTimeout):
            CLIENT.post(url, json=SAID, timeout=0.1)
        assert CLIENT.post(url, json=SAID).status_code == 200
        assert [one.charged for one in running.attempts] == [True, True]


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/v1/chat/completions", "event: error"),
        ("/v1/messages", "event: error"),
        ("/api/chat", '{"error": "asked for"}'),
        ("/model/claude/converse-stream", "throttlingException"),
    ],
)
def test_a_stream_may_end_in_an_error(provider: Provider, path: str, said: str) -> None:
    text = post(provider, "failing", path, {**SAID, "stream": True}, "error-event").content.decode("latin-1")
    assert said in text[-200:]
    assert "usage" not in text[-200:]
