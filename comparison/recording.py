"""Keeps a run as test data, a file for each instrumentation: versions, then a line a case with what is graded."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from conformance.bill import Attempt

from comparison.cases import all_cases
from comparison.grade import NAMES, QUALITY, RAW
from comparison.instrumentation import INSTRUMENTATIONS, NEWEST
from comparison.run import CaseRun, Run

FOLDER = Path(__file__).parents[1] / "tests" / "data" / "comparison"
GRADED = frozenset({QUALITY, RAW, *(name for names in NAMES.values() for name in names)})
"""The attributes that are kept: counts, tiers, and a provider's usage object; nothing else can hold content."""


def write(run: Run, folder: Path = FOLDER) -> None:
    """Write a run in place of an older one of the same instrumentation."""
    folder.mkdir(parents=True, exist_ok=True)
    packages = {name for one in INSTRUMENTATIONS if one.name == run.name for name in one.packages} | {*NEWEST}
    about = {"versions": {name: run.versions[name] for name in sorted(packages) if name in run.versions}}
    rows = [about, *map(_row, run.cases)]
    (folder / f"{run.name}.jsonl").write_text("".join(json.dumps(row, separators=(",", ":")) + "\n" for row in rows))


def read(folder: Path = FOLDER) -> list[Run]:
    """Return what is recorded, in the order of the table of instrumentations."""
    cases = {case.slug: case for case in all_cases()}
    runs = []
    for one in INSTRUMENTATIONS:
        path = folder / f"{one.name}.jsonl"
        if path.exists():
            about, *rows = map(json.loads, path.read_text().splitlines())
            found = [
                CaseRun(cases[row["case"]], row["said"], tuple(row["spans"]), _attempts(row))
                for row in rows
                if row["case"] in cases
            ]
            runs.append(Run(one.name, about["versions"], "", found))
    return runs


def _row(run: CaseRun) -> dict[str, Any]:
    return {
        "case": run.case.slug,
        "said": run.said if run.said == "done" else run.said.split(":")[0],
        "spans": [{name: span[name] for name in sorted(GRADED & span.keys())} for span in run.spans],
        "attempts": [_without_case(attempt) for attempt in run.attempts],
    }


def _without_case(attempt: Attempt) -> dict[str, Any]:
    return {name: value for name, value in attempt.row().items() if name not in {"stack", "case"} and value}


def _attempts(row: Mapping[str, Any]) -> tuple[Attempt, ...]:
    return tuple(_attempt(row["case"], one) for one in row["attempts"])


def _attempt(case: str, stated: Mapping[str, Any]) -> Attempt:
    nothing = {"input": 0, "output": 0, "cache_read": 0, "cache_write": 0, "reasoning": 0, "response_id": ""}
    return Attempt.read({"stack": "", "case": case, **nothing, **stated})
