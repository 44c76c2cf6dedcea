"""Random requests to the API: ``python -m tests.api [CASES]``."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.api.fuzz import fuzz
from tests.api.market import market


def main() -> None:
    """Send 2,000 requests, or as many as asked; ends with a failure at the first answer that is not as described."""
    cases = int(sys.argv[1]) if len(sys.argv) > 1 else 2_000
    with tempfile.TemporaryDirectory() as folder, market(Path(folder)) as made:
        seen = fuzz(made, cases)
    for status, count in sorted(seen.items()):
        print(f"{status}: {count:,}")
    print(f"{seen.total():,} requests, every answer as described")


if __name__ == "__main__":
    main()
