"""Crashes in chosen windows and at random moments, under load, each followed by a start on the same folder."""

from __future__ import annotations

import signal
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from tests.crash.process import PRODUCT, RaterProcess
from tests.crash.traffic import Sender
from tests.crash.verdict import Verdict, judge

HITS = (1, 2, 3, 5, 8)
ENTRY = ("-m", "tests.crash.serve")
REACHED_S = 60.0
LEAP_DAYS = 40  # between two starts, so that the second begins on a day of its own


@dataclass(frozen=True, slots=True)
class Window:
    """A place to die: the failpoint's name, and how to come there."""

    name: str
    entry: Sequence[str] = PRODUCT
    arguments: Sequence[str] = ()


WINDOWS = (
    Window("before_fsync"),
    Window("after_fsync"),
    Window("before_ok"),
    Window("before_commit"),
    Window("after_commit"),
    Window("journal_day_change", ENTRY, ("--day-s", "0.5")),
    Window("snapshot", ENTRY, ("--care", "snapshot", "--day-s", "1")),
    Window("checkpoint", ENTRY, ("--care", "checkpoint")),
)


@dataclass(slots=True)
class Result:
    """What came of one window, or of all random kills."""

    name: str
    kills: int = 0
    ready_s: list[float] = field(default_factory=list)
    verdict: Verdict | None = None

    def row(self) -> tuple[str, ...]:
        """Return the cells of the report."""
        found = self.verdict
        if found is None:
            raise RuntimeError("the run has not ended")
        ready = f"{statistics.median(self.ready_s):.1f}/{max(self.ready_s):.1f}" if self.ready_s else "-"
        counts = (self.kills, found.acknowledged, found.duplicates, found.lost, found.double)
        return (self.name, *map(str, counts), ready, "yes" if found.holds else "NO")


HEADER = ("window", "kills", "acknowledged", "duplicates", "lost", "double", "ready s median/max", "holds")


def crash_in(steps: Sequence[tuple[Window, int]], folder: Path, seed: int, name: str) -> Result:
    """Kill a rater under load at chosen hits of windows, start it again after each, and judge the end."""
    result = Result(name)
    rater = RaterProcess(folder)
    sender = Sender(rater.grpc, seed)
    sender.start()
    try:
        for run, (window, hit) in enumerate(steps):
            days = ("--days", str(LEAP_DAYS * run)) if window.entry is ENTRY else ()
            failpoint = {"TOLLSPAN_FAILPOINT": f"{window.name}:{hit}"}
            rater.start(*window.arguments, *days, entry=window.entry, environment=failpoint)
            _note(result, rater.wait_ready())
            code = rater.wait_dead(REACHED_S)
            if code != -signal.SIGKILL:
                raise AssertionError(f"hit {hit} of {window.name} was not reached (exit {code}):\n{rater.log[-3000:]}")
            result.kills += 1
        _end(rater, sender, result)
    finally:
        _clean(rater, sender)
    return result


def crash_at_random(kills: int, folder: Path, seed: int, longest_s: float = 2.0) -> Result:
    """Kill a rater under load at random moments, also while it still starts, and judge the end."""
    random = Random(seed)
    result = Result("random moment")
    rater = RaterProcess(folder)
    sender = Sender(rater.grpc, seed)
    sender.start()
    try:
        for _ in range(kills):
            rater.start()
            if random.random() < 0.8:
                _note(result, rater.wait_ready())
            time.sleep(random.uniform(0, longest_s))
            rater.kill()
            result.kills += 1
        _end(rater, sender, result)
    finally:
        _clean(rater, sender)
    return result


def _note(result: Result, ready_s: float | None) -> None:
    if ready_s is not None:
        result.ready_s.append(ready_s)


def _end(rater: RaterProcess, sender: Sender, result: Result) -> None:
    """Start once more undisturbed, let the sender end, stop, and judge."""
    rater.start()
    _note(result, rater.wait_ready())
    log = sender.stop()
    code = rater.stop()
    result.verdict = judge(rater.folder, log)
    if code:
        raise AssertionError(f"the last stop exits {code}:\n{rater.log[-3000:]}")


def _clean(rater: RaterProcess, sender: Sender) -> None:
    """Leave nothing running: without a rater the sender would repeat for ever."""
    sender.give_up()
    rater.kill()
