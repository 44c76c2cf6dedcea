"""``python -m tests.recordings``: a table by provider of what the rater reads in the recorded exchanges."""

from __future__ import annotations

import sys
from collections import Counter

from tests.recordings.exchange import FILE, exchanges
from tests.recordings.grade import COLUMNS, grade, table

if not FILE.exists():
    sys.exit(f"There are no recordings at {FILE}. Set TOLLSPAN_SHARED_DATA to the folder that holds them.")
grades = [grade(exchange) for exchange in exchanges()]
rows = table(grades)
lines = [("provider", *COLUMNS)]
lines += [(name, *(str(rows[name][column]) for column in COLUMNS)) for name in (*sorted(rows.keys() - {"all"}), "all")]
widths = [max(len(line[place]) for line in lines) for place in range(len(lines[0]))]
for line in lines:
    sys.stdout.write("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() + "\n")
for title, verdicts in (("Without a truth", {"graded", "silent zero"}), ("With one", {"exact", "second reading"})):
    sys.stdout.write(f"\n{title}, by quality:\n")
    for (quality, note), count in sorted(Counter((g.quality, g.note) for g in grades if g.verdict in verdicts).items()):
        sys.stdout.write(f"{count:6}  {quality}{': ' if note else ''}{note}\n")
wrong = [one for one in grades if one.verdict in {"wrong", "silent zero"}]
for one in wrong:
    sys.stdout.write(f"{one.verdict}: {one.exchange}: {one.note}\n")
sys.exit(1 if wrong else 0)
