"""Why something costs what it costs: from a trace, span, call or line to the bill, and back."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from tollspan_rater.errors import NotFoundError
from tollspan_rater.query.answer import Answer, Cell
from tollspan_rater.query.explain_call import MOST_CALLS, Calls, Row
from tollspan_rater.query.explain_line import line_rows
from tollspan_rater.query.scope import Scope
from tollspan_rater.store import fates

COLUMNS: Final = ("about", "what", "value")
_IDS: Final = "a trace id (32 hex digits), span id (16), call id (c_...) or line id (ln_...)"
_TRACE, _SPAN = re.compile("[0-9a-f]{32}"), re.compile("[0-9a-f]{16}")


def explain(scope: Scope, params: Mapping[str, str]) -> Answer:
    """Answer: everything known about an id, on one screen; nothing about none."""
    name = params["id"].strip()
    if not name:
        return Answer("Nothing to explain", COLUMNS, [], scope.as_of, scope.zone, [f"give {_IDS}"])
    low = name.lower()
    if name.startswith("ln_"):
        title, found = f"Line {name}", line_rows(scope, name)
    elif name.startswith(("c_", "m_")):
        title, found = f"Call {name}", Calls(scope).of_id(name)
    elif _TRACE.fullmatch(low):
        title, found = f"Trace {low}", _trace(scope, low, None)
    elif _SPAN.fullmatch(low):
        title, found = f"Span {low}", _span(scope, low)
    else:
        raise NotFoundError("id", name, f"Give {_IDS}.")
    rows: list[dict[str, Cell]] = [{"about": about, "what": what, "value": value} for about, what, value in found]
    return Answer(title, COLUMNS, rows, scope.as_of, scope.zone)


def _trace(scope: Scope, trace_id: str, span_id: str | None) -> list[Row]:
    pieces = fates.of_trace(scope.connection, scope.accounts.tenant, trace_id, span_id)
    if not pieces:
        raise NotFoundError("trace", trace_id, "It was not received, or belongs to another tenant.")
    rows: list[Row] = [
        (f"span {piece.span_id}", f"fate of piece {piece.position}:{piece.ordinal}", _fate(piece)) for piece in pieces
    ]
    calls = Calls(scope)
    member = trace_id if span_id is None else f"{trace_id}:{span_id}"
    found = calls.with_member(member)
    rows.extend(calls.rows(found[:MOST_CALLS]))
    rows.extend(calls.void_with_member(member))
    rows.extend(calls.without_authority(trace_id, span_id))
    if len(found) > MOST_CALLS:
        rows.append((f"trace {trace_id}", "calls", f"{len(found)} in all; explain each by its span or call id"))
    return rows


def _fate(piece: fates.PieceFate) -> str:
    words = piece.fate
    if piece.reason:
        words += f" ({piece.reason})"
    if piece.held_by:
        words += f", held by piece {piece.held_by}"
    return words


def _span(scope: Scope, span_id: str) -> list[Row]:
    traces = scope.connection.execute(
        "SELECT DISTINCT trace_id FROM spans WHERE tenant = $tenant AND span_id = $span "
        "UNION SELECT DISTINCT trace_id FROM fates WHERE tenant = $tenant AND span_id = $span ORDER BY 1",
        {"tenant": scope.accounts.tenant, "span": span_id},
    ).fetchall()
    if not traces:
        raise NotFoundError("span", span_id, "It was not received, or belongs to another tenant.")
    return [row for (trace_id,) in traces for row in _trace(scope, trace_id, span_id)]
