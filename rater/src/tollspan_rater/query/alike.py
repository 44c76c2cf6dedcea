"""Calls added up in the database as far as that changes nothing: same money as call by call, in far fewer rows.

Calls are added up that agree in everything that decides on their money: customer, part of the period, provider,
model, tier, moment and bucket of the cost, what the two decisions and the prices look at, which counts are known, and
which are nothing once their parts are taken out. Customers who hold the same and are not asked for apart count as one.
Where every price is per unit and no allowance is shared, the charge of calls is that of their sum; else it is the sum
of charges that the database computed call by call. Legs are added up with their signs, so that what was taken back
cancels out.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Final

import duckdb
import pyarrow as pa

from tollspan_rater.cost.book import CostBook
from tollspan_rater.cost.rates import Rates
from tollspan_rater.domain.usage import TOKEN_FIELDS
from tollspan_rater.pricing.period import Period
from tollspan_rater.query.accounts import Accounts
from tollspan_rater.query.call_fact import TAG
from tollspan_rater.query.charges import NO_CHARGES, Charging, charging
from tollspan_rater.query.rated import Alike
from tollspan_rater.query.selection import CallRow, Selection, weighed_of
from tollspan_rater.query.stints import StintCharging, StintsBy, stint_charging
from tollspan_rater.query.survey import Model, Survey, survey
from tollspan_rater.query.tariffs import Tariffs, adds_up
from tollspan_rater.query.time_steps import TimeSteps
from tollspan_rater.store.price_steps import PRICE_STEPS
from tollspan_rater.store.weighed import LEGS, OWN, RARE, Weighed

_FACTS: Final = (
    "kind", "provider", "model", "service_tier", "outcome", "units", "meter", "environment", "phase", "billable",
    "retried", "terms", "quality",
)  # fmt: skip
# A call that knows rare parts of its totals stands alone: shapes look at columns only.
_SINGLY: Final = f"""CASE WHEN regexp_matches(units, '"({RARE})"') THEN call_id END"""
_SUMMED: Final = """
    WITH found AS ({found}),
    placed AS (
        SELECT found.*, account_steps.account, {placed}
        FROM found
        LEFT JOIN account_steps ON account_steps.name IS NOT DISTINCT FROM customer
        {joins}
    )
    SELECT {selected} FROM placed GROUP BY {keys} HAVING sum(weight) > 0
"""
# What a step adds to a call, and the join that it needs; without any step the second of each pair.
_STEP: Final = "CASE WHEN len({edges}) = 0 THEN 0 ELSE len(list_filter({edges}, lambda edge: edge <= started_ns)) END"
_ACCOUNT_STEP: Final = f"{_STEP.format(edges='account_steps.edges')} AS account_step"
_COST_STEP: Final = f"""{_STEP.format(edges="cost_steps.edges")} AS cost_step,
    CASE WHEN len(cost_steps.thresholds) = 0 THEN 0
        ELSE coalesce(list_max(list_filter(cost_steps.thresholds, lambda most: most <= size)), 0) END AS cost_bucket"""
_COST_JOIN: Final = """LEFT JOIN cost_steps
    ON cost_steps.provider IS NOT DISTINCT FROM found.provider AND cost_steps.model IS NOT DISTINCT FROM found.model"""
_CHARGED: Final = "charges.amount, coalesce(charges.included, FALSE) AS included"
_BY_STINTS: Final = "CASE WHEN account_steps.charged THEN 0::HUGEINT END AS amount, FALSE AS included"
# What stands in a row of sums between the columns by which it is grouped and those that are added up.
_TOLD: Final = ("again", "bucket", "included", "account", "step", "alike", "calls", "started_ns", "amount")
_PLACE: Final = {name: place for place, name in enumerate(CallRow._fields)}


@dataclass(frozen=True, slots=True)
class Split:
    """Which of the selected calls may be added up first, and the customers whose calls may not.

    ``charging`` charges the calls of those in the database whose prices depend on what was used before, or ``stints``
    their stints, so that the calls themselves are charged nothing. ``facts`` are what prices
    look at besides provider and model. ``found`` is what the selected calls look like; they are read from ``sums``.
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


