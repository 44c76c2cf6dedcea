"""Calls added up in the database as far as that changes nothing: same money as call by call, in far fewer rows.

Calls are added up that agree in everything that decides on their money: customer, part of the period, provider,
model, tier, moment and bucket of the cost, what the two decisions and the prices look at, which counts are known, and
which are nothing once their parts are taken out. Where every price is per unit and no allowance is shared, their charge
is that of their sum; else it is the sum of charges that the database computed call by call.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import duckdb
import pyarrow as pa

from tollspan_rater.cost.book import CostBook
from tollspan_rater.cost.rates import Rates
from tollspan_rater.domain.meters import PARENT
from tollspan_rater.domain.usage import TOKEN_FIELDS
from tollspan_rater.pricing.model import CostPlus
from tollspan_rater.query.accounts import Accounts
from tollspan_rater.query.call_fact import TAG
from tollspan_rater.query.charges import NO_CHARGES, Charging, charging
from tollspan_rater.query.filled import filled
from tollspan_rater.query.price_sql import linear
from tollspan_rater.query.rated import Alike
from tollspan_rater.query.selection import CallRow, Selection, bounds, current
from tollspan_rater.query.tariffs import Tariffs
from tollspan_rater.query.window import WINDOWS, edges
from tollspan_rater.rating.tariff import Tariff

_OWN: Final = {
    "input": ("cache_read", "cache_write", "audio_in", "image_in"),
    "cache_write": ("cache_write_5m", "cache_write_1h"),
    "output": ("reasoning", "audio_out"),
}
_FACTS: Final = (
    "kind", "provider", "model", "service_tier", "outcome", "units", "meter", "customer", "environment", "phase",
    "billable", "retried", "terms", "quality",
)  # fmt: skip
# A call that knows rare parts of its totals stands alone: the signs below look at columns only.
_RARE: Final = "|".join(meter for meter in PARENT if meter not in TOKEN_FIELDS)
_SINGLY: Final = f"""CASE WHEN regexp_matches(units, '"({_RARE})"') THEN call_id END"""
_SUMMED: Final = """
    WITH found AS ({found}),
    placed AS (
        SELECT found.*, time_steps.step AS time_step,
               len(list_filter(account_steps.edges, lambda edge: edge <= started_ns)) AS account_step,
               len(list_filter(cost_steps.edges, lambda edge: edge <= started_ns)) AS cost_step,
               charges.amount, coalesce(charges.included, FALSE) AS included,
               coalesce(list_max(list_filter(cost_steps.thresholds, lambda most: most < input)), 0) AS cost_bucket
        FROM found
        ASOF JOIN time_steps ON found.started_ns >= time_steps.edge
        LEFT JOIN account_steps ON account_steps.name = coalesce(customer, '')
        LEFT JOIN cost_steps ON cost_steps.name = coalesce(provider, '') || chr(31) || coalesce(model, '')
        LEFT JOIN charges USING (call_id)
    )
    SELECT {selected} FROM placed GROUP BY {keys}
