"""The benchmark of the instrumentation's cost in its small form: every row is measured and printed."""

from __future__ import annotations

from benchmarks.overhead.__main__ import lines
from benchmarks.overhead.calls import (
    ASKING_STREAM,
    HTTP,
    HTTP_STREAM,
    NULL,
    OTEL_SDK,
    OTEL_STREAM,
    SDK,
    SPAN,
    SPAN_BESIDE,
    STREAM,
)  # fmt: skip
from benchmarks.overhead.fresh import ROWS
from benchmarks.overhead.pairs import Pair, measured

MEASURED = (NULL, HTTP, SDK, HTTP_STREAM, STREAM, ASKING_STREAM, SPAN, SPAN_BESIDE, OTEL_SDK, OTEL_STREAM)


def test_every_row_is_measured_and_printed() -> None:
    found = [line.split(" | ") for line in lines(rounds=1, scale=1, starts=1) if line.startswith("| ")]
    assert [cells[0].removeprefix("| ") for cells in found] == [*MEASURED, *(base for base, _ in ROWS)]
    assert [cells[1] for cells in found[len(MEASURED) :]] == [what for _, what in ROWS]


def test_off_and_on_take_turns_so_that_a_drift_cancels_out() -> None:
    seen: list[str] = []
    pair = Pair("p", lambda: seen.append("off"), lambda: seen.append("on"), 1,
                put_in=lambda: seen.append("in"), take_out=lambda: seen.append("out"))  # fmt: skip
    found = measured([pair], 1)
    assert seen == ["off", "in", "on", "out", "in", "on", "out", "off"]
    assert (found["p"].low, found["p"].high) == (found["p"].added, found["p"].added)
