"""How a body is read while it passes: what every reader can do, and which one a body gets."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any, Final, Protocol

from tollspan.answer import Answer
from tollspan.aws_stream import EventStreamReader
from tollspan.body import Unread, WholeBody
from tollspan.stream import EventReader, LineReader


class Reader(Protocol):
    """Reads a decoded body piece by piece, cut anywhere, and fills an answer; what it cannot read it passes on."""

    @property
    def streams(self) -> bool:
        """Whether the body comes as many documents with an end of its own."""
        ...

    @property
    def overflowed(self) -> bool:
        """Whether more arrived than is kept for an estimate, which then is only a lower bound."""
        ...

    def feed(self, chunk: bytes) -> bool:
        """Read a piece; True for one that is whole events without anything that tells of usage, an end or an error."""
        ...

    def end(self) -> None:
        """Read what is left when no more comes; may be called again."""
        ...

    def documents(self) -> Iterator[dict[str, Any]]:
        """Return the JSON objects that arrived, for an estimate."""
        ...


Make = Callable[[Answer], Reader]

# Media type -> reader; a body of any other type but sound is one JSON document, or a list of them.
READERS: Final[Mapping[str, Make]] = {
    "text/event-stream": EventReader,
    "application/x-ndjson": LineReader,
    "application/ndjson": LineReader,
    "application/jsonl": LineReader,
    "application/x-jsonlines": LineReader,
    "application/stream+json": LineReader,
    "application/vnd.amazon.eventstream": EventStreamReader,
}


def reader_of(content_type: str | None, answer: Answer) -> Reader:
    """Return a reader for a body of a content type."""
    return _reads(content_type)(answer)


@lru_cache(maxsize=64)
def _reads(content_type: str | None) -> Make:
    media_type = (content_type or "").partition(";")[0].strip().lower()
    return READERS.get(media_type, Unread if media_type.startswith("audio/") else WholeBody)
