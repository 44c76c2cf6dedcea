"""One row for each physical provider call."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from tollspan_rater.errors import UsageError
from tollspan_rater.query.answer import Answer, Cell
from tollspan_rater.query.grouping import TOKEN_COLUMNS, UNSAID
from tollspan_rater.query.rated import RatedCall
from tollspan_rater.query.scope import Scope, rated_calls
from tollspan_rater.query.wording import instant, plain

_DIGITS: Final = 20


def calls(scope: Scope, params: Mapping[str, str]) -> Answer:
    """Answer: one row for each physical provider call, or for each unit measure, in the order of time."""
    limit, cursor = int(params.get("limit", "100")), params.get("cursor")
    after, kind = _instant(cursor), params.get("kind", "call")
    rows: list[dict[str, Cell]] = []
    more, last = False, ""
    for call in rated_calls(scope, params, after):
        if call.row.kind != kind or (cursor is not None and _place(call) <= cursor):
            continue
        if len(rows) == limit:
            more = True
            break
        rows.append(_call(call))
        last = _place(call)
    notes = [f"more follow: --cursor {last}, or a larger --limit"] if more else []
    columns = tuple(rows[0]) if rows else CALL_COLUMNS
    return Answer(
        "Calls", columns, scope.people(rows), scope.as_of, scope.zone, notes, details={"cursor": last} if more else {}
    )


CALL_COLUMNS: Final = (
    "call_id", "trace_ids", "customer", "user", "workspace", "feature", "environment", "provider", "model",
    "operation", "input_tokens", "cache_read_tokens", "cache_write_tokens", "output_tokens", "reasoning_tokens",
    "total_tokens", "quality", "outcome", "attempt", "retry_of", "on_invoice", "counts_toward_quota", "reason",
    "plan", "cost", "reported_cost", "charge", "currency", "price_version", "ttft_ms", "duration_ms", "started_at",
    "service_tier", "units", "terms", "details", "conflicts", "meter", "quantity", "dialect", "flags",
)  # fmt: skip


def _call(call: RatedCall) -> dict[str, Cell]:
    row = call.row
    values: dict[str, Cell] = {
        "call_id": row.call_id,
        "trace_ids": list(row.trace_ids),
        **{column: getattr(row, name) for column, name in TOKEN_COLUMNS.items()},
        "total_tokens": row.usage.total,
        "environment": row.environment or UNSAID["environment"],
        "on_invoice": call.decision.on_invoice,
        "counts_toward_quota": call.decision.counts_toward_quota,
        "reason": str(call.reason),
        "plan": call.plan,
        "quantity": plain(row.quantity),
        "cost": plain(call.cost_amount),
        "reported_cost": plain(row.reported_cost),
        "charge": plain(call.charged.amount),
        "currency": call.charged.currency,
        "price_version": call.charged.version,
        "duration_ms": (row.ended_ns - row.started_ns) // 1_000_000,
        "started_at": instant(row.started_ns),
    }
    return {name: values[name] if name in values else getattr(row, name) for name in CALL_COLUMNS}


def _instant(cursor: str | None) -> int | None:
    """Return the service time in a cursor: what lies before its period need not be rated again.

    Raises:
        UsageError: it is no cursor of ours.
    """
    if cursor is None:
        return None
    digits, dot, call_id = cursor.partition(".")
    if not (digits.isdecimal() and len(digits) == _DIGITS and dot and call_id):
        raise UsageError(f"{cursor!r} is no cursor: take it from the notes of an earlier answer")
    return int(digits)


def _place(call: RatedCall) -> str:
    return f"{call.row.started_ns:0{_DIGITS}d}.{call.row.call_id}"
