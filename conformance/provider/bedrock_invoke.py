"""Bedrock's InvokeModel: every model family answers in a body of its own, the headers count for all of them."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from conformance.provider import anthropic_api, bedrock_api
from conformance.provider.bedrock_api import FRAMES, MODEL
from conformance.provider.endpoint import Api, Call, Payload, Request
from tollspan_rater.demo.provider.answer import WORDS, Event

_HEADER = "x-amzn-bedrock-"


def _claude(call: Call) -> dict[str, Any]:
    return anthropic_api.messages(call)


def _nova(call: Call) -> dict[str, Any]:
    return bedrock_api.converse(call)


def _llama(call: Call) -> dict[str, Any]:
    counts = call.drawn.counts
    tokens = {"prompt_token_count": counts.input, "generation_token_count": counts.output}
    return {"generation": "".join(WORDS), **tokens, "stop_reason": "stop"}


def _titan_embedding(call: Call) -> dict[str, Any]:
    return {"embedding": [0.125, 0.25], "inputTextTokenCount": call.drawn.counts.input}


def _cohere_embedding(call: Call) -> dict[str, Any]:
    texts = call.request.body.get("texts") or [""]
    return {"id": call.response_id, "embeddings": [[0.125, 0.25] for _ in texts], "response_type": "embeddings_floats"}


def _claude_events(call: Call) -> Iterator[Mapping[str, Any]]:
    for event in anthropic_api.messages_events(call):
        yield dict(event.data)  # type: ignore[arg-type]


def _llama_events(call: Call) -> Iterator[Mapping[str, Any]]:
    for word in WORDS:
        yield {"generation": word, "prompt_token_count": None, "generation_token_count": 1, "stop_reason": None}
    yield {**_llama(call), "generation": ""}


def _nova_events(call: Call) -> Iterator[Mapping[str, Any]]:
    for event in bedrock_api.converse_events(call):
        yield {event.name: event.data}


Body = Callable[[Call], dict[str, Any]]
Pieces = Callable[[Call], Iterator[Mapping[str, Any]]]
_EMBEDS: Mapping[str, Any] = {"writes_caches": False, "reads_caches": False, "writes_text": False}
_PLAIN: Mapping[str, Any] = {"writes_caches": False, "reads_caches": False, "tells_reasoning": False}
_SILENT: Mapping[str, Any] = {"tells_reasoning": False}

# A model's family, found in its id: whole answer, stream, what it cannot state.
FAMILIES: tuple[tuple[str, Body, Pieces, Mapping[str, Any]], ...] = (
    ("anthropic.", _claude, _claude_events, {}),
    ("amazon.nova", _nova, _nova_events, _SILENT),
    ("amazon.titan-embed", _titan_embedding, _claude_events, _EMBEDS),
    ("cohere.embed", _cohere_embedding, _claude_events, _EMBEDS),
    ("meta.llama", _llama, _llama_events, _PLAIN),
)


def _family(request: Request) -> tuple[str, Body, Pieces, Mapping[str, Any]]:
    return next((family for family in FAMILIES if family[0] in request.model), FAMILIES[0])


def invoke(call: Call) -> Payload:
    """Return a model's own body; the headers count the fresh input, and the output."""
    counts = call.drawn.counts
    headers = {
        f"{_HEADER}input-token-count": str(counts.input - counts.cache_read - counts.cache_write),
        f"{_HEADER}output-token-count": str(counts.output),
        f"{_HEADER}invocation-latency": "10",
    }
    if counts.cache_read or counts.cache_write:
        headers[f"{_HEADER}cache-read-input-token-count"] = str(counts.cache_read)
        headers[f"{_HEADER}cache-write-input-token-count"] = str(counts.cache_write)
    return Payload(json.dumps(_family(call.request)[1](call)).encode(), "application/json", headers)


def invoke_events(call: Call) -> Iterator[Event]:
    """Return a model's own stream, each piece inside a frame; the last carries Bedrock's metrics."""
    waiting: dict[str, Any] | None = None
    for piece in _family(call.request)[2](call):
        if waiting is not None:
            yield _chunk(waiting)
        waiting = dict(piece)
    yield _chunk({**(waiting or {}), "amazon-bedrock-invocationMetrics": metrics(call)})


def metrics(call: Call) -> dict[str, int]:
    """Return the metrics at the end of a stream; caches stand beside the input."""
    counts = call.drawn.counts
    stated = {
        "inputTokenCount": counts.input - counts.cache_read - counts.cache_write,
        "outputTokenCount": counts.output,
        "invocationLatency": 10,
        "firstByteLatency": 5,
    }
    if counts.cache_read or counts.cache_write:
        stated |= {"cacheReadInputTokenCount": counts.cache_read, "cacheWriteInputTokenCount": counts.cache_write}
    return stated


def _chunk(piece: Mapping[str, Any]) -> Event:
    return Event({"bytes": base64.b64encode(json.dumps(piece).encode()).decode(), "p": "abc"}, "chunk")


def _terms(request: Request) -> Mapping[str, Any]:
    return _family(request)[3]


APIS = (
    Api("bedrock.invoke", f"{MODEL}invoke", "br-", invoke, terms=_terms),
    Api("bedrock.invoke_stream", f"{MODEL}invoke-with-response-stream", "br-", invoke, invoke_events, FRAMES, "always",
        terms=_terms),
)  # fmt: skip
