"""``python -m benchmarks.query``: main questions over HTTP while spans come in, beside bare queries in the same run."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from benchmarks.ingest.processes import RaterServer, rater
from benchmarks.query.history import fill
from benchmarks.query.measure import Times, measured
from benchmarks.query.questions import ASKED, Asked
from tollspan_rater.store.day_sums import FEWEST
from tollspan_rater.store.folder import Folder

CALLS: Final = 10_000_000
RATE: Final = 5_000
HEAD: Final = (
    "| what | rounds | p50 ms | p99 ms | aim | bare p50 ms | ratio of p50 |\n|---|---:|---:|---:|---:|---:|---:|"
)


def main() -> None:
    """Measure and print; nothing is asserted."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.query", description=__doc__)
    parser.add_argument("--calls", type=int, default=CALLS, help=f"stored calls, default {CALLS:,}: 1.2 GB of disk")
    parser.add_argument("--rounds", type=int, default=100, help="how often each is asked, default 100; fewer if slow")
    parser.add_argument(
        "--rate", type=int, default=RATE, help=f"spans a second meanwhile, default {RATE:,}; 0 for none"
    )
    parser.add_argument("--plan", choices=("linear", "tiered"), default="linear", help="what all customers pay by")
    given = parser.parse_args()
    print(
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {os.cpu_count()} CPUs, {_load()}; "
        f"{given.calls:,} calls of 92 days, plan {given.plan}\n\n{HEAD}"
    )
    for text in lines(given.calls, given.rounds, given.rate, given.plan):
        print(text, flush=True)


def lines(calls: int, rounds: int, rate: int, plan: str) -> Iterator[str]:
    """Yield the lines of the table, and last what came in meanwhile."""
    with tempfile.TemporaryDirectory(prefix="tollspan-bench-") as made:
        folder, copy = Folder(Path(made) / "data"), Path(made) / "bare.duckdb"
        copy.write_bytes(fill(folder, calls, time.time_ns(), plan).read_bytes())
        with rater(folder.path) as server:
            summed_s = _summed(server, calls)
            with _stream(server.target, rate) as came:
                for asked, ours, bare in measured(server, copy, ASKED, rounds):
                    yield line(asked, ours, bare)
        yield f"\n{came[0]}; sums of days were there {summed_s:.0f} s after the start; {_load()} at the end"


def _load() -> str:
    return f"load average {os.getloadavg()[0]:.1f}"


def _summed(server: RaterServer, calls: int) -> float:
    """Wait until the rater has added up what it found, if that is enough to do so; return the seconds."""
    begin = time.perf_counter()
    while calls >= FEWEST and server.gauge("tollspan_summed_legs") < calls:
        time.sleep(1)
    return time.perf_counter() - begin


def line(asked: Asked, ours: Times, bare: Times) -> str:
    """Return a line of the table."""
    aim = "" if asked.aim_ms is None else f"{asked.aim_ms}"
    ratio = ours.p50 / bare.p50
    return f"| {asked.what} | {ours.rounds} | {ours.p50:.0f} | {ours.p99:.0f} | {aim} | {bare.p50:.0f} | {ratio:.1f} |"


@contextmanager
def _stream(target: str, rate: int) -> Iterator[Sequence[str]]:
    """Send spans meanwhile; afterwards the list says how many."""
    said: list[str] = []
    if not rate:
        said.append("nothing came in meanwhile")
        yield said
        return
    command = [sys.executable, "-m", "benchmarks.query.stream", target, str(rate)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield said
        finally:
            spans, seconds = process.communicate()[0].split()
            said.append(f"{int(spans):,} spans came in meanwhile, {int(spans) / float(seconds):,.0f} a second")


if __name__ == "__main__":
    main()
