"""``python -m benchmarks.rating``: invoices and marginal charges beside bare queries over the same rows, in one run."""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from benchmarks.rating.measure import Cost, measured

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
    for text in lines(asked.calls, asked.customers, asked.rounds):
        print(text, flush=True)


def lines(calls: int, customers: int, rounds: int) -> Iterator[str]:
    """Yield the lines of the table; the store of one customer is gone before that of many is made."""
    for whose, many in (("one customer", 1), (f"{customers:,} customers", customers)):
        with tempfile.TemporaryDirectory(prefix="tollspan-bench-") as folder:
            bills, charges = measured(Path(folder), calls, many, rounds)
        yield line(f"invoices of {whose}, beside the bare GROUP BY", *bills)
        yield line(f"charges of {whose}, beside the bare window query", *charges)


def line(what: str, bare: Cost, ours: Cost) -> str:
    """Return a line of the table."""
    ratios = f"{ours.wall / bare.wall:.1f} | {ours.cpu / bare.cpu:.1f}"
    return f"| {what} | {bare.wall:.2f} | {bare.cpu:.2f} | {ours.wall:.2f} | {ours.cpu:.2f} | {ratios} |"


if __name__ == "__main__":
    main()
