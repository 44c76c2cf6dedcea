"""``python -m conformance.coexistence``: tollspan and another instrumentation in one process; is each call billed once?

Every neighbour runs twice, set up before tollspan and after it, each time with the real SDKs against the provider that
keeps its own bill; the spans of both go through a real rater. It ends with 1 if a call is counted twice or not at all,
if a figure is wrong, if a case raises, or if a call is on nobody's bill.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from conformance import report
from conformance.__main__ import progress
from conformance.compare import ABSENT, Verdict
from conformance.run import CaseResult, StackResult, run
from conformance.stack import STACKS, Stack

PAGE = Path(__file__).parents[1] / "docs" / "reference" / "coexistence.md"
BEGIN, END = "<!-- made by python -m conformance.coexistence --record -->\n", "<!-- end -->\n"
THEN = "_then_"
FAILING = ("_error", "_cut")  # cases whose call raises, as it shall

COLUMNS = (
    "in this order", "neighbour", "cases", "calls billed", "calls counted", "exact", "marked", "twice", "wrong",
    "raised", "nobody's",
)  # fmt: skip
NEIGHBOURS = (
    "otel_genai", "openllmetry", "openinference", "openlit", "logfire", "langfuse", "litellm", "litellm_callback",
    "anthropic_native", "native_and_openllmetry", "botocore", "langchain_openllmetry", "langchain_openinference",
    "openai_agents", "pydantic_ai",
)  # fmt: skip
"""The stacks of :mod:`conformance.stack` that tollspan is put beside."""

CALLBACK = Stack("litellm_callback", ("litellm", "mcp"), "with_litellm_callback.py", home="beside_litellm")
_ALONE = {stack.name: stack for stack in (*STACKS, CALLBACK)}


@dataclass(frozen=True, slots=True)
class Beside:
    """What became of a neighbour's cases in one order."""

    result: StackResult

    @property
    def count(self) -> Counter[Verdict]:
        """How many cases ended how."""
        return Counter(case.comparison.verdict for case in self.result.cases)

    @property
    def raised(self) -> list[CaseResult]:
        """The cases that raised although their call can be made."""
        return [case for case in self.result.cases if case.said != "done" and not case.case.endswith(FAILING)]

    @property
    def unattributed(self) -> int:
        """How many calls are on nobody's bill, although each was made for a customer."""
        return sum(call.customer is None for case in self.result.cases for call in case.calls)

    @property
    def right(self) -> bool:
        """Whether every call is there once, with the provider's figures or marked, and none was broken."""
        verdicts = set(self.count) <= {Verdict.EXACT, *ABSENT}
        calls = all(case.comparison.calls_right for case in self.result.cases)
        return (
            bool(self.result.cases)
            and not self.result.failure
            and verdicts
            and calls
            and not (self.raised or self.unattributed)
        )


def stacks(names: Sequence[str] = NEIGHBOURS) -> list[Stack]:
    """Return both orders of each neighbour; they share one environment."""
    return [stack for name in names for stack in _orders(_ALONE[name])]


def _orders(neighbour: Stack) -> Iterator[Stack]:
    packages, home = (*neighbour.packages, "tollspan"), f"beside_{neighbour.name}"
    if neighbour is CALLBACK:
        yield Stack(neighbour.name, packages, neighbour.script, home=CALLBACK.home)
        return
    for first, second in ((neighbour.name, "tollspan"), ("tollspan", neighbour.name)):
        yield Stack(f"{first}{THEN}{second}", packages, "beside_tollspan.py", home=home)


def table(found: Sequence[Beside]) -> Iterator[str]:
    """Yield the table: one line for each neighbour and order."""
    yield f"| {' | '.join(COLUMNS)} |"
    yield f"|---|---|{'---:|' * (len(COLUMNS) - 2)}"
    for one in found:
        result, cases, count = one.result, one.result.cases, one.count
        cells = [
            result.stack.name.replace(THEN, ", then "),
            f"{result.stack.maker} {result.version}" if cases else result.failure,
            len(cases),
            sum(case.comparison.charged for case in cases),
            sum(case.comparison.seen for case in cases),
            count[Verdict.EXACT],
            sum(count[verdict] for verdict in ABSENT),
            count[Verdict.DOUBLE],
            count[Verdict.WRONG] + count[Verdict.SILENT_ZERO],
            len(one.raised),
            one.unattributed,
        ]
        yield f"| {' | '.join(map(str, cells))} |"


def main() -> int:
    """Run the neighbours that the options name, print what came out, and say by the code whether all is right."""
    options = _options()
    chosen = stacks(options.neighbour or NEIGHBOURS)
    folder = Path(tempfile.mkdtemp(prefix="tollspan-coexistence-"))
    try:
        with progress(len(chosen)) as on_step:
            found = [Beside(result) for result in run(chosen, folder, options.only, on_step)]
    finally:
        shutil.rmtree(folder)
    doubtful = [one.result for one in found if options.cases or not one.right]
    sys.stdout.write("\n".join([*report.cases(doubtful), "", *table(found)]) + "\n")
    if options.record:
        PAGE.write_text(written(PAGE.read_text(encoding="utf-8"), found), encoding="utf-8")
    return 0 if all(one.right for one in found) else 1


def written(page: str, found: Sequence[Beside]) -> str:
    """Return the page with these lines in its table; those of neighbours that did not run stay."""
    before, _, rest = page.partition(BEGIN)
    old, _, after = rest.partition(END)
    head, rule, *lines = table(found)
    by_order = {_order(line): line for line in [*old.strip().splitlines()[2:], *lines]}
    ranked = [one.name.replace(THEN, ", then ") for one in stacks()]
    rows = sorted(by_order.values(), key=lambda line: ranked.index(_order(line)))
    return f"{before}{BEGIN}\n" + "\n".join([head, rule, *rows]) + f"\n\n{END}{after}"


def _order(line: str) -> str:
    return line.split("|")[1].strip()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m conformance.coexistence", description=__doc__)
    parser.add_argument("--neighbour", action="append", choices=NEIGHBOURS, help="this one only, can be repeated")
    parser.add_argument("--only", default="", help="run these cases only, joined by commas")
    parser.add_argument("--cases", action="store_true", help="print every case, not only those of doubtful neighbours")
    parser.add_argument("--record", action="store_true", help="write the table into docs/reference/coexistence.md")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
