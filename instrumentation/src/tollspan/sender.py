"""Sends records to an OTLP/HTTP endpoint from a thread of its own, for as long as the process lives."""

from __future__ import annotations

import gzip
import http.client
import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from tollspan.export import spans
from tollspan.guarded import guarded, log
from tollspan.record import Record

MAX_QUEUED = 50_000  # about 50 MB; beyond it new records are dropped and counted
MAX_BATCH = 512
GATHER_SECONDS = 1.0
FIRST_BACKOFF_SECONDS, MAX_BACKOFF_SECONDS = 0.5, 30.0
POST_TIMEOUT_SECONDS = 10.0
# Answers that repeating the same bytes cannot change; everything else is tried again.
REFUSALS = frozenset({400, 413, 415, 422})
OK_CLASS = 2


@dataclass(frozen=True, slots=True)
class Stats:
    """What became of this process's records; ``dropped`` ones are gaps in its sequence."""

    recorded: int = 0
    exported: int = 0
    refused: int = 0
    dropped: int = 0
    queued: int = 0
    failed_posts: int = 0


Post = Callable[[bytes], "tuple[int, bytes]"]


def http_post(url: str, headers: Mapping[str, str]) -> Post:
    """Make a function that posts an OTLP request (gzip) and returns status and body; it may raise ``OSError``.

    The standard library's client is used because no instrumentation patches it.
    """
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    fixed = {"Content-Type": "application/x-protobuf", "Content-Encoding": "gzip", **headers}
    target = parts.path + (f"?{parts.query}" if parts.query else "")

    def post(body: bytes) -> tuple[int, bytes]:
        connection = kind(parts.hostname or "", parts.port, timeout=POST_TIMEOUT_SECONDS)
        try:
            connection.request("POST", target, gzip.compress(body, 1), fixed)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    return post


class Sender:
    """A bounded queue and the thread that empties it; the thread starts with the first record."""

    def __init__(self, post: Post, resource: Mapping[str, str]) -> None:
        self._post = post
        self._resource = resource
        self._queue: deque[Record] = deque()
        self._in_flight = 0
        self._changed = threading.Condition()
        self._flushing = 0
        self._closed = False
        self._thread: threading.Thread | None = None
        self._stats = Stats()

    def put(self, record: Record) -> None:
        """Take a record; past the cap, or after the end, it is dropped and counted; the first time is logged."""
        with self._changed:
            full = len(self._queue) + self._in_flight >= MAX_QUEUED
            if full or self._closed:
                self._count(recorded=1, dropped=1)
                if full and self._stats.dropped == 1:
                    log.error("tollspan: %d records wait, the newest are dropped: is the endpoint up?", MAX_QUEUED)
                return
            self._queue.append(record)
            self._count(recorded=1)
            self._changed.notify_all()
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="tollspan-sender", daemon=True)
                self._thread.start()

    def flush(self, timeout_seconds: float) -> bool:
        """Send what waits now; True when nothing waits any more."""
        with self._changed:
            self._flushing += 1
            self._changed.notify_all()
            done = self._changed.wait_for(lambda: not self._queue and not self._in_flight, timeout_seconds)
            self._flushing -= 1
            return done

    def close(self, timeout_seconds: float) -> None:
        """Flush, then end the thread; what could not be sent is dropped and counted."""
        self.flush(timeout_seconds)
        with self._changed:
            self._closed = True
            self._count(dropped=len(self._queue))
            self._queue.clear()
            self._changed.notify_all()

    def stats(self) -> Stats:
        """Return the counters now."""
        with self._changed:
            return replace(self._stats, queued=len(self._queue) + self._in_flight)

    def _count(self, **more: int) -> None:
        self._stats = replace(self._stats, **{name: getattr(self._stats, name) + n for name, n in more.items()})

    def _run(self) -> None:
        while batch := self._take():
            refused = self._send(batch)
            lost = len(batch) if refused is None else refused
            with self._changed:
                self._in_flight = 0
                self._count(exported=len(batch) - lost, refused=lost)
                self._changed.notify_all()

    def _take(self) -> list[Record]:
        with self._changed:
            self._changed.wait_for(lambda: self._queue or self._closed)
            self._changed.wait_for(
                lambda: len(self._queue) >= MAX_BATCH or self._flushing or self._closed,
                GATHER_SECONDS,
            )
            batch = [self._queue.popleft() for _ in range(min(MAX_BATCH, len(self._queue)))]
            self._in_flight = len(batch)
            return batch

    @guarded
    def _send(self, batch: list[Record]) -> int:
        """Send a batch, however long it takes; return how many of it were refused for good."""
        body, size = spans(batch, self._resource), len(batch)
        backoff = FIRST_BACKOFF_SECONDS
        while (refused := self._try(body, size)) is None:
            with self._changed:
                self._count(failed_posts=1)
                if self._closed:
                    return size
                self._changed.wait(backoff)
            backoff = min(backoff * 2, MAX_BACKOFF_SECONDS)
        return refused

    def _try(self, body: bytes, size: int) -> int | None:
        try:
            status, answer = self._post(body)
        except (OSError, http.client.HTTPException) as error:
            log.debug("tollspan: endpoint not reached (%s); trying again", error)
            return None
        if status // 100 == OK_CLASS:
            return min(size, _rejected(answer) or 0)
        if status in REFUSALS:
            log.error("tollspan: the endpoint refused %d records with HTTP %d", size, status)
            return size
        log.debug("tollspan: the endpoint answered HTTP %d; trying again", status)
        return None


@guarded
def _rejected(answer: bytes) -> int:
    rejected = ExportTraceServiceResponse.FromString(answer).partial_success.rejected_spans
    if rejected:
        log.error("tollspan: the endpoint rejected %d records", rejected)
    return rejected
