"""Paired, interleaved measurements: the same work without and with something, off, on, on, off.

The CPU time of the calling thread is counted, which other processes and threads do not use up. A difference is taken
within four neighbouring batches, where a drift of the machine's speed cancels out; the median is taken over the rounds,
in each of which everything has its turn.
"""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

Task = Callable[[], object]


@dataclass(frozen=True, slots=True)
class Pair:
    """Work and what may be added to it.

    ``calls`` of ``off`` and of ``on`` make a batch; ``put_in`` stands before each batch of ``on`` and ``take_out``
    behind it, both outside the measurement.
    """

    name: str
    off: Task
    on: Task
    calls: int
    put_in: Task = lambda: None
    take_out: Task = lambda: None


@dataclass(frozen=True, slots=True)
class Added:
    """Microseconds of CPU a call: what it costs bare, and what is added: median and quartiles over the rounds."""

    name: str
    bare: float
    added: float
    low: float
    high: float


def measured(pairs: Sequence[Pair], rounds: int) -> dict[str, Added]:
    """Measure all pairs, a round of each in turn; the first of several is not counted."""
    taken: dict[str, list[tuple[float, float]]] = {pair.name: [] for pair in pairs}
    for number in range(rounds):
        for pair in pairs:
            found = _round(pair)
            if number or rounds == 1:
                taken[pair.name].append(found)
    return {name: _summary(name, found) for name, found in taken.items()}


def _round(pair: Pair) -> tuple[float, float]:
    """Return microseconds a call: bare, and added."""
    first, second = _batch(pair.off, pair.calls), _with(pair)
    third, fourth = _with(pair), _batch(pair.off, pair.calls)
    return (first + fourth) / 2, (second + third - first - fourth) / 2


def _with(pair: Pair) -> float:
    pair.put_in()
    try:
        return _batch(pair.on, pair.calls)
    finally:
        pair.take_out()


def _batch(task: Task, calls: int) -> float:
    gc.collect()
    before = time.thread_time_ns()
    for _ in range(calls):
        task()
    return (time.thread_time_ns() - before) / calls / 1_000


def _summary(name: str, taken: Sequence[tuple[float, float]]) -> Added:
    added = [one for _, one in taken]
    low, _, high = statistics.quantiles(added, n=4) if len(added) > 1 else added * 3
    return Added(name, statistics.median(bare for bare, _ in taken), statistics.median(added), low, high)
