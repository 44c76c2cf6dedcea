"""Who used what: rated calls of a span of time, added up by any dimensions."""

from __future__ import annotations

from collections.abc import Mapping

from tollspan_rater.errors import UsageError
from tollspan_rater.query.allowance import allowance
from tollspan_rater.query.answer import Answer
from tollspan_rater.query.grouping import TOKEN_COLUMNS
from tollspan_rater.query.meter_usage import meter_usage
from tollspan_rater.query.scope import Scope, grouped_sums
from tollspan_rater.query.tabulate import add_shares, answered, ordered, rows_of, totals


def usage(scope: Scope, params: Mapping[str, str]) -> Answer:
    """Answer: calls, tokens by kind, charge, cost and share, by any dimensions; or one meter; or allowances.

    Raises:
        UsageError: an aggregate without its meter, or a sort by what is no column.
    """
    if "against_plan" in params:
        return allowance(scope, params)
    by = list(dict.fromkeys(params.get("by", "customer").split(",")))
    if "meter" in params:
        return meter_usage(scope, params, by)
    if "aggregate" in params or "of" in params:
        raise UsageError("--aggregate and --of are about one meter: give --meter, for example --meter input")
    groups, path = grouped_sums(scope, params, by)
    columns = (
        *by, "calls", "units", *(("quantity",) if "meter" in by else ()), *TOKEN_COLUMNS, "total_tokens",
        "charge", *(() if "currency" in by else ("currency",)), "cost", "cost_currency", "share", "cumulative_share",
        "unmeasured", "unpriced", "unknown_cost",
    )  # fmt: skip
    rows = rows_of(groups, by)
    sort = params.get("sort", "charge")
    rows = ordered(rows, sort, columns)
    add_shares(rows, "total_tokens" if sort in by else sort, params)
    return answered(scope, "Usage", columns, rows, groups, params, totals(rows, columns), path)
