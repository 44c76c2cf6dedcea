"""Recorded traces of other instrumentations give the same calls by `import` and through the Collector."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.collector.process import REPOSITORY, CollectorProcess, running
from tests.collector.recordings import requests_in
from tests.end_to_end.process import TOLLSPAN, RaterProcess, run, serving, wait_until

FOLDER = REPOSITORY / "tests" / "data" / "dialects"
FILES = sorted(FOLDER.glob("*.otlp.jsonl"))
NAMES = [path.name.removesuffix(".otlp.jsonl") for path in FILES]

Calls = dict[str, list[dict[str, Any]]]

pytestmark = pytest.mark.collector


def span_names(path: Path) -> set[tuple[str, str]]:
    """Return trace and span ids of a file of OTLP/JSON requests."""
    return {
        (span["traceId"], span["spanId"])
        for request in map(json.loads, requests_in(path))
        for resource in request["resourceSpans"]
        for scope in resource["scopeSpans"]
        for span in scope["spans"]
    }


def pieces_of(rater: RaterProcess) -> int:
    """Return how many pieces have a fate."""
    row = next(row for row in rater.ask("audit").rows if row["equation"] == "pieces journaled = sum of fates")
    return int(str(row["right"]))


def by_file(rater: RaterProcess) -> Calls:
    """Return the calls of a rater by the file that their traces are from."""
    file_of = {trace: name for name, path in zip(NAMES, FILES, strict=True) for trace, _ in span_names(path)}
    found: Calls = {name: [] for name in NAMES}
    for call in rater.calls():
        found[file_of[call["trace_ids"][0]]].append(call)
    return found


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory) -> Calls:
    """The calls of all files, read by the command `import`."""
    data = tmp_path_factory.mktemp("imported") / "data"
    done = run([*TOLLSPAN, "--data", str(data), "import", *map(str, FILES)])
    assert done.returncode == 0, done.stdout
    with serving(RaterProcess(data)) as rater:
        return by_file(rater)


@pytest.fixture(scope="module")
def collected(collector_binary: Path, tmp_path_factory: pytest.TempPathFactory) -> Calls:
    """The calls of all files, posted to a Collector in front of a rater."""
    folder = tmp_path_factory.mktemp("collected")
    spans = sum(len(span_names(path)) for path in FILES)
    with (
        serving(RaterProcess(folder / "data")) as rater,
        running(CollectorProcess(collector_binary, folder, rater.grpc)) as collector,
    ):
        for path in FILES:
            collector.send_file(path)
        wait_until(lambda: pieces_of(rater) == spans, f"{spans} spans", 60)
        rater.assert_audit_holds()
        return by_file(rater)


@pytest.mark.parametrize("name", NAMES)
def test_the_same_calls_on_both_ways(imported: Calls, collected: Calls, name: str) -> None:
    assert imported[name]
    assert collected[name] == imported[name]
