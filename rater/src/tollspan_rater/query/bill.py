"""The bill of a customer for a period, from everything known now, and which bills there are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tollspan_rater.pricing.period import Period
from tollspan_rater.query.groups import usage_of
from tollspan_rater.query.scope import Scope
from tollspan_rater.query.selection import Selection, customers_of, number_of
from tollspan_rater.query.tariffs import Tariffs
from tollspan_rater.rating.line import RatedPeriod, line_id
from tollspan_rater.rating.rate import component_names, rate


def rated_period(scope: Scope, customer: str | None, period: Period) -> RatedPeriod:
    """Return the bill of one customer in one period, from everything known now."""
    return next(rated_periods(scope, [(customer, period)]))


def rated_periods(scope: Scope, wanted: Sequence[tuple[str | None, Period]]) -> Iterator[RatedPeriod]:
    """Yield the bills of customers in periods, in the order given: all usage is read at once."""
    accounts, tariffs = scope.accounts, Tariffs()
    found = usage_of(scope.connection, accounts, wanted, tariffs, scope.sums)
    for (customer, period), usage in zip(wanted, found, strict=True):
        segments, owner = accounts.segments(customer, period), f"{accounts.tenant}/{customer or ''}"
        yield rate(period, segments, usage.groups, usage.samples, owner=owner, tariff=tariffs.of(segments))


def line_ids(scope: Scope, customer: str, period: Period) -> set[str]:
    """Return the ids that lines of a customer's bill may have, whatever was used."""
    owner = f"{scope.accounts.tenant}/{customer}"
    names = component_names(period, scope.accounts.segments(customer, period))
    return {line_id(owner, period, name) for name in names}


def customers_with_usage(scope: Scope) -> list[str]:
    """Return the ids of all customers that calls were attributed to."""
    found = customers_of(scope.connection, Selection(scope.accounts.tenant))
    return [name for name in found if name is not None]


def heard_of(scope: Scope, customer: str) -> bool:
    """Tell whether a customer was set, or has any usage."""
    if customer in scope.accounts.names():
        return True
    return bool(number_of(scope.connection, Selection(scope.accounts.tenant, filters=(("customer", customer),))))


def billed_periods(scope: Scope) -> list[tuple[str | None, Period]]:
    """Return each customer, nobody first, with the periods from its first usage to its last."""
    found = scope.connection.execute(
        "SELECT customer, min(started_ns), max(started_ns) FROM calls WHERE tenant = ? GROUP BY customer "
        "ORDER BY customer NULLS FIRST",
        [scope.accounts.tenant],
    ).fetchall()
    return [(name, period) for name, *span in found for period in scope.accounts.periods(name, *span)]


def with_usage_or_plan(scope: Scope) -> list[str]:
    """Return the ids of all customers who may have a bill."""
    return sorted({*scope.accounts.names(), *customers_with_usage(scope)})