"""
_PLACE: Final = {name: place for place, name in enumerate(CallRow._fields)}


@dataclass(frozen=True, slots=True)
class Split:
    """Which of the selected calls may be added up first, and the customers whose calls may not.

    ``charging`` charges those in the database whose prices depend on what was used before. ``facts`` are what prices
    look at besides provider and model.
    """

    addable: Selection
    singly: tuple[str | None, ...]
    charging: Charging = NO_CHARGES
    facts: tuple[str, ...] = ()


def split(connection: duckdb.DuckDBPyConnection, accounts: Accounts, selection: Selection) -> Split:
    """Divide a selection by customer: those whose charges cannot be said in SQL are rated call by call.

    A provider price that changes within a day, or that depends on how parts overlap, keeps all calls apart.
    """
    span = bounds(connection, selection)
    if span is None:
        return Split(selection, ())
    condition, values = selection.where()
    found = connection.execute(f"SELECT DISTINCT customer FROM calls WHERE {condition}", values).fetchall()  # noqa: S608 - fixed names, bound values
    customers = sorted((row[0] for row in found), key=str)
    if not costs_add_up(connection, accounts, selection):
        return Split(replace(selection, but=tuple(customers)), tuple(customers))
    wanted = [(name, period) for name in customers for period in accounts.periods(name, *span)]
    tariffs = Tariffs()
    laid_out = [(place, tariffs.of(accounts.segments(*place))) for place in wanted]
    depending = {name for (name, _), tariff in laid_out if not _adds_up(tariff)}
    running, singly = charging(connection, accounts, [place for place in wanted if place[0] in depending], tariffs)
    facts = {name for (customer, _), tariff in laid_out if customer not in singly for name in tariff.dimensions}
    return Split(replace(selection, but=singly), singly, running, tuple(sorted(facts)))


def alike(
    connection: duckdb.DuckDBPyConnection,
    accounts: Accounts,
    selection: Selection,
    by: Sequence[str],
    zone: str,
    charging: Charging = NO_CHARGES,
) -> Iterator[Alike]:
    """Yield the selected calls added up; every row lies within one value of each dimension and fact of ``by``."""
    span = bounds(connection, selection)
    if span is None:
        return
    costs = accounts.cost_book()
    connection.register("cost_steps", _cost_steps(costs, _models(connection, selection)))
    connection.register("account_steps", _account_steps(connection, accounts, selection, span))
    connection.register("time_steps", _time_steps([name for name in by if name in WINDOWS], zone, span))
    columns = dict.fromkeys("tags" if name.startswith(TAG) else name for name in by)
    named = [name for name in columns if name in _PLACE and name not in _FACTS]
    query, values = _query(selection, named)
    try:
        with charging.table(connection, selection.start_ns):
            rows = connection.execute(query, values).fetchall()
    finally:
        for name in ("cost_steps", "account_steps", "time_steps"):
            connection.unregister(name)
    yield from (_alike(row, named, charging) for row in rows)


def _query(selection: Selection, named: Sequence[str]) -> tuple[str, list[Any]]:
    found, values = current(selection)
    signs = [*(f"sign({_own(name)})" for name in TOKEN_FIELDS), "sign(quantity)"]
    known = [f'"{name}" IS NULL' for name in TOKEN_FIELDS]
    keys = [*(f'"{name}"' for name in (*_FACTS, *named)), "coalesce(attempt, 1) > 1", "cost_bucket", "included"]
    steps = ["account_step", "cost_step", "time_step", _SINGLY]
    sums = [f'sum("{name}")' for name in (*TOKEN_FIELDS, "quantity")]
    selected = ", ".join([*keys, "count(*)", "min(started_ns)", "sum(amount)", *sums])
    return _SUMMED.format(found=found, selected=selected, keys=", ".join([*keys, *steps, *signs, *known])), values


def _alike(row: tuple[Any, ...], named: Sequence[str], charging: Charging) -> Alike:
    cells: list[Any] = [None] * len(_PLACE)
    names = (*_FACTS, *named)
    for name, value in zip(names, row, strict=False):
        cells[_PLACE[name]] = value
    again, bucket, included, calls, started_ns, amount, *sums = row[len(names) :]
    for name, value in zip((*TOKEN_FIELDS, "quantity"), sums, strict=True):
        cells[_PLACE[name]] = value if value is None or name == "quantity" else int(value)
    cells[_PLACE["attempt"]] = 2 if again else 1
    cells[_PLACE["started_ns"]] = cells[_PLACE["ended_ns"]] = started_ns
    charge = None if amount is None else (charging.money(amount), included)
    return Alike(CallRow._make(cells), calls, bucket, charge)


def _own(name: str) -> str:
    """Return the SQL of a count without its known parts."""
    parts = "".join(f" - coalesce({filled(part)}, 0)" for part in _OWN.get(name, ()))
    return filled(name) + parts


def _models(connection: duckdb.DuckDBPyConnection, selection: Selection) -> list[tuple[Any, ...]]:
    condition, values = selection.where()
    return connection.execute(
        f"SELECT DISTINCT provider, model, service_tier FROM calls WHERE {condition}",  # noqa: S608 - fixed names, bound values
        values,
    ).fetchall()


def costs_add_up(connection: duckdb.DuckDBPyConnection, accounts: Accounts, selection: Selection) -> bool:
    """Tell whether the selected calls may be added up before their provider cost is computed."""
    costs = accounts.cost_book()
    return all(_linear(costs, *model) for model in _models(connection, selection))


def _linear(costs: CostBook, provider: str | None, model: str | None, tier: str | None) -> bool:
    edges = costs.boundaries(provider, model)
    if edges is None:
        return False
    held = (costs.rates(provider, model, at, tier) for at in (0, *edges))
    return all(rates.linear for rates in held if isinstance(rates, Rates))


def _adds_up(tariff: Tariff) -> bool:
    """Tell whether a call is charged the same whatever was used before it."""
    items = [component.item for component in tariff.components]
    return not tariff.pools and all(
        linear(item) or (isinstance(item.price, CostPlus) and item.unit is None and item.aggregate == "sum")
        for item in items
    )


def _cost_steps(costs: CostBook, models: Iterable[tuple[Any, ...]]) -> pa.Table:
    names = sorted({(provider or "", model or "") for provider, model, _tier in models})
    return pa.table(
        {
            "name": pa.array([f"{provider}\x1f{model}" for provider, model in names], pa.string()),
            "edges": pa.array([costs.boundaries(*name) or () for name in names], pa.list_(pa.int64())),
            "thresholds": pa.array([costs.thresholds(*name) for name in names], pa.list_(pa.int64())),
        }
    )


def _account_steps(
    connection: duckdb.DuckDBPyConnection, accounts: Accounts, selection: Selection, span: tuple[int, int]
) -> pa.Table:
    condition, values = selection.where()
    found = connection.execute(f"SELECT DISTINCT customer FROM calls WHERE {condition}", values).fetchall()  # noqa: S608 - fixed names, bound values
    edges = {
        name or "": [
            segment.start_ns for period in accounts.periods(name, *span) for segment in accounts.segments(name, period)
        ]
        for (name,) in found
    }
    return pa.table(
        {
            "name": pa.array(list(edges), pa.string()),
            "edges": pa.array(list(edges.values()), pa.list_(pa.int64())),
        }
    )


def _time_steps(names: Sequence[str], zone: str, span: tuple[int, int]) -> pa.Table:
    found = edges(names, zone, span)
    return pa.table({"edge": pa.array(found, pa.int64()), "step": pa.array(range(len(found)), pa.int64())})
