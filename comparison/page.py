"""The pages: the comparison, made whole from the recordings, and the SDKs that are supported, from their table."""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from comparison import grade
from comparison.grade import Grade, Graded
from comparison.instrumentation import INSTRUMENTATIONS, NEWEST, Instrumentation
from comparison.oldest import OLDEST
from comparison.run import CaseRun, Run

REFERENCE = Path(__file__).parents[1] / "docs" / "reference"
PAGE, SUPPORTED = REFERENCE / "comparison.md", REFERENCE / "supported-sdks.md"
SUPPORTED_TEXT = """# Supported SDKs

Made by `python -m comparison pages`, do not edit.

tollspan imports no SDK: it meters at the HTTP library below. So it does not end with a release of an SDK, and newer
ones work on the day they appear. These are the oldest releases with which all calls that they have are right in the
table of cases, with Python 3.11 or newer:

| SDK | oldest tried and right | needs beside it | sends with |
|---|---|---|---|
{rows}

`make cases-oldest` tries them again, each in an environment of its own; `make cases` does the same with the newest
releases. Calls without an SDK, through `httpx`, `httpx2`, `requests` or `aiohttp`, need none of these.
"""
NOT_GRADED = "-"
_BY_NAME = {one.name: one for one in INSTRUMENTATIONS}


def renew(runs: Sequence[Run]) -> None:
    """Write both pages anew."""
    PAGE.write_text(written(runs), encoding="utf-8")
    SUPPORTED.write_text(supported(), encoding="utf-8")


def supported() -> str:
    """Return the page of the oldest SDKs."""
    rows = [f"| {' | '.join((one.sdk, one.version, ', '.join(one.beside) or '-', one.sends))} |" for one in OLDEST]
    return SUPPORTED_TEXT.format(rows="\n".join(rows))


def written(runs: Sequence[Run]) -> str:
    """Return the page for these runs."""
    return "\n".join([*_head(runs), *tally(runs), "", *_versions(runs), "", "## Rules", "", *_rules(), "",
                      "## Cases", "", *columns(runs), ""])  # fmt: skip


def _head(runs: Sequence[Run]) -> Iterator[str]:
    cases = max((len(run.cases) for run in runs), default=0)
    yield "# Comparison of instrumentations"
    yield ""
    yield "Made by `make compare-instrumentations`, do not edit."
    yield ""
    yield (
        f"{cases} calls with the newest releases of the providers' SDKs, against a provider on loopback that keeps its "
        "own bill, each instrumentation in an environment of its own. Graded by the attributes of its spans alone. "
        "It is our table of cases and our rules: these stand below, the code in `comparison/`, recorded attributes in "
        "`tests/data/comparison/`. What tollspan's rater makes of other instrumentations' spans is another question, "
        "which [conformance](conformance.md) answers. An answer that is fetched twice is on the spans twice, "
        "tollspan's too, and so wrong by these rules; the rater counts it once, by its response id."
    )
    yield ""


def tally(runs: Sequence[Run]) -> Iterator[str]:
    """Yield the table of grades, a line for each instrumentation."""
    yield f"| | cases | {' | '.join(Grade)} | not graded |"
    yield f"|---|{'---:|' * (len(Grade) + 2)}"
    for run in runs:
        count = Counter(found.grade for case in run.cases if (found := graded(_BY_NAME[run.name], case)))
        left = len(run.cases) - count.total()
        yield f"| {_title(run)} | {count.total()} | {' | '.join(str(count[one]) for one in Grade)} | {left} |"


def _title(run: Run) -> str:
    maker = _BY_NAME[run.name]
    return f"{maker.title} {run.versions.get(maker.maker, '')}".strip()


def _versions(runs: Sequence[Run]) -> Iterator[str]:
    yield "| package | version that the installer chose |"
    yield "|---|---|"
    chosen: dict[str, dict[str, list[str]]] = {}
    for run in runs:
        for package, version in run.versions.items():
            chosen.setdefault(package, {}).setdefault(version, []).append(_BY_NAME[run.name].title)
    for package in sorted(chosen, key=lambda name: (name not in NEWEST, name)):
        versions = chosen[package]
        alone = len(versions) == 1
        said = [version if alone else f"{version} ({', '.join(names)})" for version, names in versions.items()]
        yield f"| {package} | {', '.join(said)} |"


def _rules() -> list[str]:
    return inspect.cleandoc(grade.__doc__ or "").splitlines()


def columns(runs: Sequence[Run]) -> Iterator[str]:
    """Yield the table of all cases, a column for each instrumentation."""
    yield f"| case | {' | '.join(_BY_NAME[run.name].title for run in runs)} |"
    yield f"|---|{'---|' * len(runs)}"
    cells = {run.name: {case.case.name: _cell(_BY_NAME[run.name], case) for case in run.cases} for run in runs}
    for name in dict.fromkeys(case.case.name for run in runs for case in run.cases):
        yield f"| {name} | {' | '.join(cells[run.name].get(name, 'not run') for run in runs)} |"


def _cell(instrumentation: Instrumentation, case: CaseRun) -> str:
    found = graded(instrumentation, case)
    if found is None:
        return NOT_GRADED
    return f"WRONG {found.said}" if found.grade is Grade.WRONG else found.said


def graded(instrumentation: Instrumentation, case: CaseRun) -> Graded | None:
    """Grade a case, or return ``None`` where the instrumentation has no hook for its SDK, or tokens are not billed."""
    bill = [attempt for attempt in case.attempts if attempt.charged]
    if case.case.sdk not in instrumentation.sdks or (bill and not any(one.input or one.output for one in bill)):
        return None
    return grade.grade(case.case, case.spans, case.attempts)
