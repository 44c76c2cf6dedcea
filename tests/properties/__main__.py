"""Tries each property many times: ``python -m tests.properties [EXAMPLES]``, by default 20,000 each."""

from __future__ import annotations

import sys
import time

from tests.properties.settlement import PROPERTIES
from tests.properties.test_settlement import run

BLOCK = 500


def main() -> int:
    """Run all properties in blocks, with a line of progress."""
    examples = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    for name, one in PROPERTIES.items():
        start = time.monotonic()
        for done in range(0, examples, BLOCK):
            run(one, min(BLOCK, examples - done))
            line = f"{name}: {min(done + BLOCK, examples):,} of {examples:,}, {time.monotonic() - start:.0f} s"
            print(f"\r{line}", end="" if sys.stdout.isatty() else "\n", flush=True)
        print(f"\r{name}: {examples:,} examples hold" + " " * 30)
    return 0


if __name__ == "__main__":
    sys.exit(main())
