"""``python -m tests.crash``: the full form; prints a table and exits 1 when anything was lost or counted twice."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.crash.windows import HEADER, HITS, WINDOWS, Result, crash_at_random, crash_in


def main() -> int:
    """Run all windows and the random kills."""
    parser = argparse.ArgumentParser(prog="python -m tests.crash", description=__doc__)
    parser.add_argument("--kills", type=int, default=50, help="SIGKILLs at random moments under load")
    parser.add_argument("--hits", type=int, nargs="+", default=HITS, help="kills in each window, at these hits of it")
    parser.add_argument("--seed", type=int, default=1, help="of the load and of the moments")
    parser.add_argument("--window", action="append", choices=[window.name for window in WINDOWS], help="only this one")
    parser.add_argument("--report", type=Path, help="write the table here as well")
    said = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tollspan-crash-") as folder:
        results = list(_run(Path(folder), said))
    report = "\n".join((*_table(results), "", _sum(results)))
    print(report)
    if said.report is not None:
        said.report.write_text(report + "\n", encoding="utf-8")
    for result in results:
        print("".join(result.verdict.wrong[:5] if result.verdict else ()), file=sys.stderr, end="")
    return 0 if all(result.verdict and result.verdict.holds for result in results) else 1


def _run(folder: Path, said: argparse.Namespace) -> Iterator[Result]:
    for window in WINDOWS:
        if said.window is None or window.name in said.window:
            steps = [(window, hit) for hit in said.hits]
            yield _told(crash_in(steps, folder / window.name, said.seed, window.name))
    if said.kills:
        yield _told(crash_at_random(said.kills, folder / "random", said.seed))


def _told(result: Result) -> Result:
    print(" ".join(result.row()), file=sys.stderr, flush=True)
    return result


def _table(results: Sequence[Result]) -> Iterator[str]:
    rows = [HEADER, *(result.row() for result in results)]
    widths = [max(len(row[place]) for row in rows) for place in range(len(HEADER))]
    for row in rows:
        cells = (
            cell.ljust(width) if not place else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        yield "  ".join(cells)


def _sum(results: Sequence[Result]) -> str:
    verdicts = [result.verdict for result in results if result.verdict]
    kills = sum(result.kills for result in results)
    return f"{kills} kills, {sum(v.lost for v in verdicts)} lost, {sum(v.double for v in verdicts)} double"


if __name__ == "__main__":
    sys.exit(main())
