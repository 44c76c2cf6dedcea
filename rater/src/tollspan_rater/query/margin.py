"""Revenue, provider cost and margin, by any dimensions."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from tollspan_rater.domain.money import EXACT
from tollspan_rater.query.answer import Answer
from tollspan_rater.query.grouping import Sums, group, share
from tollspan_rater.query.invoice import base_fees
from tollspan_rater.query.scope import Scope, asked_span, currency_of, rated_sums, reader
from tollspan_rater.query.tabulate import Row, answered, number, ordered, rows_of, totals
from tollspan_rater.query.wording import plain

_COLUMNS: Final = (
    "calls", "revenue", "base_fees", "cost", "margin", "margin_percent", "currency", "cost_currency",
    "unpriced", "unknown_cost",
)  # fmt: skip
_FEES_NOTE: Final = "base fees are those of the whole periods that the calls lie in, of all customers with a plan"


def margin(scope: Scope, params: Mapping[str, str]) -> Answer:
    """Answer: revenue, provider cost and margin; base fees are revenue, what has no price or cost stands apart."""
    by = list(dict.fromkeys(params.get("by", "customer").split(",")))
    calls, path = rated_sums(scope, params, by)
    groups = group(calls, [reader(scope, name) for name in by], currency_of(scope))
    fees = base_fees(scope, asked_span(scope, params), params.get("customer"), by)
    for key in fees:
        groups.setdefault(key, Sums())
    columns = tuple(dict.fromkeys((*by, *_COLUMNS)))
    rows = rows_of(groups, by)
    for row in rows:
        _earn(row, fees.get((*(_text(row, name) for name in by), _text(row, "currency")), Decimal(0)))
    rows = ordered(rows, params.get("sort", "margin"), columns)
    total = totals(rows, columns)
    if total is not None and "revenue" in total:
        _subtract(total)
    answer = answered(scope, "Margin", columns, rows, groups, params, total, path)
    notes = [*answer.notes, *([_FEES_NOTE] if fees else [])]
    return Answer(answer.title, columns, answer.rows, answer.as_of, answer.zone, notes, total, details=answer.details)


def _earn(row: Row, fee: Decimal) -> None:
    """Add revenue and margin; what is unknown on one side leaves the margin unknown."""
    charge = row["charge"]
    row["revenue"] = None if charge is None and not fee else plain(EXACT.add(number(charge), fee))
    row["base_fees"] = plain(fee)
    _subtract(row)


def _subtract(row: Row) -> None:
    """Set the margin: revenue less known cost, None without revenue, across currencies, or without any known cost."""
    revenue, cost = row["revenue"], row.get("cost")
    same = cost is None or row.get("currency") in {None, row.get("cost_currency")}
    known = revenue is not None and same and not (cost is None and row["unknown_cost"])
    earned = EXACT.subtract(number(revenue), number(cost)) if known else None
    row["margin"] = plain(earned)
    row["margin_percent"] = share(earned, number(revenue))


def _text(row: Row, name: str) -> str | None:
    value = row[name]
    return None if value is None else str(value)
