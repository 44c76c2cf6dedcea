"""What the rater makes of the recorded traces, beside the provider's bill and a plain sum of attributes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from conformance.sum_search import findable, findable_by_repeating

from tests.dialects.recording import FIGURES, Recording, recordings, requests
from tests.pipeline.rig import a_rig
from tollspan_rater.domain.entries import Batch

_RECEIVED_NS = 1_800_000_000 * 1_000_000_000  # after the last recorded span
NOT_EXACT = {"unmeasured", "lower_bound", "estimated"}


@dataclass(frozen=True)
class Compared:
    """One trace: the calls that came out, and what became of each figure of the bill."""

    recording: Recording
    calls: tuple[dict[str, Any], ...]
    exact: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
    wrong: tuple[str, ...] = ()
    silent: tuple[str, ...] = field(default=())

    def total(self, figure: str) -> int | None:
        """Return a figure over all calls; None when no call knows it."""
        known = [call[figure] for call in self.calls if call[figure] is not None]
        return sum(known) if known else None

    @property
    def qualities(self) -> str:
        return ",".join(sorted({call["quality"] for call in self.calls}))

    @property
    def marked(self) -> bool:
        """Whether every call says that its usage is not exact."""
        return bool(self.calls) and all(call["quality"] in NOT_EXACT for call in self.calls)

    @property
    def sum_is_right(self) -> bool:
        """Whether adding attributes up gives the bill's input and output."""
        summed, bill = self.recording.summed, self.recording.bill
        return all(summed[figure] == (bill[figure] or 0) for figure in ("input", "output"))


def compared() -> list[Compared]:
    """Send every recorded request through journal, pipeline and store, and compare."""
    with a_rig() as rig:
        for position, body in enumerate(requests(), start=1):
            rig.journal.entries.append(Batch(position, _RECEIVED_NS, "t1", "s", "otlp-json", body))
        rig.writer.catch_up()
        columns = ("trace_ids", "quality", "dialect", *FIGURES)
        rows = rig.rows(f"SELECT {', '.join(columns)} FROM calls ORDER BY started_ns, call_id")  # noqa: S608 - our text
    calls = [dict(zip(columns, row, strict=True)) for row in rows]
    return [_compared(one, tuple(call for call in calls if one.trace_id in call["trace_ids"])) for one in recordings()]


def _compared(recording: Recording, calls: tuple[dict[str, Any], ...]) -> Compared:
    plain = Compared(recording, calls)
    if not recording.measured:
        return plain
    became: dict[str, list[str]] = {"exact": [], "absent": [], "wrong": [], "silent": []}
    numbers = recording.numbers
    for figure in FIGURES:
        billed, got = recording.bill[figure] or 0, plain.total(figure)
        if billed and got == 0:
            became["silent"].append(figure)
        if (got or 0) == billed:
            became["exact"].append(figure)
        else:
            became["wrong" if findable(billed, numbers) else "absent"].append(figure)
    became["exact" if len(calls) == recording.bill["calls"] else "wrong"].append("calls")
    return Compared(recording, calls, **{name: tuple(figures) for name, figures in became.items()})


def report(rows: Sequence[Compared]) -> Iterator[str]:
    """Yield the lines of the report."""
    yield "input/cache read/cache write/output/reasoning and calls; - is unknown"
    yield from _table([_HEADER, *(_cells(row) for row in rows)])
    measured = [row for row in rows if row.recording.measured]
    yield ""
    yield "absent: neither the figure nor a sum of up to three numbers of its trace equal to it stands in the trace"
    for row in measured:
        for figure in row.absent:
            yield _absent_line(row, figure)
    unmeasured = [row for row in rows if not row.recording.measured]
    figures = {
        name: sum(len(getattr(row, name)) for row in measured) for name in ("exact", "absent", "wrong", "silent")
    }
    yield ""
    yield f"measured cases {len(measured)}: all figures exact or absent in {sum(not row.wrong for row in measured)}"
    yield (
        f"figures {sum(figures.values()) - figures['silent']}: exact {figures['exact']}, absent {figures['absent']}, "
        f"wrong {figures['wrong']}, silent zeros {figures['silent']}"
    )
    yield f"sum of attributes: input and output right in {sum(row.sum_is_right for row in measured)} of {len(measured)}"
    yield f"unmeasured cases {len(unmeasured)}: marked {sum(row.marked for row in unmeasured)}"


def holds(rows: Sequence[Compared]) -> bool:
    """Tell whether no figure is wrong, no zero silent, and every unmeasured case marked."""
    return not any(row.wrong or row.silent or not (row.recording.measured or row.marked) for row in rows)


_HEADER = ("stack", "case", "provider's bill", "sum of attributes", "tollspan", "quality", "")


def _cells(row: Compared) -> tuple[str, ...]:
    bill, summed = row.recording.bill, row.recording.summed
    said = "/".join(str(bill[figure] or 0) for figure in FIGURES) + f" x{bill['calls']}"
    got = "/".join("-" if row.total(figure) is None else str(row.total(figure)) for figure in FIGURES)
    verdict = "marked" if row.marked else "NOT MARKED"
    if row.recording.measured:
        verdict = (
            f"WRONG {' '.join(row.wrong)}" if row.wrong else f"absent {' '.join(row.absent)}" if row.absent else ""
        )
    return (
        row.recording.stack,
        row.recording.case,
        said if row.recording.measured else "not stated",
        f"{summed['input']}/{summed['output']} x{summed['calls']}",
        f"{got} x{len(row.calls)}",
        row.qualities,
        verdict,
    )


def _absent_line(row: Compared, figure: str) -> str:
    billed, got = row.recording.bill[figure] or 0, row.total(figure)
    copies = (
        " (a sum only if one number counts more than once)"
        if findable_by_repeating(billed, row.recording.numbers)
        else ""
    )
    return f"  {row.recording.name} {figure}: billed {billed}, tollspan {'unknown' if got is None else got}{copies}"


def _table(rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    widths = [max(len(row[place]) for row in rows) for place in range(len(_HEADER))]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
