"""Importing files of spans or usage events: the same strip, journal and pipeline as for spans from the network."""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future
from typing import BinaryIO, Final

from tollspan_rater.domain.entries import NewBatch
from tollspan_rater.errors import OverloadedError
from tollspan_rater.ingest.content import strip
from tollspan_rater.ingest.files import read_stream
from tollspan_rater.ingest.undecodable import described
from tollspan_rater.query.rater import Receipt
from tollspan_rater.server.rater import APPLIED_S, Rater

_UNREAD_TOLD: Final = 20
_AHEAD: Final = 64  # requests that may wait for their fsync


def import_stream(rater: Rater, stream: BinaryIO, *, name: str, tenant: str, actor: str) -> Receipt:
    """Read a file to its end; return when the store has everything it held.

    Reading the same file again gives duplicates only. What could not be read is counted as ``not_read``, and the
    first of it told in ``unread``.
    """
    waiting: deque[Future[int]] = deque()
    batches = pieces = not_read = position = 0
    unread: list[str] = []
    most = int(rater.config.limits.message_bytes)
    for encoding, body in read_stream(stream, most, lambda _read: None):
        clean = strip(body, encoding)
        if encoding == "undecodable":
            not_read += 1
            if len(unread) < _UNREAD_TOLD:
                unread.append(str(described(body).get("error", "")))
        batch = NewBatch(rater.clock.now_ns(), tenant, f"{actor}:{name}", clean.encoding, clean.body)
        while len(waiting) >= _AHEAD or (future := _submitted(rater, batch)) is None:
            position = max(position, waiting.popleft().result())
        waiting.append(future)
        batches, pieces = batches + 1, pieces + clean.pieces
    for future in waiting:
        position = max(position, future.result())
    rater.writer.wait_for(position, APPLIED_S)
    counted: dict[str, object] = {"batches": batches - not_read, "spans": pieces - not_read}
    return Receipt(position, counted | ({"not_read": not_read, "unread": unread} if unread else {}))


def _submitted(rater: Rater, batch: NewBatch) -> Future[int] | None:
    """Hand a batch over; None while too many bytes wait."""
    try:
        return rater.submit(batch)
    except OverloadedError:
        return None
