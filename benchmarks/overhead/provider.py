"""A provider without a network: canned answers, so that what is timed is the client's work and ours alone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

import httpx2

CHUNKS: Final = 200
MODEL: Final = "gpt-4o-2024-08-06"
MESSAGES: Final[Any] = [
    {"role": "system", "content": "You answer shortly. " * 20},
    {"role": "user", "content": "Name the largest lake of Finland, and say how deep it is. " * 10},
]
USAGE: Final = {
    "prompt_tokens": 512,
    "completion_tokens": CHUNKS,
    "total_tokens": 512 + CHUNKS,
    "prompt_tokens_details": {"cached_tokens": 256, "audio_tokens": 0},
    "completion_tokens_details": {"reasoning_tokens": 64, "audio_tokens": 0, "accepted_prediction_tokens": 0},
}
_HEAD: Final[dict[str, Any]] = {
    "id": "chatcmpl-C1mV9",
    "created": 1_795_000_000,
    "model": MODEL,
    "service_tier": "default",
}


class Canned(httpx2.BaseTransport):
    """Answers every request with the same chat completion, whole or as a stream, whose usage only who asks gets."""

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Answer at once."""
        asked = json.loads(request.content)
        if not asked.get("stream"):
            return _response("application/json", _Body((_WHOLE,)))
        return _response("text/event-stream", _Body(_ASKED if asked.get("stream_options") else _UNASKED))


class _Body(httpx2.SyncByteStream):
    """One event at a time, as a model writes them."""

    def __init__(self, pieces: tuple[bytes, ...]) -> None:
        self._pieces = pieces

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._pieces)


def _response(kind: str, body: _Body) -> httpx2.Response:
    return httpx2.Response(200, headers={"content-type": kind, "x-request-id": "req_1"}, stream=body)


def _whole() -> bytes:
    message = {"role": "assistant", "content": "Saimaa, 85 metres. " * 40, "refusal": None, "annotations": []}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
    return json.dumps({**_HEAD, "object": "chat.completion", "choices": [choice], "usage": USAGE}).encode()


def _events(*, asked: bool) -> Iterator[bytes]:
    head = {**_HEAD, "object": "chat.completion.chunk", **({"usage": None} if asked else {})}
    for number in range(CHUNKS - 1):
        yield _event({**head, "choices": [_choice({"content": f" token{number}"}, None)]})
    yield _event({**head, "choices": [_choice({}, "stop")]})
    if asked:
        yield _event({**head, "choices": [], "usage": USAGE})
    yield b"data: [DONE]\n\n"


def _choice(delta: dict[str, str], reason: str | None) -> dict[str, Any]:
    return {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}


def _event(document: dict[str, Any]) -> bytes:
    return b"data: " + json.dumps(document, separators=(",", ":")).encode() + b"\n\n"


_WHOLE: Final = _whole()
_ASKED: Final = tuple(_events(asked=True))
_UNASKED: Final = tuple(_events(asked=False))
