"""Tries each property many times, on all cores: ``python -m tests.properties [EXAMPLES [PROPERTY...]]``.

By default 20,000 examples of each.
"""

from __future__ import annotations

import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context

from tests.properties.settlement import PROPERTIES
from tests.properties.test_settlement import run

BLOCK = 500


def main() -> int:
    """Run all properties in blocks, each drawn by a seed of its own, with a line of progress."""
    examples = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn")) as pool:
        for name in sys.argv[2:] or PROPERTIES:
            start, done = time.monotonic(), 0
            blocks = [min(BLOCK, examples - at) for at in range(0, examples, BLOCK)]
            for block in as_completed([pool.submit(run, name, size, seed) for seed, size in enumerate(blocks)]):
                done += block.result()
                line = f"{name}: {done:,} of {examples:,}, {time.monotonic() - start:.0f} s"
                print(f"\r{line}", end="" if sys.stdout.isatty() else "\n", flush=True)
            print(f"\r{name}: {examples:,} examples hold" + " " * 30)
    return 0


if __name__ == "__main__":
    sys.exit(main())
