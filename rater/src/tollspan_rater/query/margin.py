"""Revenue, provider cost and margin, by any dimensions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Final

from tollspan_rater.domain.money import EXACT, exact_sum
from tollspan_rater.query.answer import Answer
from tollspan_rater.query.fee_share import Weights
from tollspan_rater.query.fees import Beside, beside_usage
from tollspan_rater.query.grouping import ZERO, Sums, group, share
from tollspan_rater.query.imported_revenue import imported_revenue
from tollspan_rater.query.scope import Scope, asked_span, currency_of, grouped_sums, rated_sums, reader
from tollspan_rater.query.selection import COLUMN_FILTERS
from tollspan_rater.query.tabulate import Row, add_shares, answered, number, ordered, rows_of, shown, totals
from tollspan_rater.query.wording import plain

_COLUMNS: Final = (
    "calls", "revenue", "base_fees", "modifiers", "imported", "cost", "margin", "margin_percent", "currency",
    "cost_currency", "share", "cumulative_share", "unpriced", "unknown_cost",
)  # fmt: skip
_IMPORTED_NOTE: Final = "imported is revenue that was billed elsewhere: tollspan revenue list"
_FEES_NOTE: Final = (
    "base fees and modifiers are those of the whole periods that the calls lie in, of all customers with a plan"
)
_NARROW_NOTE: Final = "base fees, modifiers and imported revenue are of no single call and left out: {} filters calls"
# Filters that bills and imported revenue know nothing of.
_OF_CALLS: Final = (COLUMN_FILTERS.keys() | {"reason", "unpriced", "unattributed"}) - {"customer"}


def margin(scope: Scope, params: Mapping[str, str]) -> Answer:
    """Answer: revenue with fees and modifiers, provider cost, margin; what has no price or cost stands apart.

    A filter on calls leaves out revenue that no call causes.
    """
    by = list(dict.fromkeys(params.get("by", "customer").split(",")))
    weights = Weights([reader(scope, name) for name in by], currency_of(scope))
    if scope.accounts.divides_fees():
        calls, path = rated_sums(scope, params, [*by, "customer"])
        groups = group(weights.noting(calls), weights.readers, weights.currency_of)
    else:
        groups, path = grouped_sums(scope, params, by)
    narrow = sorted(_OF_CALLS & params.keys())
    beside = {} if narrow else beside_usage(scope, params, asked_span(scope, params), by, weights)
    imported = {} if narrow else imported_revenue(scope, params, by)
    for key in (*beside, *imported):
        groups.setdefault(key, Sums())
    columns = tuple(dict.fromkeys((*by, *_COLUMNS)))
    rows = rows_of(groups, by)
    nothing, sort = Beside(), params.get("sort", "margin")
    for row in rows:
        key = (*(_text(row, name) for name in by), _text(row, "currency"))
        _earn(row, beside.get(key, nothing), imported.get(key, ZERO))
    if sort == "margin_percent":
        _add_percent(rows)
    rows = ordered(rows, sort, columns)
    _add_percent(shown(rows, params))
    add_shares(rows, "revenue" if sort in by else sort, params)
    total = totals(rows, columns)
    if total is not None and "revenue" in total:
        _subtract(total)
        _add_percent([total])
        total["margin"] = plain(_amount(total, "margin"))
    answer = answered(scope, "Margin", columns, rows, groups, params, total, path)
    said = ((beside, _FEES_NOTE), (imported, _IMPORTED_NOTE), (narrow, _NARROW_NOTE.format(", ".join(narrow))))
    notes = [*answer.notes, *(words for holds, words in said if holds)]
    return Answer(answer.title, columns, answer.rows, answer.as_of, answer.zone, notes, total, details=answer.details)


def _earn(row: Row, beside: Beside, imported: Decimal) -> None:
    """Add revenue and margin; what is unknown on one side leaves the margin unknown."""
    charge, more = row["charge"], exact_sum([beside.fees, beside.modifiers, imported])
    nothing = charge is None and not (beside.fees or beside.modifiers or imported)
    row["revenue"] = None if nothing else EXACT.add(number(charge), more)
    row["base_fees"], row["modifiers"], row["imported"] = beside.fees, beside.modifiers, imported
    row["margin_percent"] = None
    _subtract(row)


def _subtract(row: Row) -> None:
    """Set the margin: revenue less known cost, None without revenue, across currencies, or without any known cost."""
    revenue, cost = row["revenue"], row.get("cost")
    same = cost is None or row.get("currency") in {None, row.get("cost_currency")}
    known = revenue is not None and same and not (cost is None and row["unknown_cost"])
    row["margin"] = EXACT.subtract(number(revenue), number(cost)) if known else None


def _add_percent(rows: Iterable[Row]) -> None:
    """Set the margin in percent of revenue."""
    for row in rows:
        row["margin_percent"] = share(_amount(row, "margin"), number(row["revenue"]))


def _amount(row: Row, name: str) -> Decimal | None:
    return None if row[name] is None else number(row[name])


def _text(row: Row, name: str) -> str | None:
    value = row[name]
    return None if value is None else str(value)
