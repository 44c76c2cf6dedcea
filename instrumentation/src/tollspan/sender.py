"""Keeps records in the spool and sends them to an OTLP/HTTP endpoint from a thread of its own."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from time import monotonic

from tollspan.export import encoded, encoded_resource, request
from tollspan.frame import framed
from tollspan.guarded import guarded, log, safely
from tollspan.memory import Memory
from tollspan.partial_success import rejected_spans
from tollspan.record import Record
from tollspan.segment import Batch
from tollspan.spool import Spool
from tollspan.suppression import quiet
from tollspan.transport import Post

MAX_IN_MEMORY = 50_000  # about 50 MB, where the spool cannot be written; beyond it records are dropped and counted
MAX_BATCH = 512
GATHER_SECONDS = 1.0
SYNC_SECONDS = 1.0  # of records in the page cache: what a power cut may take
SWEEP_SECONDS = 60.0  # between two looks for files of processes that have ended
JOIN_SECONDS = 0.5  # for a thread that has nothing left to do
FIRST_BACKOFF_SECONDS, MAX_BACKOFF_SECONDS = 0.5, 30.0
LOUD_TRIES = 4  # a restart of the endpoint passes in silence; then the 4th, 8th, 16th ... try is a warning
# Answers that repeating the same bytes cannot change; everything else is tried again.
REFUSALS = frozenset({400, 413, 415, 422})
OK_CLASS = 2


@dataclass(frozen=True, slots=True)
class Stats:
    """What became of this process's records; ``dropped`` ones are gaps in its sequence.

    ``queued`` ones wait, in the spool or in memory. ``adopted`` ones were left behind by other processes and are not
    counted elsewhere; ``damaged`` counts the places in files that could not be read. ``problem`` tells why records
    cannot be written to a file now, and is empty when they can. ``process_id`` is how ``tollspan audit --sender`` knows
    this process.
    """

    recorded: int = 0
    exported: int = 0
    refused: int = 0
    dropped: int = 0
    queued: int = 0
    failed_posts: int = 0
    adopted: int = 0
    damaged: int = 0
    problem: str = ""
    process_id: str = ""


_COUNTED = ("recorded", "exported", "refused", "dropped", "failed_posts", "adopted", "damaged")


class Sender:
    """The spool, the memory beside it, and the thread that empties both; the thread starts with the first record."""

    def __init__(self, post: Post, resource: Mapping[str, str], spool: Spool | None = None) -> None:
        self._post = post
        about = encoded_resource(resource)
        self._spool = spool or Spool((), about)
        self._memory = Memory(about, MAX_IN_MEMORY)
        self._lock = threading.RLock()
        self._changed = threading.Condition(self._lock)
        self._flushing = self._asked = 0
        self._drained = self._swept = 0
        self._next_sweep = self._next_sync = 0.0
        self._adopting = False
        self._closed = False
        self._thread: threading.Thread | None = None
        self._counts = dict.fromkeys(_COUNTED, 0)

    def start(self) -> None:
        """Begin to send what an earlier process left behind, if there is anything."""
        if self._spool.waiting_files():
            with self._changed:
                self._start()

    def put(self, record: Record) -> None:
        """Keep a record: in the spool, else in memory; where neither has room it is dropped, counted and logged."""
        frame = encoded(record)
        spooled = safely(self._spool.append, framed(frame))
        kept = spooled or (not self._closed and self._memory.append(frame))
        with self._lock:  # the one of the condition, which enters more slowly
            self._counts["recorded"] += 1
            if not kept:
                self._drop()
            if self._closed:
                if self._thread is None or not self._thread.is_alive():
                    safely(self._spool.close)
                return
            if self._outstanding() in (1, MAX_BATCH):
                self._changed.notify_all()
            if self._thread is None:
                self._start()

    def flush(self, timeout_seconds: float) -> bool:
        """Send what waits now, also what ended processes left behind; True when nothing waits any more."""
        with self._changed:
            if self._thread is None and not self._spool.waiting_files():
                return not self._outstanding()
            self._start()
            self._flushing += 1
            self._asked += 1
            recorded, asked = self._counts["recorded"], self._asked
            self._changed.notify_all()
            done = self._changed.wait_for(
                lambda: self._drained >= recorded and self._swept >= asked,
                timeout_seconds,
            )
            self._flushing -= 1
            return done

    def close(self, timeout_seconds: float) -> None:
        """Flush, then end the thread; what could not be sent stays in the spool, or is dropped and counted. Once."""
        if self._closed:
            return
        self.flush(timeout_seconds)
        with self._changed:
            self._closed = True
            self._count(dropped=self._memory.clear())
            self._changed.notify_all()
            thread = self._thread
        if thread is None:
            self._spool.close()
        elif thread is not threading.current_thread():
            thread.join(JOIN_SECONDS)

    def forget(self) -> None:
        """Let go of the files in a forked child; they stay the parent's."""
        self._spool.forget()

    def stats(self, process_id: str = "") -> Stats:
        """Return the counters now; the process is named by whoever knows it."""
        with self._changed:
            return Stats(queued=self._outstanding(), problem=self._spool.problem, process_id=process_id, **self._counts)

    def _start(self) -> None:
        if not self._closed and (self._thread is None or not self._thread.is_alive()):
            self._thread = threading.Thread(target=guarded(self._run), name="tollspan-sender", daemon=True)
            self._thread.start()

    def _drop(self) -> None:
        self._count(dropped=1)
        dropped = self._counts["dropped"]
        if dropped & (dropped - 1) == 0:
            log.error("tollspan: %d records dropped (%s): is the endpoint up?", dropped, self._spool.problem)

    def _outstanding(self) -> int:
        counts = self._counts
        return counts["recorded"] - counts["exported"] - counts["refused"] - counts["dropped"]

    def _count(self, **more: int) -> None:
        for name, number in more.items():
            self._counts[name] += number

    def _run(self) -> None:
        while self._gathered():
            if not self._step():
                with self._changed:
                    self._changed.wait_for(lambda: self._closed, FIRST_BACKOFF_SECONDS)
        safely(self._spool.close)

    def _gathered(self) -> bool:
        """Wait until there is something worth sending; False at the end."""
        with self._changed:
            if not self._adopting:
                self._changed.wait_for(
                    lambda: self._outstanding() or self._asked > self._swept or self._closed,
                    max(self._next_sweep - monotonic(), 0),
                )
                if self._outstanding():
                    self._changed.wait_for(
                        lambda: self._outstanding() >= MAX_BATCH or self._flushing or self._closed,
                        GATHER_SECONDS,
                    )
            return not self._closed

    @guarded
    def _step(self) -> bool:
        """Adopt when that is due, and deliver one batch; always True."""
        asked, recorded = self._asked, self._counts["recorded"]
        if asked > self._swept or monotonic() >= self._next_sweep:
            self._adopting = self._spool.adopt()
            self._next_sweep = monotonic() + SWEEP_SECONDS
        batch = self._memory.read(MAX_BATCH) or self._spool.read(MAX_BATCH)
        if batch is not None:
            self._deliver(batch)
            return True
        self._adopting = self._adopting and self._spool.adopt()
        with self._changed:
            self._drained = recorded
            if not self._adopting:
                self._swept = asked
            self._changed.notify_all()
        return True

    def _deliver(self, batch: Batch) -> None:
        """Send a batch, however long it takes; at the end of the sender it is left where it is."""
        refused = self._send(batch) if batch.frames else 0
        if refused is None:
            return
        records = 0 if batch.ended else len(batch.frames)
        arrived = max(records - refused, 0)
        in_memory = isinstance(batch.source, Memory)
        if not in_memory:
            batch.source.acknowledge(batch.end)  # writes to the disk: calls do not wait for that
        with self._changed:
            if in_memory and not self._closed:
                batch.source.acknowledge(batch.end)
            counted = {"exported": arrived} if batch.own else {"adopted": arrived}
            self._count(refused=refused if batch.own else 0, damaged=batch.damaged, **counted)
            self._changed.notify_all()

    def _send(self, batch: Batch) -> int | None:
        """Return how many were refused for good; ``None`` when the sender ended first."""
        body, size = request(batch.resource, batch.frames), len(batch.frames)
        backoff, tries = FIRST_BACKOFF_SECONDS, 0
        asked = self._asked
        self._sync()
        while (refused := self._try(body, size, tries := tries + 1)) is None:
            with self._changed:
                self._count(failed_posts=1)
                self._changed.wait_for(lambda: self._closed or self._asked > asked, backoff)  # noqa: B023 - waits here
                if self._closed:
                    return None
                asked = self._asked
            self._sync()
            backoff = min(backoff * 2, MAX_BACKOFF_SECONDS)
        return refused

    @guarded
    def _sync(self) -> None:
        if monotonic() >= self._next_sync:
            self._next_sync = monotonic() + SYNC_SECONDS
            self._spool.sync()

    def _try(self, body: bytes, size: int, tries: int) -> int | None:
        level = logging.WARNING if tries >= LOUD_TRIES and tries & (tries - 1) == 0 else logging.DEBUG
        try:
            with quiet():
                status, answer = self._post(body)
        except OSError as error:
            log.log(level, "tollspan: try %d: endpoint not reached (%s); records wait", tries, error)
            return None
        if status // 100 == OK_CLASS:
            return min(size, _rejected(answer) or 0)
        if status in REFUSALS:
            log.error("tollspan: the endpoint refused %d records with HTTP %d", size, status)
            return size
        log.log(level, "tollspan: try %d: the endpoint answered HTTP %d; records wait", tries, status)
        return None


@guarded
def _rejected(answer: bytes) -> int:
    rejected = rejected_spans(answer)
    if rejected:
        log.error("tollspan: the endpoint rejected %d records", rejected)
    return rejected
