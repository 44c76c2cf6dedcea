"""The body of a request as a file: read from a worker thread while it arrives, never written to a disk."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from typing import Any

from anyio import from_thread
from starlette.requests import ClientDisconnect

from tollspan_rater.errors import UsageError


class RequestBody(io.RawIOBase):
    """A readable stream over an asynchronous body; to be read in a thread that anyio started."""

    def __init__(self, chunks: AsyncIterator[bytes]) -> None:
        self._chunks = chunks
        self._rest = b""

    def readable(self) -> bool:
        """Say that this can be read."""
        return True

    def readinto(self, buffer: Any, /) -> int:
        """Wait for the next bytes; 0 at the end of the body.

        Raises:
            UsageError: the sender went away in the middle.
        """
        view = memoryview(buffer)
        while not self._rest:
            try:
                self._rest = from_thread.run(self._next)
            except StopAsyncIteration:
                return 0
            except ClientDisconnect as error:
                raise UsageError("the connection closed before the end of the file; import it again") from error
        size = min(len(view), len(self._rest))
        view[:size] = self._rest[:size]
        self._rest = self._rest[size:]
        return size

    async def _next(self) -> bytes:
        return await anext(self._chunks)