@dataclass(frozen=True, slots=True)
class Columns:
    """What a row of sums has: first the columns by which it is grouped, last those that are added up."""

    named: tuple[str, ...]
    summed: tuple[str, ...]
    places: tuple[int, ...]  # of ``named`` in a CallRow

    @property
    def all(self) -> tuple[str, ...]:
        """The names of all columns of a row, in their order."""
        return (*self.named, *_TOLD, *self.summed)

    @staticmethod
    def of(apart: Sequence[str], facts: Sequence[str], silent: Collection[str]) -> Columns:
        """Return the columns of sums that are apart by some columns; ``silent`` are those in which nothing is said."""
        named = tuple(name for name in dict.fromkeys((*_FACTS, *apart, *facts)) if name not in silent)
        summed = tuple(name for name in (*TOKEN_FIELDS, "quantity") if name not in silent)
        return Columns(named, summed, tuple(_PLACE[name] for name in named))


@dataclass(frozen=True, slots=True)
class SumQuery:
    """The query of sums, and what its rows are: ``columns`` are theirs, in their order.

    ``stands_for`` has for each account a customer who holds it, ``charging`` what amounts are in.
    """

    sql: str
    values: list[Any]
    columns: Columns
    stands_for: Sequence[str | None]
    charging: Charging

    def alike(self, row: tuple[Any, ...]) -> Alike:
        """Return a row as calls that are alike."""
        return _alike(row, self.columns, self.stands_for, self.charging)


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
    span = parts.found.span
    if span is None or not parts.found.customers:
        yield None
        return
    costs, windows = accounts.cost_book(), TimeSteps.of(by, zone, span)
    held = _alike_customers(accounts, parts.found.customers)
    steps = {
        "account_steps": _account_steps(accounts, held.values(), span, parts.stints),
        "cost_steps": _cost_steps(costs, parts.found.models, span),
        "time_steps": windows.table(),
    }
    apart, facts = _columns(by), _columns(parts.facts)
    query, values, columns = _query(parts, apart, facts, steps, windows)
    stands_for = [names[0] for names in held.values()]
    for name, table in steps.items():
        connection.register(name, table)
    try:
        with parts.charging.table(connection, parts.addable.start_ns):
            yield SumQuery(query, values, columns, stands_for, parts.charging)
    finally:
        for name in steps:
            connection.unregister(name)


def _columns(names: Iterable[str]) -> list[str]:
    """Return the columns of calls in which dimensions are read, but for those that rows have anyway."""
    found = dict.fromkeys("tags" if name.startswith(TAG) else name for name in names)
    return [name for name in found if name in _PLACE and name not in _FACTS]


def _query(
    parts: Split, apart: Sequence[str], facts: Sequence[str], steps: Mapping[str, pa.Table], windows: TimeSteps
) -> tuple[str, list[Any], Columns]:
    """Return the SQL of the sums; columns in which nothing is said are left out of what it groups by and adds up."""
    silent, columns = parts.found.open, Columns.of(apart, facts, parts.found.open)
    by_call = bool(parts.charging.parts)
    names = (*columns.named, *columns.summed, *OWN, "shape", "size")
    rows = parts.sums.rows(
        (name for name in names if name != "retried"),
        (*parts.addable.instants(), *_instants(steps), *windows.edges[1:]),
        silent,
        singly=by_call or _steps_between(steps) or not set(OWN).isdisjoint(apart),
    )
    last = parts.sums.chains("?") if parts.found.chained else None
    found, values = weighed_of(parts.addable, rows, last, names)
    nulls = [f'"{name}" IS NULL' for name in columns.summed]
    again, singly = "coalesce(attempt, 1) > 1", "NULL" if "units" in silent else _SINGLY
    decisive = [f'"{name}"' for name in (*_FACTS, *facts) if name not in silent]
    decisive += [again, "cost_bucket", "included", "account", "account_step", "cost_step", "shape", *nulls]
    named = [f'"{name}"' for name in columns.named]
    keys = dict.fromkeys([*named, *decisive, "time_step", singly])
    kind = f"CASE WHEN ({singly}) IS NULL THEN hash({', '.join(decisive)}) END"
    selected = [*named, again, "cost_bucket", "included", "account", "time_step", kind]
    selected += ["sum(weight)", "min(started_ns)", "sum(weight * amount)"]
    selected += [f'sum("{name}")' for name in columns.summed]
    placed, joins = _placing(steps, windows, by_call=by_call)
    grouped = ", ".join(key for key in keys if key != "NULL")
    text = _SUMMED.format(found=found, placed=placed, joins=joins, selected=", ".join(selected), keys=grouped)
    return text, values, columns


