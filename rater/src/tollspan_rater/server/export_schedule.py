"""Exports by schedule: each has a thread of its own beside ingest, which never waits for it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from tollspan_rater.config.model import Export as Configured
from tollspan_rater.errors import TollspanError
from tollspan_rater.server import exporting

if TYPE_CHECKING:
    from tollspan_rater.server.rater import Rater

ACTOR: Final = "serve"
SECOND: Final = 1_000_000_000
MINUTE_NS: Final = 60 * SECOND
PAUSE_S: Final = 5.0  # at least, between two runs of one export
AGAIN_S: Final = 30.0  # after which what the target did not take is looked at again

log = logging.getLogger("tollspan")


class ExportSchedule:
    """Plans and runs one export every so many minutes, and runs it between for what became due."""

    def __init__(self, rater: Rater, name: str, settings: Configured) -> None:
        self._rater, self._name = rater, name
        self._tenant = rater.config.tenant_of(settings)
        self._every_ns = settings.schedule * MINUTE_NS
        self._plan_ns = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"tollspan-export-{name}", daemon=True)

    def start(self) -> None:
        """Begin to hand over."""
        self._thread.start()

    def stop(self) -> None:
        """End after the request at hand; what is left goes out after the next start."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def step(self) -> float:
        """Plan when it is time to, send what is due, and return for how many seconds nothing is to do."""
        now_ns = self._rater.clock.now_ns()
        body = {"export": self._name}
        if now_ns >= self._plan_ns:
            exporting.plan(self._rater, body, self._tenant, ACTOR, explain=False)
            self._plan_ns = now_ns + self._every_ns
        said = exporting.run(self._rater, body, self._tenant, ACTOR, self._stop.is_set, self._stop.wait).body
        why = said["halted"] or said["why"]
        if why not in {"", exporting.PAUSED} and not self._stop.is_set():
            log.warning("export %s: %s; the next run follows", self._name, why)
        now_ns = self._rater.clock.now_ns()
        left = said["items"]["waiting"] + said["items"]["sent"]
        again_ns = now_ns + int(AGAIN_S * SECOND) if left else self._plan_ns
        due_ns = min(self._plan_ns, said["next_ns"] or again_ns)
        return max(PAUSE_S, (due_ns - now_ns) / SECOND)

    def _run(self) -> None:
        while not self._stop.is_set():
            pause_s = 60.0
            try:
                pause_s = self.step()
            except TollspanError as error:
                log.warning("export %s: %s The next try follows.", self._name, error)
            except Exception:  # one export must not end the others, nor the server; the log says what it was
                log.exception("export %s failed; the next try follows", self._name)
            self._stop.wait(pause_s)


@contextmanager
def export_schedules(rater: Rater) -> Iterator[None]:
    """Hand over inside the ``with`` what the configuration has a schedule for."""
    made = [ExportSchedule(rater, name, one) for name, one in rater.config.exports.items() if one.schedule]
    for schedule in made:
        schedule.start()
    try:
        yield
    finally:
        for schedule in made:
            schedule.stop()
