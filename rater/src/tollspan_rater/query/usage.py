"""Who used what: rated calls of a span of time, added up by any dimensions."""

from __future__ import annotations

from collections.abc import Mapping

from tollspan_rater.query.answer import Answer
from tollspan_rater.query.grouping import TOKEN_COLUMNS, group, share
from tollspan_rater.query.scope import Scope, currency_of, rated_sums, reader
from tollspan_rater.query.tabulate import Row, answered, number, ordered, pot_of, rows_of, totals, wholes


def usage(scope: Scope, params: Mapping[str, str]) -> Answer:
    """Answer: calls, tokens by kind, charge, cost and share, by any dimensions."""
    by = list(dict.fromkeys(params.get("by", "customer").split(",")))
    calls, path = rated_sums(scope, params, by)
    groups = group(calls, [reader(scope, name) for name in by], currency_of(scope))
    columns = (
        *by, "calls", "units", *(("quantity",) if "meter" in by else ()), *TOKEN_COLUMNS, "total_tokens",
        "charge", *(() if "currency" in by else ("currency",)), "cost", "cost_currency", "share",
        "unmeasured", "unpriced", "unknown_cost",
    )  # fmt: skip
    rows = rows_of(groups, by)
    sort = params.get("sort", "charge")
    _add_shares(rows, "total_tokens" if sort in by else sort)
    rows = ordered(rows, sort, columns)
    return answered(scope, "Usage", columns, rows, groups, params, totals(rows, columns), path)


def _add_shares(rows: list[Row], measure: str) -> None:
    """Add each row's share of a measure in percent: of money within its currency, of counts within all rows."""
    if not all(measure in row for row in rows):
        return
    whole = wholes(rows, measure)
    for row in rows:
        value = row[measure]
        row["share"] = None if value is None else share(number(value), whole[pot_of(row, measure)])
