"""Reading a published trace: a CSV of time, input tokens, output tokens."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Final

from tollspan_rater.domain.clock import to_ns
from tollspan_rater.errors import TraceFileError

# Header names, lower case, letters and digits only. The first of each is that of the Azure LLM inference dataset.
NAMES: Final[Mapping[str, tuple[str, ...]]] = {
    "time": ("timestamp", "time", "ts", "startedat", "createdat", "starttime", "arrivaltime"),
    "input": ("contexttokens", "inputtokens", "prompttokens", "requesttokens", "tokensin", "inputlength", "input"),
    "output": (
        *("generatedtokens", "outputtokens", "completiontokens", "responsetokens", "tokensout"),
        *("outputlength", "output"),
    ),
}
_FRACTION: Final = re.compile(r"\.(\d{1,9})\d*")
_COUNT: Final = re.compile(r"\d{1,12}")
_SECOND_NS: Final = 1_000_000_000
_LAST_SECOND: Final = 9_000_000_000  # nanoseconds in 64 bits end soon after; milliseconds are seen here


@dataclass(frozen=True, slots=True)
class TraceRow:
    """One call of a trace: its time in nanoseconds since the epoch, and its tokens."""

    start_ns: int
    input: int
    output: int


def read_trace(path: Path) -> list[TraceRow]:
    """Read a trace in the order of its lines.

    A time is ISO 8601 (UTC unless it names an offset) or a number of seconds since the epoch.

    Raises:
        TraceFileError: the file is no such CSV, or a line of it cannot be read.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines = csv.reader(file)
            columns = _columns(path, next(lines, []))
            rows = [_row(path, lines.line_num, columns, cells) for cells in lines if cells]
    except (UnicodeDecodeError, csv.Error) as error:
        raise TraceFileError(path, 1, f"this is no CSV in UTF-8 ({error})", "Give the unpacked CSV file") from error
    if not rows:
        raise TraceFileError(path, 1, "there is no call in it", "Give a CSV with a header and a line for each call")
    return rows


def _columns(path: Path, header: Sequence[str]) -> dict[str, int]:
    known = [re.sub(r"[^a-z0-9]", "", name.lower()) for name in header]
    found = {
        what: min((known.index(name) for name in names if name in known), default=-1) for what, names in NAMES.items()
    }
    for what, place in found.items():
        if place < 0:
            problem = f"no column of {header} tells the {what}"
            raise TraceFileError(path, 1, problem, f"Name one of them {' or '.join(NAMES[what][:3])}")
    return found


def _row(path: Path, line: int, columns: Mapping[str, int], cells: Sequence[str]) -> TraceRow:
    if max(columns.values()) >= len(cells):
        raise TraceFileError(path, line, f"only {len(cells)} cells", "Give every line as many cells as the header has")
    text = {what: cells[place].strip() for what, place in columns.items()}
    for what in ("input", "output"):
        if not _COUNT.fullmatch(text[what]):
            problem = f"{what} tokens {text[what]!r} are no whole number"
            raise TraceFileError(path, line, problem, "Write digits only, for example 4808")
    try:
        start_ns = instant_ns(text["time"])
    except (ValueError, InvalidOperation) as error:
        remedy = "Write it like 2023-11-16 18:17:03.97996, or in seconds since 1970"
        raise TraceFileError(path, line, f"the time {text['time']!r} cannot be read", remedy) from error
    return TraceRow(start_ns, int(text["input"]), int(text["output"]))


def instant_ns(text: str) -> int:
    """Return the instant that a text names, to the nanosecond.

    Raises:
        ValueError, InvalidOperation: it names none.
    """
    if "-" not in text:
        seconds = Decimal(text)
        if not seconds.is_finite() or seconds > _LAST_SECOND:
            raise ValueError(text)
        return int(seconds * _SECOND_NS)
    fraction = _FRACTION.search(text)
    at = datetime.fromisoformat(_FRACTION.sub("", text, count=1))
    whole_ns = to_ns(at if at.tzinfo is not None else at.replace(tzinfo=UTC))
    return whole_ns + (int(fraction[1].ljust(9, "0")) if fraction else 0)
