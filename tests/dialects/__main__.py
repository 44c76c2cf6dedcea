"""``python -m tests.dialects``: prints the comparison; exits 1 when a figure is wrong or an unknown one not marked."""

from __future__ import annotations

import sys

from tests.dialects.comparison import compared, holds, report


def main() -> int:
    rows = compared()
    print("\n".join(report(rows)))
    return 0 if holds(rows) else 1


if __name__ == "__main__":
    sys.exit(main())
