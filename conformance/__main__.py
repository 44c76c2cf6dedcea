"""``python -m conformance``: installs, runs, compares, prints; ends with 1 if anything is wrong."""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from conformance import page, recording, report
from conformance.compare import ABSENT, Verdict
from conformance.replay import replayed
from conformance.run import StackResult, run
from conformance.stack import STACKS


def main() -> int:
    """Run what the options say, or read what is recorded."""
    options = _options()
    results = replayed() if options.recorded else _run(options)
    sys.stdout.write(
        "\n".join([*report.cases(results), "", *report.stacks(results), "", report.totals(results)]) + "\n"
    )
    if options.record:
        if not options.recorded:
            recording.write(results)
        page.renew(replayed())
    return _code(results)


def _run(options: argparse.Namespace) -> list[StackResult]:
    chosen = [stack for stack in STACKS if not options.stack or stack.name in options.stack]
    folder = Path(tempfile.mkdtemp(prefix="tollspan-conformance-"))
    try:
        with progress(len(chosen)) as on_step:
            return run(chosen, folder, options.only, on_step)
    finally:
        if options.keep:
            sys.stderr.write(f"kept: {folder}\n")
        else:
            shutil.rmtree(folder)


def _code(results: Sequence[StackResult]) -> int:
    verdicts = {case.comparison.verdict for result in results for case in result.cases}
    leaking = any(result.leaks for result in results)
    return 0 if verdicts <= {Verdict.EXACT, *ABSENT} and not leaking else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m conformance", description=__doc__)
    parser.add_argument("--stack", action="append", choices=[stack.name for stack in STACKS], help="run this one only")
    parser.add_argument("--only", default="", help="run these cases only, joined by commas")
    parser.add_argument("--record", action="store_true", help="write tests/data/conformance and the page's table")
    parser.add_argument(
        "--recorded",
        action="store_true",
        help="run nothing: read what is recorded; with --record, renew the page alone",
    )
    parser.add_argument("--keep", action="store_true", help="keep the rater's data folder")
    return parser.parse_args()


@contextmanager
def progress(stacks: int) -> Iterator[Callable[[str, str], None]]:
    """Show a bar on a terminal, nothing elsewhere."""
    columns = (TextColumn("{task.fields[stack]:>16}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
               TextColumn("{task.fields[doing]}"))  # fmt: skip
    with Progress(*columns, disable=not sys.stderr.isatty(), transient=True) as progress:
        task = progress.add_task("", total=stacks, stack="", doing="starting the rater")
        seen: list[str] = []

        def on_step(stack: str, doing: str) -> None:
            if stack not in seen:
                seen.append(stack)
            progress.update(task, completed=len(seen) - 1, stack=stack, doing=doing)

        yield on_step


if __name__ == "__main__":
    sys.exit(main())
