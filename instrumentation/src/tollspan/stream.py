"""What an answer says about itself: id, model, usage, end; read from a whole body or from server-sent events.

A stream is read line by line and only few lines are parsed: the first ones (id and model) and those that can
hold usage, an end or an error. The others are kept by reference until the end, for the estimate that an
aborted stream needs, and dropped with the reader.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

MAX_KEPT_BYTES = 4 * 1024 * 1024

_TELLING = re.compile(
    rb'"(?:usage|error)"\s*:\s*\{|"finish_reason"\s*:\s*"'
    rb'|"type"\s*:\s*"(?:error|message_stop|response\.(?:completed|incomplete|failed))"',
)
_LAST_TYPES = frozenset({"message_stop", "response.completed", "response.incomplete", "response.failed"})
_EVENT_END = re.compile(rb"\r?\n\r?\n")


@dataclass(slots=True)
class Answer:
    """What is known of an answer so far.

    ``usage`` is the provider's object verbatim; of a stream with several (Anthropic: ``message_start``, then
    the cumulative ``message_delta``) the last value of each field. ``terminal``: the provider said that it is done.
    """

    response_id: str | None = None
    model: str | None = None
    service_tier: str | None = None
    usage: dict[str, Any] = field(default_factory=dict)
    finish_reasons: tuple[str, ...] = ()
    error: str | None = None
    terminal: bool = False

    def absorb(self, document: Any) -> None:
        """Take in a JSON document: a whole body or the data of one event."""
        if not isinstance(document, dict):
            return
        self.terminal = self.terminal or document.get("type") in _LAST_TYPES
        for part in (document, document.get("response"), document.get("message")):
            if isinstance(part, dict):
                self._absorb_part(part)

    def _absorb_part(self, part: dict[str, Any]) -> None:
        self.response_id = _text(part.get("id")) or self.response_id
        self.model = _text(part.get("model")) or self.model
        self.service_tier = _text(part.get("service_tier")) or self.service_tier
        if isinstance(part.get("usage"), dict):
            self.usage.update({key: value for key, value in part["usage"].items() if value is not None})
        self.finish_reasons = _finish_reasons(part) or self.finish_reasons
        error = part.get("error")
        if isinstance(error, dict):
            self.error = _text(error.get("type")) or _text(error.get("code")) or "error"
        elif part.get("type") == "error":
            self.error = _text(part.get("code")) or "error"


class EventReader:
    """Reads server-sent events as they pass and can take the extra usage chunk out of them.

    ``swallow_usage``: the caller did not ask for the OpenAI chunk that has usage and no choices; drop it.
    """

    def __init__(self, answer: Answer, *, swallow_usage: bool) -> None:
        self._answer = answer
        self._swallow = swallow_usage
        self._line = b""
        self._event = b""
        self._kept: list[bytes] = []
        self._kept_bytes = 0

    @property
    def overflowed(self) -> bool:
        """Whether more arrived than is kept for an estimate, which then is only a lower bound."""
        return self._kept_bytes > MAX_KEPT_BYTES

    def feed(self, chunk: bytes) -> bytes:
        """Read a chunk of the body; return what the application may see of it now."""
        *lines, self._line = (self._line + chunk).split(b"\n")
        for line in lines:
            self._read(line)
        return self._visible(chunk) if self._swallow else chunk

    def rest(self) -> bytes:
        """Return, at the end of the body, what ``feed`` still holds back."""
        self._read(self._line)
        held, self._line, self._event = self._event, b"", b""
        return held

    def events(self) -> Iterator[dict[str, Any]]:
        """Return the data of the events kept so far that are JSON objects."""
        for data in self._kept:
            document = _parsed(data)
            if isinstance(document, dict):
                yield document

    def _read(self, line: bytes) -> None:
        if not line.startswith(b"data:"):
            return
        data = line[5:].strip()
        if data == b"[DONE]":
            self._answer.terminal = True
            return
        self._kept_bytes += len(data)
        if not self.overflowed:
            self._kept.append(data)
        if self._answer.response_id is None or _TELLING.search(data):
            self._answer.absorb(_parsed(data))

    def _visible(self, chunk: bytes) -> bytes:
        self._event += chunk
        passed = b""
        while end := _EVENT_END.search(self._event):
            event, self._event = self._event[: end.end()], self._event[end.end() :]
            passed += b"" if _is_usage_chunk(event) else event
        return passed


def _is_usage_chunk(event: bytes) -> bool:
    if b'"usage"' not in event:
        return False
    document = _parsed(event.strip().removeprefix(b"data:"))
    return isinstance(document, dict) and document.get("choices") == [] and isinstance(document.get("usage"), dict)


def _finish_reasons(part: dict[str, Any]) -> tuple[str, ...]:
    choices = part.get("choices")
    if isinstance(choices, list):
        found = [choice.get("finish_reason") for choice in choices if isinstance(choice, dict)]
    else:
        delta = part.get("delta")
        found = [part.get("stop_reason") or (delta.get("stop_reason") if isinstance(delta, dict) else None)]
        found += [part.get("status")] if part.get("object") == "response" else []
    return tuple(reason for reason in found if isinstance(reason, str) and reason != "in_progress")


def _parsed(data: bytes) -> Any:
    try:
        return json.loads(data)
    except ValueError:
        return None


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None
