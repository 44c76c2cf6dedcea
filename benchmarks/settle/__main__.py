"""``python -m benchmarks.settle``: extraction and settlement beside plain storing, in one run on one thread."""

from __future__ import annotations

import argparse
import gc
import os
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from benchmarks.ingest.spans import Load
from benchmarks.settle.mix import WorstMix
from benchmarks.settle.plain import store_plainly
from benchmarks.settle.whole import Spent, store_whole
from tollspan_rater.domain.entries import Batch

FULL, QUICK = 40_960, 10_240
PER_REQUEST: Final = 512
ROUNDS: Final = 3
UNDERSTANDING: Final = ("extract", "evidence", "settle")


def main() -> None:
    """Measure and print; nothing is asserted."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.settle", description=__doc__)
    parser.add_argument("--quick", action="store_true", help=f"{QUICK:,} spans instead of {FULL:,}")
    spans = QUICK if parser.parse_args().quick else FULL
    first_ns = time.time_ns() - 1_800 * 1_000_000_000
    print(f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {os.cpu_count()} CPUs, load average {os.getloadavg()[0]:.1f}; "
          f"{PER_REQUEST} spans a request, CPU µs a span, the median of {ROUNDS} rounds\n")  # fmt: skip
    print("| spans | plain storing | extraction + settlement | to plain | the whole way | to plain |")
    print("|---|---:|---:|---:|---:|---:|")
    last = {}
    for name, requests in (
        (f"{spans:,} of our own, each alone", Load(spans, PER_REQUEST, 1, first_ns).requests()),
        (f"{spans:,} of the worst mix", WorstMix(spans, PER_REQUEST, 1, first_ns).requests()),
    ):
        batches = [Batch(at, first_ns, "bench", "bench", "otlp-proto", body) for at, body in enumerate(requests, 1)]
        rounds = [_round(batches) for _ in range(ROUNDS)]
        print(f"| {name} | {' | '.join(_cells(rounds, spans))} |", flush=True)
        last[name] = rounds[-1][1]
    for name, spent in last.items():
        _print_stages(name, spent, spans)


def _round(batches: Sequence[Batch]) -> tuple[float, Spent]:
    """Return the CPU seconds of plain storing and what was spent on the whole way, one right after the other."""
    with _folder() as folder:
        return store_plainly(batches, folder / "plain.duckdb"), store_whole(batches, folder / "whole.duckdb")


def _cells(rounds: Sequence[tuple[float, Spent]], spans: int) -> Iterator[str]:
    """Give the medians, also of the ratios: each of them compares neighbours in time."""
    understood = [(plain, sum(whole.of[stage] for stage in UNDERSTANDING)) for plain, whole in rounds]
    yield f"{statistics.median(plain for plain, _ in rounds) / spans * 1e6:.0f}"
    for pairs in (understood, [(plain, whole.total) for plain, whole in rounds]):
        yield f"{statistics.median(ours for _, ours in pairs) / spans * 1e6:.0f}"
        yield f"{statistics.median(ours / plain for plain, ours in pairs):.2f}"


def _print_stages(name: str, spent: Spent, spans: int) -> None:
    """Print where the time of the whole way goes; ``between`` are rows, look-ups, fates and the writer itself."""
    each = {stage: seconds / spans * 1e6 for stage, seconds in spent.of.items()}
    each["between"] = spent.total / spans * 1e6 - sum(each.values())
    print(f"\n{name}: {', '.join(f'{stage} {one:.1f}' for stage, one in each.items())} µs a span; "
          + ", ".join(f"{count:,} {table}" for table, count in spent.rows.items()))  # fmt: skip


@contextmanager
def _folder() -> Iterator[Path]:
    gc.collect()
    with tempfile.TemporaryDirectory(prefix="tollspan-bench-") as folder:
        yield Path(folder)


main()
