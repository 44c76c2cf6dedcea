"""Compares what a rater holds with what the sender's list says: nothing lost, nothing counted twice."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import duckdb

from tests.crash.traffic import Log, Sent
from tollspan_rater.server.opening import STORE_FILE

AUDIT_S = 300


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a comparison found; ``duplicates`` are copies that the store knows as such, ``double`` those it does not."""

    acknowledged: int
    duplicates: int
    lost: int
    double: int
    wrong: tuple[str, ...]

    @property
    def holds(self) -> bool:
        """Whether every acknowledged call counts once, as it was sent, and the audit agrees."""
        return not (self.lost or self.double or self.wrong)


def judge(folder: Path, log: Log) -> Verdict:
    """Judge the folder of a rater that was stopped, after it caught up with its journal."""
    wrong = audit(folder)
    with duckdb.connect(str(folder / "store" / STORE_FILE), read_only=True) as store:
        calls = store.execute("SELECT trace_ids[1], customer, input, output FROM calls").fetchall()
        fates = dict(store.execute("SELECT fate, count(*) FROM fates GROUP BY fate").fetchall())
    wrong += [f"{count} pieces {fate}" for fate, count in fates.items() if fate != "duplicate"]
    return compare(log.acknowledged, [Sent(*call) for call in calls], fates.get("duplicate", 0), wrong)


def compare(acknowledged: Mapping[str, Sent], calls: Iterable[Sent], duplicates: int, wrong: list[str]) -> Verdict:
    """Compare the sender's list with the calls of a store."""
    seen = Counter(call.trace_id for call in calls)
    found = {call.trace_id: call for call in calls}
    expected = dict(acknowledged)
    wrong = wrong + [f"{call}, sent {expected.get(name)}" for name, call in found.items() if call != expected.get(name)]
    if tokens(found.values()) != tokens(acknowledged.values()):
        wrong.append(f"tokens of customers {tokens(found.values())}, sent {tokens(acknowledged.values())}")
    lost = sum(name not in seen for name in acknowledged)
    double = sum(count - 1 for count in seen.values())
    return Verdict(len(acknowledged), duplicates, lost, double, tuple(wrong))


def tokens(calls: Iterable[Sent]) -> dict[str, tuple[int, int]]:
    """Return input and output tokens of each customer."""
    sums: dict[str, tuple[int, int]] = {}
    for call in calls:
        before = sums.get(call.customer, (0, 0))
        sums[call.customer] = (before[0] + call.input, before[1] + call.output)
    return sums


def audit(folder: Path) -> list[str]:
    """Run ``tollspan audit --full`` and return what it says when it finds something."""
    done = subprocess.run(
        [sys.executable, "-m", "tollspan_rater", "audit", "--full", "--data", str(folder)],
        capture_output=True, text=True, check=False, timeout=AUDIT_S,
    )  # fmt: skip
    return [] if done.returncode == 0 else [f"audit exits {done.returncode}:\n{done.stdout}{done.stderr}"]
