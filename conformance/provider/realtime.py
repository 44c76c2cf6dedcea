"""OpenAI's websockets, at the paths of its HTTP API: realtime sessions, and responses over a socket.

Each ``response.create`` is a call on the bill. Traits beside those of :mod:`conformance.provider.server`: ``cut``
breaks the connection inside a response, ``refused`` answers with an error in its place, ``cancelled`` ends it so (it
states what was used all the same), ``unasked`` responds to audio by itself, ``transcribed`` has audio transcribed,
which is a call of its own; ``seconds`` bills that by its length.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Protocol

from websockets.frames import Opcode
from websockets.server import ServerProtocol

from conformance.provider import openai_media
from conformance.provider.endpoint import Api, Call, Request
from conformance.provider.openai_responses import RESPONSES, responses_events
from tollspan_rater.demo.provider.answer import WORDS

Json = dict[str, Any]
Admit = Callable[[Api, Request], Call]
TRANSCRIBER = "gpt-4o-transcribe"
TRANSCRIPTION = next(api for api in openai_media.APIS if api.name == "openai.transcriptions")


class Socket(Protocol):
    """What a session needs of a connection."""

    def recv(self, size: int, /) -> bytes:
        """Return what has arrived; nothing at its end."""
        ...

    def sendall(self, data: bytes, /) -> None:
        """Send all of it."""
        ...


def serve(socket: Socket, path: str, headers: Mapping[str, str], request: Request, admit: Admit) -> None:
    """Speak with a client until either ends it; ``path`` and ``headers`` are those of its opening request."""
    protocol = ServerProtocol()
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    protocol.receive_data(f"GET {path} HTTP/1.1\r\n{head}\r\n".encode())
    opening: Any = protocol.events_received()[0]
    protocol.send_response(protocol.accept(opening))
    answers = realtime if path.partition("?")[0].endswith("/realtime") else responses
    said: list[Json] = [{"type": "opened"}]
    while True:
        for message in said:
            for event in answers(message, request, admit):
                protocol.send_text(json.dumps(event).encode())
                if "cut" in request.traits and "delta" in event:
                    _write(socket, protocol)
                    return
        _write(socket, protocol)
        arrived = b"" if protocol.close_expected() else socket.recv(65536)
        if not arrived:
            return
        protocol.receive_data(arrived)
        frames: list[Any] = protocol.events_received()
        said = [json.loads(bytes(frame.data)) for frame in frames if frame.opcode is Opcode.TEXT]


def _write(socket: Socket, protocol: ServerProtocol) -> None:
    for data in protocol.data_to_send():
        socket.sendall(data)


def responses(message: Json, request: Request, admit: Admit) -> Iterator[Json]:
    """Answer a message of a responses session with the events of HTTP's stream."""
    if message["type"] == "response.create":
        asked = replace(request, body={**message, "stream": True})
        for event in responses_events(admit(RESPONSES, asked)):
            yield dict(event.data)  # type: ignore[arg-type] # none of them is a text


def realtime(message: Json, request: Request, admit: Admit) -> Iterator[Json]:
    """Answer a message of a realtime session."""
    model = request.query.get("model") or request.query.get("deployment") or ""
    asked = replace(request, body={"model": model})
    if message["type"] == "opened":
        heard = {"input": {"transcription": {"model": TRANSCRIBER}}}
        yield {"type": "session.created", "event_id": "event_1", "session": {"model": model, "audio": heard}}
    if message["type"] == "input_audio_buffer.commit":
        yield {"type": "input_audio_buffer.committed", "event_id": "event_2", "item_id": "item_1"}
        if "transcribed" in request.traits:
            yield _transcribed(admit(TRANSCRIPTION, replace(request, body={"model": TRANSCRIBER})))
    unasked = "unasked" in request.traits and message["type"] == "input_audio_buffer.commit"
    if message["type"] == "response.create" and "refused" in request.traits:
        yield {
            "type": "error",
            "event_id": "event_3",
            "error": {"type": "invalid_request_error", "message": "asked for"},
        }
    elif message["type"] == "response.create" or unasked:
        yield from _response(admit(REALTIME, asked))


def _response(call: Call) -> Iterator[Json]:
    about = {"event_id": "event_4", "response_id": call.response_id, "item_id": "item_2"}
    begun = {"id": call.response_id, "object": "realtime.response", "status": "in_progress", "output": []}
    yield {"type": "response.created", "event_id": "event_3", "response": begun}
    yield {"type": "response.output_audio.delta", **about, "delta": "AAAA" * 500}
    for word in WORDS:
        yield {"type": "response.output_audio_transcript.delta", **about, "delta": word}
    yield {"event_id": "event_5", "type": "response.done", "response": {**begun, **done(call)}}


def done(call: Call) -> Json:
    """Return what a response says of itself at its end; its usage has details in the singular."""
    counts = call.drawn.counts
    status = "cancelled" if call.has("cancelled") else "completed"
    return {
        "status": status,
        "status_details": {"type": status, "reason": "client_cancelled" if call.has("cancelled") else None},
        "usage": {
            "total_tokens": counts.input + counts.output,
            "input_tokens": counts.input,
            "output_tokens": counts.output,
            "input_token_details": {"text_tokens": counts.input, "audio_tokens": 0, "cached_tokens": counts.cache_read},
            "output_token_details": {"text_tokens": counts.output, "audio_tokens": 0},
        },
    }


REALTIME = Api("openai.realtime", "/realtime", "resp_", done, writes_caches=False, tells_reasoning=False)


def _transcribed(call: Call) -> Json:
    return {
        "type": "conversation.item.input_audio_transcription.completed",
        "event_id": "event_2",
        "item_id": call.response_id,
        "content_index": 0,
        "transcript": "".join(WORDS),
        "usage": openai_media.transcription_usage(call),
    }
