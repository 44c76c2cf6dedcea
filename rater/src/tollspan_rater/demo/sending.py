"""Sending records as real senders do: in requests, again until acknowledged; here also twice and out of order."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.client import HTTPException
from time import monotonic, sleep
from typing import Final

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from tollspan.export import spans
from tollspan.record import CallRecord
from tollspan.transport import Post
from tollspan_rater.demo.records import RESOURCE
from tollspan_rater.errors import DemoError

LEAST_SPANS, MOST_SPANS = 200, 500  # of a request
TWICE_SHARE: Final = 0.03  # of the requests, that are sent a second time
AGAIN_SHARE: Final = 0.01  # of the spans, that come again within another request
DISORDER: Final = 5  # places that a request may move
OK: Final = 200
RETRY_S: Final = 0.2
PATIENCE_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class Request:
    """One OTLP request of a sender: the records it carries, of which ``copies`` were planned in another one too."""

    records: tuple[CallRecord, ...]
    copies: int = 0


def requests(records: Sequence[CallRecord], rng: random.Random) -> list[Request]:
    """Cut one sender's records into requests, with copies and out of order on purpose.

    Every record is in one request at least; whatever comes beyond that is counted in ``copies``. At least one
    request is sent twice and at least one span again, so that even a small demo shows both.
    """
    made: list[Request] = []
    place = 0
    while place < len(records):
        size = rng.randint(LEAST_SPANS, MOST_SPANS)
        again = tuple(rng.choices(records[:place], k=max(1, round(size * AGAIN_SHARE)))) if place else records[:1]
        made.append(Request((*records[place : place + size], *again), len(again)))
        place += size
    twice = [Request(one.records, len(one.records)) for one in made if rng.random() < TWICE_SHARE]
    if made and not twice:
        twice = [Request(made[-1].records, len(made[-1].records))]
    return [one for _, one in sorted(_moved(made + twice, rng), key=lambda moved: moved[0])]


def _moved(made: Sequence[Request], rng: random.Random) -> list[tuple[float, Request]]:
    return [(place + rng.random() * DISORDER, one) for place, one in enumerate(made)]


@dataclass(frozen=True, slots=True)
class Sent:
    """What the senders' own log says, in spans unless it says otherwise.

    ``unsure`` are the sizes of attempts that reached a server and got no answer: the server may have kept them.
    """

    requests: int = 0
    acknowledged: int = 0
    copies: int = 0
    retries: int = 0
    unsure: tuple[int, ...] = ()

    @property
    def distinct(self) -> int:
        """Spans without their planned copies."""
        return self.acknowledged - self.copies


@dataclass(slots=True)
class Log:
    """The senders' log, shared by their threads: an entry is written after the acknowledgement has come."""

    watch: Callable[[int], None] = lambda _acknowledged: None
    _counts: Counter[str] = field(default_factory=Counter)
    _unsure: list[int] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def acknowledged(self, request: Request) -> None:
        """Note that a request is the server's now."""
        with self._lock:
            self._counts.update(requests=1, acknowledged=len(request.records), copies=request.copies)
            so_far = self._counts["acknowledged"]
        self.watch(so_far)

    def failed(self, request: Request, *, reached: bool) -> None:
        """Note an attempt without acknowledgement."""
        with self._lock:
            self._counts.update(retries=1)
            if reached:
                self._unsure.append(len(request.records))

    def total(self) -> Sent:
        """Return the counts so far."""
        with self._lock:
            known = self._counts
            return Sent(
                requests=known["requests"],
                acknowledged=known["acknowledged"],
                copies=known["copies"],
                retries=known["retries"],
                unsure=tuple(self._unsure),
            )


class Courier:
    """Delivers the requests of several senders at once, each in its own thread and order.

    ``post`` sends the bytes of a request and returns status and body; it raises ``ConnectionRefusedError`` when
    nobody listens and another ``OSError`` when the answer did not come. ``pause`` waits between two attempts.
    """

    def __init__(self, post: Post, log: Log, pause: Callable[[float], object] = sleep) -> None:
        self._post, self._log, self._pause = post, log, pause

    def deliver(self, senders: Sequence[Sequence[Request]]) -> None:
        """Send everything; return when all of it is acknowledged.

        Raises:
            DemoError: the server refused a request, or did not take one within a minute.
        """
        with ThreadPoolExecutor(max_workers=max(1, len(senders)), thread_name_prefix="sender") as threads:
            for done in [threads.submit(self._all, queue) for queue in senders]:
                done.result()

    def _all(self, queue: Sequence[Request]) -> None:
        for request in queue:
            self._until_acknowledged(request, spans(request.records, RESOURCE))

    def _until_acknowledged(self, request: Request, body: bytes) -> None:
        until = monotonic() + PATIENCE_S
        while not self._acknowledged(request, body):
            if monotonic() > until:
                raise DemoError(f"a request was not acknowledged within {PATIENCE_S:.0f} s; the server's log tells why")
            self._pause(RETRY_S)

    def _acknowledged(self, request: Request, body: bytes) -> bool:
        try:
            status, answer = self._post(body)
        except ConnectionRefusedError:
            self._log.failed(request, reached=False)
            return False
        except (OSError, HTTPException):
            self._log.failed(request, reached=True)
            return False
        if status != OK:
            self._log.failed(request, reached=False)
            return False
        rejected = ExportTraceServiceResponse.FromString(answer).partial_success.rejected_spans
        if rejected:
            raise DemoError(f"the server rejected {rejected} spans. Look into its log.")
        self._log.acknowledged(request)
        return True
