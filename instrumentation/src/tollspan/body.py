"""Reader of a body that is one JSON document, or a list of them: so Gemini streams when nobody asks for events."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from tollspan.answer import Answer
from tollspan.document import decoded


class WholeBody:
    """Keeps a body until its end, and reads it then; one that was cut short is read as far as it came."""

    streams = False
    overflowed = False

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self._body = bytearray()
        self._documents: list[dict[str, Any]] | None = None

    def feed(self, chunk: bytes) -> bool:
        """Keep a piece of the body; False, for it is not read yet."""
        self._body += chunk
        return False

    def end(self) -> None:
        """Read the body, once."""
        if self._documents is None:
            for document in self.documents():
                self._answer.absorb(document)

    def documents(self) -> Iterator[dict[str, Any]]:
        """Return the JSON objects that arrived."""
        if self._documents is None:
            self._documents = [one for one in _documents(self._body) if isinstance(one, dict)]
        return iter(self._documents)


class Unread:
    """Reader of a body that says nothing of itself, such as sound: nothing of it is kept."""

    streams = False
    overflowed = False

    def __init__(self, _answer: Answer) -> None:
        pass

    def feed(self, _chunk: bytes) -> bool:
        """Let a piece pass; False, for it is not read."""
        return False

    def end(self) -> None:
        """Have nothing to read."""

    def documents(self) -> Iterator[dict[str, Any]]:
        """Return nothing."""
        return iter(())


def _documents(body: bytearray) -> list[Any]:
    try:
        whole = decoded(body)
    except ValueError:
        return list(_elements(body.decode("utf-8", "ignore")))
    return whole if isinstance(whole, list) else [whole]


def _elements(text: str) -> Iterator[Any]:
    """Yield the elements of a list that breaks off."""
    decode, at = json.JSONDecoder().raw_decode, text.find("[") + 1
    if text[: at - 1].strip() or not at:
        return
    while True:
        at += len(text[at:]) - len(text[at:].lstrip(", \r\n\t"))
        try:
            element, at = decode(text, at)
        except ValueError:
            return
        yield element
