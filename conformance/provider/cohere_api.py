"""Cohere's wire formats: chat of both versions, embed, rerank; billed units, which are not all tokens."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from conformance.provider.endpoint import JSON_LINES, Api, Call
from tollspan_rater.demo.provider.answer import WORDS, Event

UNBILLED = 9_001  # tokens of Cohere's own preamble, which the model reads and nobody pays for


def chat(call: Call) -> dict[str, Any]:
    """Return a whole answer of version 2."""
    message = {"role": "assistant", "content": [{"type": "text", "text": "".join(WORDS)}]}
    return {"id": call.response_id, "finish_reason": "COMPLETE", "message": message, "usage": usage(call)}


def chat_events(call: Call) -> Iterator[Event]:
    """Return a streamed answer of version 2; usage is in ``message-end``."""
    begun: dict[str, Any] = {"role": "assistant", "content": [], "tool_plan": "", "tool_calls": [], "citations": []}
    yield _told("message-start", id=call.response_id, delta={"message": begun})
    yield _told("content-start", index=0, delta={"message": {"content": {"type": "text", "text": ""}}})
    for word in WORDS:
        yield _told("content-delta", index=0, delta={"message": {"content": {"text": word}}})
    yield _told("content-end", index=0)
    yield _told("message-end", id=call.response_id, delta={"finish_reason": "COMPLETE", "usage": usage(call)})
    yield Event("[DONE]")


def _told(kind: str, **about: Any) -> Event:
    return Event({"type": kind, **about}, kind)


def usage(call: Call) -> dict[str, Any]:
    """Return what is billed, and beside it what the model read and wrote."""
    counts = call.drawn.counts
    return {
        "billed_units": {"input_tokens": counts.input, "output_tokens": counts.output},
        "tokens": {"input_tokens": counts.input + UNBILLED, "output_tokens": counts.output},
    }


def chat_v1(call: Call) -> dict[str, Any]:
    """Return a whole answer of version 1."""
    return {
        "response_id": call.response_id,
        "generation_id": f"g-{call.response_id}",
        "text": "".join(WORDS),
        "finish_reason": "COMPLETE",
        "meta": {"api_version": {"version": "1"}, **usage(call)},
    }


def chat_v1_events(call: Call) -> Iterator[Event]:
    """Return a streamed answer of version 1, one JSON document a line; the last repeats the whole."""
    yield Event({"is_finished": False, "event_type": "stream-start", "generation_id": f"g-{call.response_id}"})
    for word in WORDS:
        yield Event({"is_finished": False, "event_type": "text-generation", "text": word})
    end = {"is_finished": True, "event_type": "stream-end", "finish_reason": "COMPLETE"}
    yield Event({**end, "response": chat_v1(call)})


def embed(call: Call) -> dict[str, Any]:
    """Return embeddings of either version."""
    texts = call.request.body.get("texts") or [""]
    version = call.request.named["version"]
    vectors = [[0.125, 0.25] for _ in texts]
    return {
        "id": call.response_id,
        "texts": texts,
        "embeddings": vectors if version == "1" else {"float": vectors},
        "response_type": "embeddings_floats" if version == "1" else "embeddings_by_type",
        "meta": {"api_version": {"version": version}, "billed_units": {"input_tokens": call.drawn.counts.input}},
    }


def rerank(call: Call) -> dict[str, Any]:
    """Return documents in order; billed by searches, not by tokens."""
    documents = call.request.body.get("documents") or [""]
    return {
        "id": call.response_id,
        "results": [{"index": number, "relevance_score": 0.5} for number in range(len(documents))],
        "meta": {"api_version": {"version": "2"}, "billed_units": {"search_units": call.drawn.unit("search_unit")}},
    }


_PLAIN: Mapping[str, Any] = {"writes_caches": False, "reads_caches": False, "tells_reasoning": False}

APIS = (
    Api("cohere.chat", "/v2/chat", "co-", chat, chat_events, **_PLAIN),
    Api("cohere.chat", "/v1/chat", "co-", chat_v1, chat_v1_events, JSON_LINES, **_PLAIN),
    Api("cohere.embed", "/v(?P<version>[12])/embed", "co-", embed,
        **_PLAIN, writes_text=False),
    Api("cohere.rerank", "/v[12]/rerank", "co-", rerank, units=("search_unit",), reads_text=False, writes_text=False),
)  # fmt: skip
