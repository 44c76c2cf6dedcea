"""``python -m tollspan``: a line for each thing that metering needs; exit code 1 when one is not as it should be."""

from __future__ import annotations

import os
import sys

from tollspan.status import status


def main() -> int:
    """Print the lines."""
    lines = list(status(os.environ))
    for line in lines:
        sys.stdout.write(f"{'ok ' if line.fine else '!! '} {line.what:9} {line.found}\n")
    return 0 if all(line.fine for line in lines) else 1


if __name__ == "__main__":
    sys.exit(main())
