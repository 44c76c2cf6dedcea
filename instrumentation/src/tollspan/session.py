"""The calls of one websocket of OpenAI: each response of a realtime or responses session is an attempt.

A call begins with the client's ``response.create``, or with ``response.created`` where the server decides (voice
activity), and ends with the event that states its usage. Of other messages only the type is looked at; text that
arrives is kept for the estimate that a broken response needs, audio is not.
"""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final
from urllib.parse import parse_qs, urlsplit

from tollspan.attempt import Attempt, Recorder
from tollspan.attribution import NOBODY, Attribution, current
from tollspan.document import parsed
from tollspan.guarded import guarded
from tollspan.routes import Route
from tollspan.sent import Sent
from tollspan.stream import MAX_KEPT_BYTES

SWITCHED: Final = 101  # the status of a websocket
REFUSED: Final = 400  # what HTTP has for an error that comes in place of a response
REALTIME: Final = Route("/realtime", "openai.responses", "openai", "realtime_inference", method="GET", streams=True)
RESPONSES: Final = Route("/responses", "openai.responses", "openai", "chat", method="GET", streams=True)
TRANSCRIPTION: Final = Route("/realtime", "openai.responses", "openai", "transcription", method="GET")

_TEXTS: Final = frozenset({"text", "input", "content", "instructions", "output", "transcript", "arguments"})
_LINES: Final = {"content-type": "application/x-ndjson"}  # an attempt reads the messages as lines
_CREATE: Final = "response.create"
_ITEM: Final = "conversation.item.create"
_CREATING: Final = b".create"  # the end of both; audio is sent many times as often
_TYPE: Final = re.compile(rb'"type"\s*:\s*"([a-z_.]+)"')
_EVENT: Final = re.compile(
    rb"(?:session|response|conversation|rate_limits|(?:in|out)put_audio_buffer|mcp_list_tools)\."
)
_RESPONSE_ID: Final = re.compile(rb'"response_id"\s*:\s*"([^"]+)"')


@dataclass(frozen=True, slots=True)
class Opened:
    """A websocket that was opened: where to, and the model that its address names."""

    route: Route
    provider: str
    host: str
    path: str
    model: str | None
    known: bool


def opened(host: str, target: str, provider: str | None) -> Opened | None:
    """Look at the address of a websocket; ``None`` for one that is no session with a model.

    ``provider`` is the one behind the host; at other hosts only OpenAI's own paths count.
    """
    parts = urlsplit(target)
    route = next((one for one in (REALTIME, RESPONSES) if parts.path.rstrip("/").endswith(one.ending)), None)
    if route is None or (provider is None and "/v1/" not in parts.path and "/openai/" not in parts.path):
        return None
    asked = parse_qs(parts.query)
    model = next((asked[name][0] for name in ("model", "deployment") if name in asked), None)
    return Opened(route, provider or route.provider, host, parts.path, model, provider is not None)


