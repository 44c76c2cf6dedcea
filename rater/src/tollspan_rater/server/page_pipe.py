"""A page on its way between two processes: its rows cross as Arrow's own buffers, the little beside them pickled."""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from multiprocessing.connection import Connection
from typing import Final

import pyarrow as pa

from tollspan_rater.domain.entries import Batch
from tollspan_rater.pipeline.page import Page
from tollspan_rater.store.tables import SCHEMAS

_NO_PAGE: Final = b""


def send_page(answers: Connection, page: Page | None) -> None:
    """Send a page without its batches, which the receiver has; None says that there is none."""
    if page is None:
        answers.send_bytes(_NO_PAGE)
        return
    answers.send_bytes(pickle.dumps((page.pieces, page.leg_of, page.rest, page.names)))
    for rows in (page.spans, page.legs):
        answers.send_bytes(memoryview(_one_batch(rows).serialize()))


def receive_page(answers: Connection, batches: Sequence[Batch]) -> Page | None:
    """Receive the page of some batches, or None, from a process of ours.

    Raises:
        EOFError, OSError: the process ended.
        pickle.UnpicklingError: what it sent is no page.
    """
    head = answers.recv_bytes()
    if head == _NO_PAGE:
        return None
    pieces, leg_of, rest, names = pickle.loads(head)  # noqa: S301 - from a process that we started, over its own pipe
    spans, legs = (_rows(answers.recv_bytes(), SCHEMAS[name]) for name in ("spans", "legs"))
    return Page(tuple(batches), pieces, spans, legs, leg_of, rest, names)


def _one_batch(rows: pa.Table) -> pa.RecordBatch:
    batches = rows.combine_chunks().to_batches()
    return batches[0] if batches else pa.RecordBatch.from_pylist([], rows.schema)


def _rows(data: bytes, schema: pa.Schema) -> pa.Table:
    return pa.Table.from_batches([pa.ipc.read_record_batch(pa.py_buffer(data), schema)])
