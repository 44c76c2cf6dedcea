"""``python -m benchmarks.rating``: invoices and marginal charges beside the bare queries over the same rows, in one run."""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from benchmarks.rating.measure import Cost, bills, charges

CALLS: Final = 10_000_000
CUSTOMERS: Final = 10_000
HEAD: Final = "| what | bare, s | CPU s | ours, s | CPU s | ratio | of CPU |\n|---|---:|---:|---:|---:|---:|---:|"


def main() -> None:
    """Measure and print; nothing is asserted."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.rating", description=__doc__)
    parser.add_argument("--calls", type=int, default=CALLS, help=f"default {CALLS:,}; 1 M take about 80 MB of disk")
    parser.add_argument("--customers", type=int, default=CUSTOMERS, help=f"default {CUSTOMERS:,}")
    parser.add_argument("--rounds", type=int, default=3, help="medians of so many, default 3")
    asked = parser.parse_args()
    print(
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {os.cpu_count()} CPUs, load average {os.getloadavg()[0]:.1f}; "
        f"{asked.calls:,} calls in one month, medians of {asked.rounds}\n\n{HEAD}"
    )
    for line in measured(asked.calls, asked.customers, asked.rounds):
        print(line, flush=True)


def measured(calls: int, customers: int, rounds: int) -> Iterator[str]:
    """Yield the lines of the table; the store of each pair is gone before the next one is made."""
    for what, measure, whose in (
        ("invoice of one customer, beside the bare GROUP BY", bills, 1),
        (f"invoices of {customers:,} customers, beside the bare GROUP BY", bills, customers),
        ("charge of each call of one customer, beside the bare window query", charges, 1),
        (f"charge of each call of {customers:,} customers, beside the bare window query", charges, customers),
    ):
        with tempfile.TemporaryDirectory(prefix="tollspan-bench-") as folder:
            bare, ours = measure(Path(folder), calls, whose, rounds)
        yield line(what, bare, ours)


def line(what: str, bare: Cost, ours: Cost) -> str:
    """Return a line of the table."""
    ratios = f"{ours.wall / bare.wall:.1f} | {ours.cpu / bare.cpu:.1f}"
    return f"| {what} | {bare.wall:.2f} | {bare.cpu:.2f} | {ours.wall:.2f} | {ours.cpu:.2f} | {ratios} |"


if __name__ == "__main__":
    main()