class Session:
    """What goes over one websocket.

    ``whose``: for whom it was opened; so are its calls, but for those that are asked for where an attribution is in
    force. ``watch`` is told of each attempt.
    """

    def __init__(self, where: Opened, recorder: Recorder, whose: Attribution, watch: Callable[[Attempt], None]) -> None:
        self._where = where
        self._recorder = recorder
        self._whose = whose
        self._watch = watch
        self._model = where.model
        self._transcriber: str | None = None
        self._said: list[str] = []  # texts of the conversation, for the estimate of a broken response
        self._asked: deque[Attempt] = deque()  # not yet named by the server
        self._named: dict[str, Attempt] = {}  # by the id of their response

    @guarded
    def sent(self, message: Any) -> Attempt | None:
        """Look at a message that is about to be sent; return the attempt that it begins."""
        data = _bytes(message)
        event = _event(data) if _CREATING in data else {}
        if event.get("type") == _ITEM:
            self._say(_texts(event.get("item")))
        if event.get("type") != _CREATE:
            return None
        asking = current()
        said = {**event, "input": [*_texts(event.get("input")), *_texts(event.get("response"))]}
        attempt = self._begin(self._where.route, said, self._whose if asking == NOBODY else asking)
        self._asked.append(attempt)
        return attempt

    @guarded
    def unsent(self, attempt: Attempt | None) -> None:
        """Take back an attempt whose message could not be sent."""
        if attempt is not None and attempt in self._asked:
            self._asked.remove(attempt)
            attempt.withdraw()

    @guarded
    def received(self, message: Any) -> None:
        """Look at a message that has arrived."""
        data = _bytes(message)
        first = _TYPE.search(data)
        kind = first.group(1) if first else b""
        if kind not in self._told and _EVENT.match(kind):
            self._wrote(kind, data)
            return
        event = _event(data)
        if (tell := self._told.get(str(event.get("type")).encode())) is not None:
            tell(self, event, data)

    @guarded
    def lost(self, error: BaseException) -> None:
        """End what is open, because the connection broke."""
        for attempt in self._taken():
            attempt.fail(error)

    @guarded
    def left(self) -> None:
        """End what is open, because the application closes the connection or has dropped it."""
        for attempt in self._taken():
            attempt.abort()

    def __del__(self) -> None:
        self.left()

    def _taken(self) -> list[Attempt]:
        taken = [*self._asked, *self._named.values()]
        self._asked.clear()
        self._named.clear()
        return taken

    def _begin(self, route: Route, event: Mapping[str, Any], whose: Attribution) -> Attempt:
        where = self._where
        read = [*self._said, *event.get("input", ())] if route.streams else []
        body = {"model": self._model, **event, "input": read, "stream": route.streams}
        sent = Sent(
            api="openai.responses",
            route=route,
            provider=where.provider,
            host=where.host,
            path=where.path,
            body=body,
            raw_body=b"",
            known=where.known,
            retries=0,
        )
        attempt = Attempt(sent, self._recorder, whose)
        attempt.answered(SWITCHED, _LINES.get)
        self._watch(attempt)
        return attempt

    def _say(self, texts: Iterable[str]) -> None:
        if sum(map(len, self._said)) < MAX_KEPT_BYTES:
            self._said += texts

    def _wrote(self, kind: bytes, data: bytes) -> None:
        """Keep the text of a response for an estimate."""
        if not kind.endswith(b".delta") or kind.endswith(b"audio.delta") or not self._named:
            return
        attempts = [*self._named.values()]
        if len(attempts) > 1:
            said = _RESPONSE_ID.search(data)
            attempts = [found for found in [self._named.get(said.group(1).decode())] if found] if said else []
        for attempt in attempts:
            attempt.chunk(_line(data))

    def _configured(self, event: Mapping[str, Any], _data: bytes) -> None:
        session = event.get("session")
        self._model = _text(session, "model") or self._model
        for path in (("audio", "input", "transcription"), ("input_audio_transcription",)):
            self._transcriber = _text(session, *path, "model") or self._transcriber

    def _created(self, event: Mapping[str, Any], data: bytes) -> None:
        attempt = self._asked.popleft() if self._asked else self._begin(self._where.route, {}, self._whose)
        self._named[_text(event, "response", "id") or ""] = attempt
        attempt.chunk(_line(data))

    def _done(self, event: Mapping[str, Any], data: bytes) -> None:
        attempt = self._named.pop(_text(event, "response", "id") or "", None)
        if attempt is None:
            attempt = self._asked.popleft() if self._asked else self._begin(self._where.route, {}, self._whose)
        attempt.chunk(_line(data))
        attempt.finish()

    def _refused(self, _event: Mapping[str, Any], data: bytes) -> None:
        """End what was asked for and not begun; an error that comes inside a response does not end it."""
        if self._asked:
            attempt = self._asked.popleft()
            attempt.answered(REFUSED, _LINES.get)
            attempt.chunk(_line(data))
            attempt.finish()

    def _transcribed(self, event: Mapping[str, Any], _data: bytes) -> None:
        attempt = self._begin(TRANSCRIPTION, {"model": self._transcriber}, self._whose)
        told = {"id": event.get("item_id"), "usage": event.get("usage"), "type": "transcript.text.done"}
        attempt.chunk(json.dumps(told).encode())
        attempt.finish()

    _told: ClassVar[Mapping[bytes, Callable[[Session, Mapping[str, Any], bytes], None]]] = {
        b"session.created": _configured,
        b"session.updated": _configured,
        b"transcription_session.created": _configured,
        b"transcription_session.updated": _configured,
        b"response.created": _created,
        b"response.done": _done,
        b"response.completed": _done,
        b"response.incomplete": _done,
        b"response.failed": _done,
        b"response.cancelled": _done,
        b"error": _refused,
        b"conversation.item.input_audio_transcription.completed": _transcribed,
    }


def _bytes(message: Any) -> bytes:
    """Return a message that is whole; one that is sent in pieces is not touched."""
    return message.encode() if isinstance(message, str) else message if isinstance(message, bytes) else b""


def _event(data: bytes) -> dict[str, Any]:
    event = parsed(data)
    return event if isinstance(event, dict) else {}


def _texts(node: Any, key: str = "text") -> Iterator[str]:
    """Yield the texts in an item or in what a response is asked for with."""
    if isinstance(node, str) and key in _TEXTS:
        yield node
    elif isinstance(node, list):
        for one in node:
            yield from _texts(one, key)
    elif isinstance(node, dict):
        for name, value in node.items():
            yield from _texts(value, name)


def _line(data: bytes) -> bytes:
    """Return a message as one line; breaks in JSON stand between its tokens only."""
    return data.replace(b"\n", b" ") + b"\n"


def _text(node: Any, *path: str) -> str | None:
    for step in path:
        node = node.get(step) if isinstance(node, dict) else None
    return node if isinstance(node, str) and node else None
