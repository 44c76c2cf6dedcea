"""The table in the documentation, made from the recordings."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from conformance import report
from conformance.run import StackResult

PAGE = Path(__file__).parents[1] / "docs" / "reference" / "conformance.md"
BEGIN, END = "<!-- made by python -m conformance --record -->\n", "<!-- end -->\n"


def written(page: str, results: Sequence[StackResult]) -> str:
    """Return the page with the table and the totals of these results in its place for them."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    table = "\n".join(report.stacks(results))
    return f"{before}{BEGIN}\n{table}\n\n{report.totals(results)}\n\n{END}{after}"


def renew(results: Sequence[StackResult]) -> None:
    """Write the page anew."""
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8"), results), encoding="utf-8")
