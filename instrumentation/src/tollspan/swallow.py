"""Takes out of a stream the chunk that tollspan asked for itself: the one that has usage and no choices."""

from __future__ import annotations

import re
from typing import Final

from tollspan.document import parsed

_EVENT_END: Final = re.compile(rb"\r?\n\r?\n")
_USAGE: Final = re.compile(rb'"usage"\s*:\s*\{')


class UsageChunk:
    """Passes server-sent events on, whole, but for the chunk of OpenAI's chat that the application did not ask for.

    ``held``: the beginning of an event that is not whole yet.
    """

    def __init__(self) -> None:
        self.held = b""

    def feed(self, chunk: bytes) -> bytes:
        """Take a piece of the body; return what the application may see now."""
        if not self.held and chunk.endswith(b"\n\n") and not _USAGE.search(chunk):
            return chunk
        self.held += chunk
        passed = b""
        while end := _EVENT_END.search(self.held):
            event, self.held = self.held[: end.end()], self.held[end.end() :]
            passed += b"" if _is_usage_chunk(event) else event
        return passed

    def rest(self) -> bytes:
        """Return, at the end of the body, what is still held back."""
        held, self.held = self.held, b""
        return held


def _is_usage_chunk(event: bytes) -> bool:
    if not _USAGE.search(event):
        return False
    document = parsed(event.strip().removeprefix(b"data:"))
    return isinstance(document, dict) and document.get("choices") == [] and isinstance(document.get("usage"), dict)
