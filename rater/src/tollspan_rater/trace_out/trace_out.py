"""Looks, sends, and rests: money spans go out beside ingest, which never waits for them."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from time import monotonic
from typing import Final

from tollspan_rater.domain.clock import Clock
from tollspan_rater.errors import TollspanError
from tollspan_rater.query.scope import Scope
from tollspan_rater.trace_out.money_span import request
from tollspan_rater.trace_out.outbox import Outbox
from tollspan_rater.trace_out.target import NotNow, Target
from tollspan_rater.trace_out.teller import Bounds, Looked, look

REQUEST_SPANS: Final = 1_000  # about 500 kB, an eighth of what a gRPC server takes by default
PAUSE_S: Final = 1.0
MOST_PAUSE_S: Final = 60.0

log = logging.getLogger("tollspan")


@dataclass(frozen=True, slots=True)
class Figures:
    """Counts since the start, in spans unless they say otherwise, and how many spans wait now.

    ``calls`` and ``adjustments`` were queued, ``sent`` taken by the endpoint, ``refused`` by it for good, ``dropped``
    because too many waited. ``sampled_out`` are calls without a trace to show. ``failures`` are requests sent in vain.
    """

    calls: int = 0
    adjustments: int = 0
    sampled_out: int = 0
    sent: int = 0
    refused: int = 0
    dropped: int = 0
    failures: int = 0
    waiting: int = 0


class TraceOut:
    """Tells traces what their calls cost; one thread runs it, any may read :attr:`figures`.

    ``scope`` gives one committed state of the tenant whose calls are told.
    """

    def __init__(
        self,
        scope: Callable[[], AbstractContextManager[Scope]],
        outbox: Outbox,
        target: Target,
        clock: Clock,
        bounds: Bounds,
    ) -> None:
        self._scope, self._outbox, self._target = scope, outbox, target
        self._clock, self._bounds = clock, bounds
        self._pause_s, self._more = PAUSE_S, False
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="tollspan-trace-out", daemon=True)
        self.figures = Figures(waiting=outbox.count_waiting())
        with scope() as now:
            outbox.progress(now.accounts.tenant, now.as_of)  # what is known already was there before us

    def start(self) -> None:
        """Begin to tell."""
        self._thread.start()

    def stop(self) -> None:
        """End after the look or request at hand; what waits is sent after the next start."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()
        self._target.close()
        self._outbox.close()

    def step(self) -> bool:
        """Look once and send what waits; tell whether the endpoint took it all."""
        self._more = self._look().more
        return self._send()

    def _run(self) -> None:
        while not self._stop.is_set():
            begun = monotonic()
            try:
                delivered = self.step()
            except TollspanError as error:
                log.warning("money spans: %s; the next try follows", error)
                delivered = False
            except Exception:  # the bill is made elsewhere; what cannot be shown now may be later
                log.exception("money spans failed; the next try follows")
                delivered = False
            self._pause_s = PAUSE_S if delivered else min(2 * self._pause_s, MOST_PAUSE_S)
            pause_s = 0 if delivered and self._more else self._pause_s
            self._stop.wait(max(pause_s, monotonic() - begun))  # at most half of the time is spent on this

    def _look(self) -> Looked:
        with self._scope() as scope:
            looked = look(scope, self._outbox, self._clock.now_ns(), self._bounds)
        was = self.figures
        self.figures = replace(
            was,
            calls=was.calls + looked.calls,
            adjustments=was.adjustments + looked.adjustments,
            sampled_out=was.sampled_out + looked.sampled_out,
            dropped=was.dropped + looked.dropped,
            waiting=self._outbox.count_waiting(),
        )
        if looked.dropped:
            log.warning("money spans: %s dropped, the endpoint takes too few", looked.dropped)
        return looked

    def _send(self) -> bool:
        while not self._stop.is_set() and (waiting := self._outbox.waiting(REQUEST_SPANS)):
            answer = self._target.send(request(span for _, span in waiting), len(waiting))
            was = self.figures
            if isinstance(answer, NotNow):
                log.warning("money spans: the endpoint did not take them (%s); they are sent again", answer.why)
                self.figures = replace(was, failures=was.failures + 1)
                return False
            self._outbox.sent(waiting[-1][0])
            if answer.refused:
                log.warning("money spans: the endpoint refused %s (%s)", answer.refused, answer.why)
            taken = len(waiting) - answer.refused
            self.figures = replace(
                was, sent=was.sent + taken, refused=was.refused + answer.refused, waiting=self._outbox.count_waiting()
            )
        return True
