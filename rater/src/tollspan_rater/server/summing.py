"""Kept sums of a serving rater: new legs are added up in a thread of its own, once they are worth it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import duckdb

from tollspan_rater.errors import StoreDeadError

if TYPE_CHECKING:
    from tollspan_rater.server.rater import Rater

PAUSE_S: Final = 1.0
HURRY_S: Final = 0.1

log = logging.getLogger("tollspan")


@contextmanager
def kept_sums(rater: Rater) -> Iterator[None]:
    """Keep sums up to date inside the ``with``; a failure leaves them behind, which costs questions time alone."""
    stop = threading.Event()
    thread = threading.Thread(target=_run, args=(rater, stop), name="tollspan-sums", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        while thread.is_alive():  # a step of millions of calls would hold the end up
            rater.day_sums.interrupt()
            thread.join(HURRY_S)


def _run(rater: Rater, stop: threading.Event) -> None:
    failed = False
    while not stop.wait(PAUSE_S):
        try:
            rater.day_sums.step()
            failed = False
        except (duckdb.Error, StoreDeadError, OSError) as error:
            if not failed and not stop.is_set():  # the store may be dead for a while: said once
                log.warning("sums of days are not kept now, questions read single calls: %s", error)
            failed = True
