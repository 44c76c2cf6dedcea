"""What a run says: a table of all cases, one of all stacks, and the totals."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from conformance.compare import ABSENT, Verdict
from conformance.run import CaseResult, StackResult

_ALL_STACKS = "**all**"


def cases(results: Sequence[StackResult]) -> Iterator[str]:
    """Yield one line for each case: calls, input/output by the provider, by the attributes, by tollspan."""
    yield "| stack | case | provider's bill | sum of attributes | tollspan | verdict |"
    yield "|---|---|---:|---:|---:|---|"
    for result in results:
        if result.failure:
            yield f"| {result.stack.name} | | | | | {result.failure} |"
        for leak in sorted(result.leaks):
            yield f"| {result.stack.name} | | | | | content would reach the disk: {leak} |"
        for case in result.cases:
            yield f"| {' | '.join(_cells(case))} |"


def _cells(case: CaseResult) -> Iterator[str]:
    compared = case.comparison
    yield case.stack
    yield case.case
    yield f"{compared.charged}: {_sum(case.charged, 'input')} / {_sum(case.charged, 'output')}"
    yield "{:,} / {:,}".format(*case.attribute_sums)
    yield f"{compared.seen}: {_sum(case.calls, 'input')} / {_sum(case.calls, 'output')}"
    missing = "; ".join(f"{figure} {', '.join(map(str, left))}" for figure, left in compared.missing.items())
    raised = f"; {case.said}" if case.said != "done" and not case.case.endswith(("_error", "_cut")) else ""
    yield compared.verdict + (f" ({missing})" if missing else "") + raised


def _sum(entries: Sequence[object], figure: str) -> str:
    return f"{sum(getattr(entry, figure) or 0 for entry in entries):,}"


def stacks(results: Sequence[StackResult]) -> Iterator[str]:
    """Yield one line for each stack, and one for all."""
    verdicts = list(Verdict)
    yield f"| stack | read from | cases | {' | '.join(verdicts)} | calls right | attributes add up |"
    yield f"|---|---|{'---:|' * (len(verdicts) + 3)}"
    for result in results:
        read_from = f"{result.stack.maker} {result.version}".strip()
        yield _line(
            result.stack.name, result.failure if result.failure and not result.cases else read_from, result.cases
        )
    everything = [case for result in results for case in result.cases]
    yield _line(_ALL_STACKS, "", everything)


def _line(name: str, about: str, found: Sequence[CaseResult]) -> str:
    count = Counter(case.comparison.verdict for case in found)
    right = sum(case.comparison.calls_right for case in found)
    added = sum(case.attributes_right for case in found)
    cells = [name, about, len(found), *[count[verdict] or "" for verdict in Verdict], right, added]
    return f"| {' | '.join(str(cell) for cell in cells)} |"


def totals(results: Sequence[StackResult]) -> str:
    """Return the sentence that the run comes down to."""
    everything = [case for result in results for case in result.cases]
    count = Counter(case.comparison.verdict for case in everything)
    complete = len(everything) - sum(count[verdict] for verdict in ABSENT)
    share = f"{count[Verdict.EXACT] / complete:.1%}" if complete else "none"
    stacks_run = sum(bool(result.cases) for result in results)
    miscounted = sum(not case.comparison.calls_right for case in everything) - count[Verdict.UNSEEN]
    added = sum(case.attributes_right for case in everything)
    return (
        f"{len(everything)} cases of {stacks_run} stacks. On the spans of {complete} stands every figure of the bill: "
        f"{count[Verdict.EXACT]} of these are exact ({share}), {count[Verdict.WRONG]} wrong. Of the others "
        f"{count[Verdict.MARKED]} are marked as not exact, {count[Verdict.UNKNOWN]} show the figure as unknown, "
        f"{count[Verdict.MISSTATED]} show what the spans misstate, {count[Verdict.UNSEEN]} lack a span. "
        f"Silent zeros: {count[Verdict.SILENT_ZERO]}; double counts: {count[Verdict.DOUBLE]}; "
        f"calls miscounted: {miscounted}. Adding up attributes is right in {added} of {len(everything)}."
    )
