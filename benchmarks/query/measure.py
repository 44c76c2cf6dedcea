"""Questions over HTTP and bare queries, taking turns, so that whatever else the machine does weighs on both."""

from __future__ import annotations

import http.client
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from urllib.parse import urlencode

import duckdb

from benchmarks.ingest.processes import RaterServer
from benchmarks.query.questions import Asked

WARM: Final = 2  # rounds that are not counted
FEWEST: Final = 5  # rounds of a question, however long they take
PATIENCE_S: Final = 60.0  # after which no more rounds of a question begin


@dataclass(frozen=True, slots=True)
class Times:
    """Milliseconds of the median and of the slowest of a hundred; of fewer rounds, of the slowest of all."""

    rounds: int
    p50: float
    p99: float

    @staticmethod
    def of(seconds: Sequence[float]) -> Times:
        """Return the times of some rounds."""
        ordered = sorted(seconds)
        p50, p99 = (1_000 * ordered[min(int(len(ordered) * share), len(ordered) - 1)] for share in (0.5, 0.99))
        return Times(len(seconds), p50, p99)


def measured(
    server: RaterServer, copy: Path, asked: Sequence[Asked], rounds: int
) -> Iterator[tuple[Asked, Times, Times]]:
    """Yield each question with the times of its answers, and those of its bare query in a copy of the store.

    Answers are of what is in the store (``as_of=stored``): how long spans take to get there, benchmarks.ingest tells.
    """
    month = datetime.now(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    with duckdb.connect(str(copy), read_only=True) as bare:
        for each in asked:
            tasks = (_question(server, each, month), _query(bare, each, month))
            taken: tuple[list[float], list[float]] = ([], [])
            first = time.perf_counter()
            for number in range(WARM + rounds):
                if number >= WARM + FEWEST and time.perf_counter() - first > PATIENCE_S:
                    break
                for task, times in zip(tasks, taken, strict=True):
                    begin = time.perf_counter()
                    task()
                    if number >= WARM:
                        times.append(time.perf_counter() - begin)
            yield each, Times.of(taken[0]), Times.of(taken[1])


def _question(server: RaterServer, asked: Asked, month: datetime) -> Callable[[], None]:
    params = {**asked.params, "as_of": "stored", **({"from": f"{month:%Y-%m-%d}"} if asked.month else {})}
    address = f"/v1/{asked.path}?{urlencode(params)}"
    connection = http.client.HTTPConnection(server.api, timeout=600)

    def ask() -> None:
        connection.request("GET", address, headers={"authorization": f"Bearer {server.token}"})
        answer = connection.getresponse()
        said = answer.read()
        if answer.status != http.client.OK:
            raise RuntimeError(said.decode())

    return ask


def _query(bare: duckdb.DuckDBPyConnection, asked: Asked, month: datetime) -> Callable[[], None]:
    values: dict[str, object] = {"month": int(month.timestamp()) * 1_000_000_000}
    if "$customer" in asked.bare:
        values["customer"] = asked.params["customer"]
    return lambda: bare.execute(asked.bare, values).fetchall() and None
