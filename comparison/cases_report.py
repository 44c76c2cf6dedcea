"""What a run of the cases under tollspan comes to: a line for each case, and the tally."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from enum import StrEnum

from comparison.check import faults
from comparison.run import CaseRun
from tollspan import semconv


class Verdict(StrEnum):
    """How a case ended: ``free`` if nothing is charged, ``unmeasured`` if a record says that nothing is known.

    ``absent`` cases are calls that the SDK's release does not have.
    """

    EXACT = "exact"
    ESTIMATED = "estimated"
    UNMEASURED = "unmeasured"
    FREE = "free"
    WRONG = "wrong"
    MISSING = "missing"
    ABSENT = "absent"


def verdict(run: CaseRun) -> tuple[Verdict, str]:
    """Return how a case ended, and in words why it is not right."""
    if run.not_in_this_release:
        return Verdict.ABSENT, run.said
    records = sorted(run.spans, key=lambda record: record.get(semconv.SEQ, 0))
    found = faults(run.case, records, run.attempts)
    if found or run.said != "done":
        short = len(records) < len(run.case.expected)
        said = "; ".join([*found, *([] if run.said == "done" else [run.said])])
        return (Verdict.MISSING if short else Verdict.WRONG), said
    if not run.case.is_charged:
        return Verdict.FREE, ""
    worst = Verdict.ESTIMATED if "estimated" in {one.quality for one in run.case.expected} else Verdict.UNMEASURED
    return (Verdict.EXACT if run.case.states_all else worst), ""


def lines(runs: Sequence[CaseRun]) -> Iterator[str]:
    """Yield the table, one line a case, and the tally."""
    tally: Counter[Verdict] = Counter()
    yield "| case | records | input / output billed | verdict |"
    yield "|---|---:|---:|---|"
    for run in runs:
        found, why = verdict(run)
        tally[found] += 1
        billed = [sum(getattr(one, part) for one in run.attempts) for part in ("input", "output")]
        yield f"| {run.case.name} | {len(run.spans)} | {billed[0]:,} / {billed[1]:,} | {found}{why and ': ' + why} |"
    yield ""
    yield f"{len(runs)} cases: " + ", ".join(f"{tally[one]} {one}" for one in Verdict)


def is_right(runs: Sequence[CaseRun]) -> bool:
    """Whether no case is wrong or missing."""
    return not {verdict(run)[0] for run in runs} & {Verdict.WRONG, Verdict.MISSING}
