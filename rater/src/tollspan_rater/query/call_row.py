"""A call as a row of an answer, and its place in the order of time."""

from __future__ import annotations

from typing import Final

from tollspan_rater.query.answer import Cell
from tollspan_rater.query.grouping import TOKEN_COLUMNS, UNSAID
from tollspan_rater.query.rated import RatedCall
from tollspan_rater.query.wording import instant, plain

PLACE_DIGITS: Final = 20
CALL_COLUMNS: Final = (
    "call_id", "trace_ids", "customer", "user", "workspace", "feature", "environment", "provider", "model",
    "operation", "input_tokens", "cache_read_tokens", "cache_write_tokens", "output_tokens", "reasoning_tokens",
    "total_tokens", "quality", "outcome", "attempt", "retry_of", "on_invoice", "counts_toward_quota", "reason",
    "plan", "cost", "reported_cost", "charge", "currency", "price_version", "ttft_ms", "duration_ms", "started_at",
    "service_tier", "units", "terms", "details", "conflicts", "meter", "quantity", "dialect", "flags",
)  # fmt: skip


def call_cells(call: RatedCall) -> dict[str, Cell]:
    """Return the columns of a call, or of a unit measure."""
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


def place_of(call: RatedCall) -> str:
    """Return a text by which calls sort as their (service time, call id) do: the cursor of a list."""
    return f"{call.row.started_ns:0{PLACE_DIGITS}d}.{call.row.call_id}"