def _instants(steps: Mapping[str, pa.Table]) -> Iterator[int]:
    """Yield the instants at which any price changes by which calls are added up."""
    for name in ("account_steps", "cost_steps"):
        for edges_of in steps[name]["edges"].to_pylist():
            yield from edges_of


def _steps_between(steps: Mapping[str, pa.Table]) -> bool:
    """Tell whether a price of a provider steps where kept sums do not tell calls apart."""
    return any(set(thresholds) - PRICE_STEPS for thresholds in steps["cost_steps"]["thresholds"].to_pylist())


def _placing(steps: Mapping[str, pa.Table], windows: TimeSteps, *, by_call: bool) -> tuple[str, str]:
    """Return the SQL of the steps in which a call lies and of its charge, and the joins that these need."""
    account, cost = steps["account_steps"], steps["cost_steps"]
    moving = _any(account["edges"])
    priced = _any(cost["edges"]) or _any(cost["thresholds"])
    placed = (
        _ACCOUNT_STEP if moving else "0 AS account_step",
        _COST_STEP if priced else "0 AS cost_step, 0 AS cost_bucket",
        f"{windows.step} AS time_step",
        _CHARGED if by_call else _BY_STINTS,
    )
    joins = (
        _COST_JOIN if priced else "",
        "LEFT JOIN charges USING (call_id)" if by_call else "",
        windows.join,
    )
    return ", ".join(placed), " ".join(joins)


def _any(lists: pa.ChunkedArray) -> bool:
    return any(len(chunk.flatten()) for chunk in lists.chunks)


def _alike(row: tuple[Any, ...], columns: Columns, stands_for: Sequence[str | None], charging: Charging) -> Alike:
    cells: list[Any] = [None] * len(_PLACE)
    width = len(columns.named)
    for place, value in zip(columns.places, row, strict=False):
        cells[place] = value
    again, bucket, included, account, _step, kind, calls, started_ns, amount, *sums = row[width:]
    for name, value in zip(columns.summed, sums, strict=True):
        cells[_PLACE[name]] = value if value is None or name == "quantity" else int(value)
    cells[_PLACE["attempt"]] = 2 if again else 1
    cells[_PLACE["started_ns"]] = cells[_PLACE["ended_ns"]] = started_ns
    if "customer" not in columns.named:
        cells[_PLACE["customer"]] = stands_for[account]
    charge = None if amount is None else (charging.money(amount), included)
    return Alike(CallRow._make(cells), int(calls), bucket, charge, kind)


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


def _cost_steps(costs: CostBook, models: Iterable[Model], span: tuple[int, int]) -> pa.Table:
    names = sorted({(provider, model) for provider, model, _tier in models}, key=str)
    return pa.table(
        {
            "provider": pa.array([provider for provider, _ in names], pa.string()),
            "model": pa.array([model for _, model in names], pa.string()),
            "edges": pa.array([_within(costs.boundaries(*name) or (), span) for name in names], pa.list_(pa.int64())),
            "thresholds": pa.array([costs.thresholds(*name) for name in names], pa.list_(pa.int64())),
        }
    )


def _within(edges: Iterable[int], span: tuple[int, int]) -> list[int]:
    """Return the instants that part calls of a span from others of it."""
    return [edge for edge in edges if span[0] < edge <= span[1]]


def _account_steps(
    accounts: Accounts, held: Iterable[Sequence[str | None]], span: tuple[int, int], stints: StintCharging | None
) -> pa.Table:
    """Return for each customer which of the lists it is in, and the instants at which what it holds changes.

    ``charged`` are those whose stints are charged, not their calls.
    """
    charged = frozenset[str | None]() if stints is None else stints.customers
    names: list[str | None] = []
    places: list[int] = []
    changes: list[list[int]] = []
    for account, together in enumerate(held):
        periods = accounts.periods(together[0], *span)
        starts = (segment.start_ns for period in periods for segment in accounts.segments(together[0], period))
        changes.append(_within(starts, span))
        names += together
        places += [account] * len(together)
    known = pa.array(places, pa.int32())
    edges_of = pa.array(changes, pa.list_(pa.int64())).take(known)
    return pa.table(
        {
            "name": pa.array(names, pa.string()),
            "account": known,
            "edges": edges_of,
            "charged": pa.array([name in charged for name in names], pa.bool_()),
        }
    )
