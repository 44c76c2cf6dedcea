"""Revenue, provider cost and margin, by any dimensions."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from tollspan_rater.domain.money import EXACT
from tollspan_rater.query.answer import Answer
from tollspan_rater.query.grouping import Sums, group, share
from tollspan_rater.query.invoice import base_fees
from tollspan_rater.query.scope import Scope, currency_of, rated_calls
from tollspan_rater.query.usage import answered, ordered
from tollspan_rater.query.wording import plain


def margin(scope: Scope, params: Mapping[str, str]) -> Answer:
    """Answer: revenue, provider cost and margin; base fees are revenue, what has no price or cost stands apart."""
    by = params.get("by", "customer").split(",")
    calls = list(rated_calls(scope, params))
    groups = group(calls, by, scope.zone, currency_of(scope))
    fees = base_fees(scope, calls, by)
    for key in fees:
        groups.setdefault(key, Sums())
    rows = []
    for row, key in ordered(groups, by, params.get("sort", "charge")):
        sums, fee = groups[key], fees.get(key, Decimal(0))
        revenue = None if sums.charge is None and not fee else EXACT.add(sums.charge or Decimal(0), fee)
        same = sums.cost is None or row["currency"] in {None, sums.cost_currency}
        earned = (
            EXACT.subtract(revenue or Decimal(0), sums.cost or Decimal(0)) if same and revenue is not None else None
        )
        row |= {
            "revenue": plain(revenue), "base_fees": plain(fee), "cost": plain(sums.cost), "margin": plain(earned),
            "margin_percent": share(earned, revenue), "unpriced": sums.unpriced, "unknown_cost": sums.unknown_cost,
        }  # fmt: skip
        rows.append(row)
    columns = (
        *by, "calls", "revenue", "base_fees", "cost", "margin", "margin_percent", "currency",
        "unpriced", "unknown_cost",
    )  # fmt: skip
    return answered(scope, "Margin", columns, rows, groups, params)
