"""The instant at which the window of a row begins: what a chart takes as its place in time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from tollspan_rater.query.answer import Answer, Cell
from tollspan_rater.query.window import WINDOWS, begin_of
from tollspan_rater.query.wording import instant

BEGINS_AT: Final = "begins_at"


def with_begins(answer: Answer, params: Mapping[str, str]) -> Answer:
    """Return an answer that is grouped by windows of time with a column that says when each row's begin.

    Of several windows the one that begins last counts: no call of the row is earlier. A row that lies in no window,
    such as a fee of a whole period, begins never.
    """
    windows = [name for name in params.get("by", "").split(",") if name in WINDOWS and name in answer.columns]
    if not windows:
        return answer
    rows = [{**row, BEGINS_AT: _begins(row, windows, answer.zone)} for row in answer.rows]
    place = 1 + max(list(answer.columns).index(name) for name in windows)
    return replace(answer, columns=[*answer.columns[:place], BEGINS_AT, *answer.columns[place:]], rows=rows)


def _begins(row: Mapping[str, Cell], windows: Sequence[str], zone: str) -> str | None:
    try:
        return instant(max(begin_of(name, str(row[name]), zone) for name in windows))
    except ValueError:  # a place such as "(base fee)", which is no window
        return None
