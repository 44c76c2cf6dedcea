"""Proves the rating engine at length: ``python -m tests.rating [BILLS] [--mutations] [--page]``.

BILLS random bills (by default 20,000) through the rater and the naive program, on all cores. ``--mutations``: the
same comparison against an engine with one fault at a time. ``--page`` writes the page of golden bills anew.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor

from tests.rating import golden_page
from tests.rating.compare import first_difference
from tests.rating.mutation import caught
from tests.rating.mutations import MUTATIONS
from tests.rating.random_bills import CUSTOMERS

BLOCK = 250  # seeds
SHOWN = 5


def main() -> int:
    """Run what is asked for; 1 when anything differs or a fault is not noticed."""
    parser = argparse.ArgumentParser(prog="python -m tests.rating")
    parser.add_argument("bills", nargs="?", type=int, default=20_000)
    parser.add_argument("--mutations", action="store_true")
    parser.add_argument("--page", action="store_true")
    asked = parser.parse_args()
    if asked.page:
        golden_page.PAGE.write_text(golden_page.page(), encoding="utf-8")
        return 0
    return mutations(asked.bills) if asked.mutations else bills(asked.bills)


def bills(wanted: int) -> int:
    """Compare so many bills; print the first differences with the seeds that make them again."""
    seeds = -(-wanted // CUSTOMERS)
    blocks = [range(first, min(first + BLOCK, seeds)) for first in range(0, seeds, BLOCK)]
    start, done, found = time.monotonic(), 0, 0
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        for block, difference in zip(blocks, pool.map(first_difference, blocks), strict=True):
            done += len(block) * CUSTOMERS
            if difference is not None:
                found += 1
                print(f"\n{difference}" if found <= SHOWN else ".", flush=True)
            print(f"\r{done:,} of {seeds * CUSTOMERS:,} bills, {time.monotonic() - start:.0f} s", end="", flush=True)
    print(f": {'all agree exactly' if not found else f'{found} blocks of {BLOCK * CUSTOMERS} differ'}")
    return 1 if found else 0


def mutations(most: int) -> int:
    """Try every fault; print the bill that notices it."""
    missed = 0
    for mutation in MUTATIONS:
        found = caught(mutation, range(-(-most // CUSTOMERS)))
        missed += found is None
        print(f"{mutation.name}: {found.splitlines()[0] if found else 'NOT NOTICED'}", flush=True)
    print(f"{len(MUTATIONS) - missed} of {len(MUTATIONS)} faults are noticed")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
