"""Calls added up in the database as far as that changes nothing: same money as call by call, in far fewer rows.

Calls are added up that agree in everything that decides on their money: customer, part of the period, provider,
model, tier, moment and bucket of the cost, what the two decisions and the prices look at, which counts are known, and
which are nothing once their parts are taken out. Customers who hold the same and are not asked for apart count as one.
Where every price is per unit and no allowance is shared, the charge of calls is that of their sum; else it is the sum
of charges that the database computed call by call. Legs are added up with their signs, so that what was taken back
cancels out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

import duckdb

from tollspan_rater.cost.book import CostBook
from tollspan_rater.cost.rates import Rates
from tollspan_rater.pricing.period import Period
from tollspan_rater.query.accounts import Accounts
from tollspan_rater.query.call_fact import TAG
from tollspan_rater.query.charges import NO_CHARGES, Charging, charging
from tollspan_rater.query.kept_query import kept_query
from tollspan_rater.query.leg_query import leg_query
from tollspan_rater.query.rated import Alike
from tollspan_rater.query.selection import Selection
from tollspan_rater.query.stints import StintCharging, StintsBy, stint_charging
from tollspan_rater.query.sum_query import PLACE, PriceSteps, Steps, SumQuery, Wanted
from tollspan_rater.query.survey import Model, Survey, survey
from tollspan_rater.query.tariffs import Tariffs, adds_up
from tollspan_rater.query.time_steps import TimeSteps
from tollspan_rater.store.weighed import LEGS, Weighed


@dataclass(frozen=True, slots=True)
class Split:
    """Which of the selected calls may be added up first, and the customers whose calls may not.

    ``charging`` charges the calls of those whose prices depend on what was used before in the database, or ``stints``
    their stints, and the calls nothing. ``facts`` are what prices look at besides provider and model. ``found`` is what
    the selected calls look like; they are read from ``sums``.
    """

    addable: Selection
    found: Survey
    singly: tuple[str | None, ...] = ()
    charging: Charging = NO_CHARGES
    stints: StintCharging | None = None
    facts: tuple[str, ...] = ()
    sums: Weighed = LEGS


def split(
    connection: duckdb.DuckDBPyConnection,
    accounts: Accounts,
    selection: Selection,
    sums: Weighed = LEGS,
    stints: StintsBy | None = None,
) -> Split:
    """Divide a selection by customer: those whose charges cannot be said in SQL are rated call by call.

    ``stints`` says how they are told apart, where nobody asks what single calls are charged.

    A provider price that changes within a day, or that depends on how parts overlap, keeps all calls apart.
    """
    found = survey(connection, selection, sums)
    if found.span is None:
        return Split(selection, found)
    if not costs_add_up(accounts.cost_book(), found):
        customers = tuple(sorted(found.customers, key=str))
        return Split(replace(selection, but=customers), found, customers)
    tariffs, facts = Tariffs(), set[str]()
    depending: list[tuple[str | None, Period]] = []
    for names in _alike_customers(accounts, found.customers).values():
        held = [tariffs.of(accounts.segments(names[0], one)) for one in accounts.periods(names[0], *found.span)]
        facts.update(name for tariff in held for name in tariff.dimensions)
        if not all(map(adds_up, held)):
            depending += [(name, period) for name in names for period in accounts.periods(name, *found.span)]
    running, of_stints = NO_CHARGES, None
    if stints is None:
        running, singly = charging(connection, accounts, depending, tariffs)
    else:
        asked = stints.asked(sums, selection, found.span)
        of_stints, singly = stint_charging(connection, accounts, depending, tariffs, asked)
    addable, others = replace(selection, but=singly), found.without(singly)
    return Split(addable, others, singly, running, of_stints, tuple(sorted(facts)), sums)


def alike(
    connection: duckdb.DuckDBPyConnection,
    accounts: Accounts,
    parts: Split,
    by: Sequence[str],
    zone: str,
) -> Iterator[Alike]:
    """Yield the calls that may be added up as far as each row lies within one value of each dimension of ``by``.

    Where ``by`` has no customer, a row's customer is one of those who hold what the customers of its calls hold.
    """
    with sum_query(connection, accounts, parts, by, zone) as asked:
        rows = [] if asked is None else connection.execute(asked.sql, asked.values).fetchall()
    if asked is not None:
        yield from map(asked.alike, rows)


@contextmanager
def sum_query(
    connection: duckdb.DuckDBPyConnection,
    accounts: Accounts,
    parts: Split,
    by: Sequence[str],
    zone: str,
) -> Iterator[SumQuery | None]:
    """Give the query of :func:`alike` while it can be asked; None where nothing may be added up."""
    found, running = parts.found, parts.charging
    if found.span is None or not found.customers:
        yield None
        return
    held = list(_alike_customers(accounts, found.customers).values())
    steps = Steps(
        held,
        [_changes(accounts, together[0], found.span) for together in held],
        list(_price_steps(accounts.cost_book(), found.models, found.span)),
        TimeSteps.of(by, zone, found.span),
    )
    by_stints = frozenset[str | None]() if parts.stints is None else parts.stints.customers
    wanted = Wanted(parts.addable, found, _columns(by), _columns(parts.facts), running, by_stints, parts.sums)
    asked = kept_query(wanted, steps) or leg_query(wanted, steps)
    for name, table in asked.tables.items():
        connection.register(name, table)
    try:
        with running.table(connection, parts.addable.start_ns):
            yield asked
    finally:
        for name in asked.tables:
            connection.unregister(name)


def _columns(names: Iterable[str]) -> list[str]:
    """Return the columns of calls in which dimensions are read."""
    found = dict.fromkeys("tags" if name.startswith(TAG) else name for name in names)
    return [name for name in found if name in PLACE]


def _alike_customers(accounts: Accounts, names: Iterable[str | None]) -> dict[object, list[str | None]]:
    """Return customers by what they hold: those of one list are charged the same for the same calls."""
    found: dict[object, list[str | None]] = {}
    for name in names:
        found.setdefault(accounts.held(name), []).append(name)
    return found


def costs_add_up(costs: CostBook, found: Survey) -> bool:
    """Tell whether calls may be added up before their provider cost is computed."""
    return all(_linear(costs, *model) for model in found.models)


def _linear(costs: CostBook, provider: str | None, model: str | None, tier: str | None) -> bool:
    edges = costs.boundaries(provider, model)
    if edges is None:
        return False
    held = (costs.rates(provider, model, at, tier) for at in (0, *edges))
    return all(rates.linear for rates in held if isinstance(rates, Rates))


def _price_steps(costs: CostBook, models: Iterable[Model], span: tuple[int, int]) -> Iterator[PriceSteps]:
    for provider, model in sorted({(provider, model) for provider, model, _tier in models}, key=str):
        edges = _within(costs.boundaries(provider, model) or (), span)
        yield PriceSteps(provider, model, edges, costs.thresholds(provider, model))


def _within(edges: Iterable[int], span: tuple[int, int]) -> list[int]:
    """Return the instants that part calls of a span from others of it."""
    return [edge for edge in edges if span[0] < edge <= span[1]]


def _changes(accounts: Accounts, name: str | None, span: tuple[int, int]) -> list[int]:
    """Return the instants at which what a customer holds changes."""
    periods = accounts.periods(name, *span)
    return _within((segment.start_ns for period in periods for segment in accounts.segments(name, period)), span)
