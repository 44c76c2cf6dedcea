"""One row for each physical provider call."""

from __future__ import annotations

from collections.abc import Mapping

from tollspan_rater.errors import UsageError
from tollspan_rater.query.answer import Answer, Cell
from tollspan_rater.query.call_row import CALL_COLUMNS, PLACE_DIGITS, call_cells, place_of
from tollspan_rater.query.line_calls import line_calls
from tollspan_rater.query.scope import Scope, rated_calls


def calls(scope: Scope, params: Mapping[str, str]) -> Answer:
    """Answer: one row for each physical provider call, each unit measure, or each of both that adds to a line."""
    if "line" in params:
        return line_calls(scope, params)
    limit, cursor = int(params.get("limit", "100")), params.get("cursor")
    after, kind = _instant(cursor), params.get("kind", "call")
    rows: list[dict[str, Cell]] = []
    more, last = False, ""
    for call in rated_calls(scope, params, after, limit + 1):
        if call.row.kind != kind or (cursor is not None and place_of(call) <= cursor):
            continue
        if len(rows) == limit:
            more = True
            break
        rows.append(call_cells(call))
        last = place_of(call)
    notes = [f"more follow: --cursor {last}, or a larger --limit"] if more else []
    columns = tuple(rows[0]) if rows else CALL_COLUMNS
    return Answer(
        "Calls", columns, scope.people(rows), scope.as_of, scope.zone, notes, details={"cursor": last} if more else {}
    )


def _instant(cursor: str | None) -> int | None:
    """Return the service time in a cursor: what lies before its period need not be rated again.

    Raises:
        UsageError: it is no cursor of ours.
    """
    if cursor is None:
        return None
    digits, dot, call_id = cursor.partition(".")
    if not (digits.isdecimal() and len(digits) == PLACE_DIGITS and dot and call_id):
        raise UsageError(f"{cursor!r} is no cursor: take it from the notes of an earlier answer")
    return int(digits)
