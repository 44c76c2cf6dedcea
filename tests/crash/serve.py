"""``tollspan serve`` with a clock that leaps over days and with care taken all the time; the entry of crash tests."""

from __future__ import annotations

import argparse
import os
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from tollspan_rater.config.sources import resolve
from tollspan_rater.errors import StoreDeadError
from tollspan_rater.ingest import journal_day
from tollspan_rater.server.care import take_snapshot
from tollspan_rater.server.rater import Rater
from tollspan_rater.server.serving import serve_until, stopped_by_signals
from tollspan_rater.store.folder import Folder

DAY_NS = 86_400 * 10**9
PAUSE_S = 0.2


class LeapingClock:
    """The machine's clock, ``days`` ahead, and one more day ahead after every ``day_s`` seconds (0: never)."""

    def __init__(self, days: int, day_s: float) -> None:
        self._days, self._day_s, self._started = days, day_s, time.monotonic()

    def now_ns(self) -> int:
        """Return nanoseconds since the epoch."""
        leaps = int((time.monotonic() - self._started) / self._day_s) if self._day_s else 0
        return time.time_ns() + (self._days + leaps) * DAY_NS


def checkpoint(rater: Rater) -> None:
    """Write the store's log into its main file, as DuckDB does it by itself from time to time."""
    with rater.writer.paused():
        rater.database.checkpoint()


CARE: Mapping[str, Callable[[Rater], object]] = {
    "none": lambda _rater: None,
    "snapshot": lambda rater: take_snapshot(rater, {}, "default", "crash test"),
    "checkpoint": checkpoint,
}


def main() -> None:
    """Serve until SIGTERM."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, required=True)
    for name in ("grpc", "http", "api"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--days", type=int, default=0)
    parser.add_argument("--day-s", type=float, default=0.0)
    parser.add_argument("--care", choices=CARE, default="none")
    parser.add_argument("--synchronous", default=journal_day.SYNCHRONOUS, help="of the journal; a lower one breaks it")
    said = parser.parse_args()
    flags = {"data": str(said.data), **{f"listen.{name}": getattr(said, name) for name in ("grpc", "http", "api")}}
    journal_day.SYNCHRONOUS = said.synchronous
    folder = Folder(said.data)
    folder.create()
    with stopped_by_signals() as stop, folder.lock("crash test"):
        rater = Rater(folder, resolve(flags, os.environ, Path.cwd()), LeapingClock(said.days, said.day_s))
        rater.start()
        carer = threading.Thread(target=_care, args=(rater, CARE[said.care], stop))
        carer.start()
        serve_until(rater, stop)
        carer.join()
        rater.close()


def _care(rater: Rater, act: Callable[[Rater], object], stop: threading.Event) -> None:
    while not stop.wait(PAUSE_S):
        with suppress(StoreDeadError):  # the writer brings it back
            act(rater)


if __name__ == "__main__":
    main()
