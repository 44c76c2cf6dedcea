"""Keeps a run as test data: per stack one trace set a line, and one file of truth."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conformance.bill import Attempt
from conformance.run import CaseResult, StackResult
from conformance.spans import reduced

FOLDER = Path(__file__).parents[1] / "tests" / "data" / "conformance"
TRUTH = "truth.jsonl"


@dataclass(frozen=True, slots=True)
class Recorded:
    """One recorded case: the provider's attempts, the figures that no span holds, the request with its spans."""

    stack: str
    version: str
    case: str
    attempts: tuple[Attempt, ...]
    absent: frozenset[int]
    attribute_sums: tuple[int, int]
    request: Mapping[str, Any]


def write(results: Sequence[StackResult], folder: Path = FOLDER) -> None:
    """Write the recordings of these stacks in place of older ones of the same stacks; others stay."""
    folder.mkdir(parents=True, exist_ok=True)
    ran = {result.stack.name for result in results if result.cases}
    kept = [row for row in _rows(folder / TRUTH) if row["stack"] not in ran]
    for result in results:
        if result.cases:
            for old in folder.glob(f"{result.stack.name}_[0-9]*.otlp.jsonl"):
                old.unlink()
            lines = [_line(reduced(case.spans)) for case in result.cases]
            (folder / _file(result.stack.name, result.version)).write_text("".join(lines))
    rows = [_truth(result.version, case) for result in results for case in result.cases]
    everything = sorted([*kept, *rows], key=lambda row: row["stack"])
    (folder / TRUTH).write_text("".join(map(_line, everything)))


def read(folder: Path = FOLDER) -> Iterator[Recorded]:
    """Yield all recorded cases."""
    waiting: dict[str, Iterator[dict[str, Any]]] = {}
    for row in _rows(folder / TRUTH):
        stack, version = row["stack"], row["version"]
        requests = waiting.setdefault(stack, _rows(folder / _file(stack, version)))
        yield Recorded(
            stack,
            version,
            row["case"],
            tuple(Attempt.read({"stack": stack, "case": row["case"], **attempt}) for attempt in row["attempts"]),
            frozenset(row["absent"]),
            (row["attributes"][0], row["attributes"][1]),
            next(requests),
        )


def _file(stack: str, version: str) -> str:
    return f"{stack}_{version}.otlp.jsonl"


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    if path.exists():
        with path.open() as lines:
            yield from map(json.loads, lines)


def _line(row: Any) -> str:
    return json.dumps(row, separators=(",", ":")) + "\n"


def _truth(version: str, case: CaseResult) -> dict[str, Any]:
    return {
        "stack": case.stack,
        "version": version,
        "case": case.case,
        "attempts": list(_attempts(case.attempts)),
        "absent": sorted({one for gone in case.comparison.absent.values() for one in gone}),
        "attributes": list(case.attribute_sums),
    }


def _attempts(attempts: Iterable[Attempt]) -> Iterator[dict[str, Any]]:
    for attempt in attempts:
        yield {name: value for name, value in attempt.row().items() if name not in {"stack", "case"}}
