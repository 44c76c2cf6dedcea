"""Ollama's own wire formats, which stream JSON lines unless they are told not to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from conformance.provider.endpoint import JSON_LINES, Api, Call
from tollspan_rater.demo.provider.answer import WORDS, Event

MADE = "2026-11-01T10:00:00.000000Z"
_TIMES: Mapping[str, int] = {
    "total_duration": 5_000_000, "load_duration": 1_000_000, "prompt_eval_duration": 1_000_000,
    "eval_duration": 3_000_000,
}  # fmt: skip


def generate(call: Call) -> dict[str, Any]:
    """Return a whole answer of chat or generate."""
    return {**_piece(call, "".join(WORDS)), **_end(call)}


def generate_events(call: Call) -> Iterator[Event]:
    """Return an answer in lines; the counts are in the last."""
    for word in WORDS:
        yield Event(_piece(call, word))
    yield Event({**_piece(call, ""), **_end(call)})


def _piece(call: Call, text: str) -> dict[str, Any]:
    said = {"message": {"role": "assistant", "content": text}}
    if call.request.named["kind"] == "generate":
        said = {"response": text}  # type: ignore[dict-item]
    return {"model": call.request.model, "created_at": MADE, **said, "done": False}


def _end(call: Call) -> dict[str, Any]:
    counts = call.drawn.counts
    return {
        "done": True,
        "done_reason": "stop",
        **_TIMES,
        "prompt_eval_count": counts.input,
        "eval_count": counts.output,
    }


def embed(call: Call) -> dict[str, Any]:
    """Return embeddings."""
    given = call.request.body.get("input")
    return {
        "model": call.request.model,
        "embeddings": [[0.125, 0.25] for _ in (given if isinstance(given, list) else [given])],
        "total_duration": 5_000_000,
        "load_duration": 1_000_000,
        "prompt_eval_count": call.drawn.counts.input,
    }


_PLAIN: Mapping[str, Any] = {"writes_caches": False, "reads_caches": False, "tells_reasoning": False}

APIS = (
    Api("ollama.chat", "/api/(?P<kind>chat|generate)", "", generate, generate_events, JSON_LINES, "unless", **_PLAIN),
    Api("ollama.embed", "/api/embed", "", embed, writes_text=False, **_PLAIN),
)
