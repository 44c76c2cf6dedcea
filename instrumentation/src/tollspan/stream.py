"""Readers of bodies that come as many documents: server-sent events and JSON lines.

Only few lines are parsed: the first ones (id and model) and those that can hold usage, an end or an error. The others
are kept by reference until the end, for the estimate that an aborted stream needs, and dropped with the reader.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

from tollspan.answer import Answer
from tollspan.document import parsed
from tollspan.forms import DONE, telling

MAX_KEPT_BYTES: Final = 4 * 1024 * 1024
_DATA, _DONE = b"data:", DONE.encode()
_DOCUMENT_END: Final = b"}\n\n"  # of an event; what is sent last of all is no document, and ends otherwise
_FIRST: Final = 3  # lines that may pass before one names the model: Azure sends the verdict of its filter first


class DocumentReader:
    """Takes in documents, as bytes, of which few are parsed."""

    streams = True

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self._telling = telling(answer.form).search
        self._kept: list[bytes] = []
        self._kept_bytes = 0

    @property
    def overflowed(self) -> bool:
        """Whether more arrived than is kept for an estimate, which then is only a lower bound."""
        return self._kept_bytes > MAX_KEPT_BYTES

    def documents(self) -> Iterator[dict[str, Any]]:
        """Return the JSON objects that arrived and are kept."""
        for kept in self._kept:
            for data in self.split(kept):
                document = parsed(data)
                if isinstance(document, dict):
                    yield document

    def split(self, kept: bytes) -> Iterable[bytes]:
        """Return the documents in what was kept."""
        return (kept,)

    def take(self, data: bytes) -> None:
        """Take in one document."""
        self.look(data)
        self.keep(data)

    def look(self, data: bytes) -> None:
        """Look into a document where that may tell something."""
        if self.tells(data):
            self._answer.absorb(parsed(data))

    def tells(self, data: bytes) -> bool:
        """Whether a document must be looked into: the first ones, and what can hold usage, an end or an error."""
        unknown = self._answer.model is None and len(self._kept) < _FIRST
        return unknown or self._telling(data) is not None

    def keep(self, data: bytes) -> None:
        """Keep bytes for an estimate."""
        self._kept_bytes += len(data)
        if self._kept_bytes <= MAX_KEPT_BYTES:
            self._kept.append(data)


class LineReader(DocumentReader):
    """Reads a document a line."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer)
        self._line = b""

    def feed(self, chunk: bytes) -> bool:
        """Read a piece of the body; False, for it is looked into line by line."""
        *lines, self._line = (self._line + chunk).split(b"\n")
        for line in lines:
            self._read(line)
        return False

    def end(self) -> None:
        """Read what is left when no more comes."""
        line, self._line = self._line, b""
        self._read(line)

    def _read(self, line: bytes) -> None:
        if data := line.strip():
            self.take(data)


class EventReader(LineReader):
    """Reads server-sent events whose data is a document a line, as all providers send them."""

    def feed(self, chunk: bytes) -> bool:
        """Read a piece of the body; nearly all are whole events that tell nothing, and are kept as they are."""
        if self._line or not chunk.endswith(_DOCUMENT_END) or self._answer.model is None or self._telling(chunk):
            return super().feed(chunk)
        self.keep(chunk)
        return True

    def split(self, kept: bytes) -> Iterable[bytes]:
        """Return the data of the events in what was kept."""
        return (line.removeprefix(_DATA) for line in kept.split(b"\n") if line.startswith(_DATA))

    def _read(self, line: bytes) -> None:
        if not line.startswith(_DATA):
            return
        data = line.removeprefix(_DATA).strip()
        if data == _DONE:
            self._answer.terminal = True
        else:
            self.look(data)
            self.keep(line)
