"""The query that adds legs up, whatever calls have to be told apart by."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, Final

import pyarrow as pa

from tollspan_rater.domain.usage import TOKEN_FIELDS
from tollspan_rater.query.charges import Charging
from tollspan_rater.query.rated import Alike
from tollspan_rater.query.selection import CallRow, weighed_of
from tollspan_rater.query.sum_query import PLACE, Columns, Steps, SumQuery, Wanted, in_cells, nothing_for
from tollspan_rater.store.weighed import LEGS
from tollspan_rater.store.weighed_leg import RARE

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


def leg_query(wanted: Wanted, steps: Steps) -> SumQuery:
    """Return the query; columns in which nothing is said are left out of what it groups by and adds up."""
    silent = wanted.found.open
    columns = Columns(
        tuple(name for name in dict.fromkeys((*_FACTS, *wanted.by, *wanted.facts)) if name not in silent),
        tuple(name for name in (*TOKEN_FIELDS, "quantity") if name not in silent),
    )
    own = ("call_id", "record_id", "attempt", "retry_of", "shape", "size")
    rows = LEGS.rows((name for name in (*columns.named, *columns.summed, *own) if name != "retried"), silent=silent)
    last = LEGS.chains("?") if wanted.found.chained else None
    found, values = weighed_of(wanted.calls, rows, last, columns.named)
    again, singly = "coalesce(attempt, 1) > 1", "NULL" if "units" in silent else _SINGLY
    decisive = [f'"{name}"' for name in dict.fromkeys((*_FACTS, *wanted.facts)) if name not in silent]
    decisive += [again, "cost_bucket", "included", "account", "account_step", "cost_step", "shape"]
    named = [f'"{name}"' for name in columns.named]
    keys = dict.fromkeys([*named, *decisive, "time_step", singly])
    kind = f"CASE WHEN ({singly}) IS NULL THEN hash({', '.join(decisive)}) END"
    selected = [*named, again, "cost_bucket", "included", "account", "time_step", kind]
    selected += ["sum(weight)", "min(started_ns)", "sum(weight * amount)"]
    selected += [f'sum("{name}")' for name in columns.summed]
    placed, joins = _placing(wanted, steps)
    grouped = ", ".join(key for key in keys if key != "NULL")
    text = _SUMMED.format(found=found, placed=placed, joins=joins, selected=", ".join(selected), keys=grouped)
    read = partial(_alike, columns, [together[0] for together in steps.held], wanted.charging)
    return SumQuery(text, values, columns, read, _tables(steps), wanted.charging)


def _placing(wanted: Wanted, steps: Steps) -> tuple[str, str]:
    """Return the SQL of the steps in which a call lies and of its charge, and the joins that these need."""
    moving = any(steps.changes)
    nothing = nothing_for(steps.of(wanted.by_stints), len(steps.held))
    priced = any(one.edges or one.thresholds for one in steps.prices)
    placed = (
        _ACCOUNT_STEP if moving else "0 AS account_step",
        _COST_STEP if priced else "0 AS cost_step, 0 AS cost_bucket",
        f"{steps.windows.step} AS time_step",
        _CHARGED if wanted.charging.parts else f"{nothing} AS amount, FALSE AS included",
    )
    joins = (
        _COST_JOIN if priced else "",
        "LEFT JOIN charges USING (call_id)" if wanted.charging.parts else "",
        steps.windows.join,
    )
    return ", ".join(placed), " ".join(joins)


def _tables(steps: Steps) -> dict[str, pa.Table]:
    accounts, lists = steps.accounts(), pa.list_(pa.int64())
    edges = pa.array(steps.changes, lists).take(accounts["account"])
    prices = {
        "provider": pa.array([one.provider for one in steps.prices], pa.string()),
        "model": pa.array([one.model for one in steps.prices], pa.string()),
        "edges": pa.array([one.edges for one in steps.prices], lists),
        "thresholds": pa.array([one.thresholds for one in steps.prices], lists),
    }
    return {
        "account_steps": pa.table({**accounts, "edges": edges}),
        "cost_steps": pa.table(prices),
        "time_steps": steps.windows.table(),
    }


def _alike(columns: Columns, stands_for: Sequence[str | None], charging: Charging, row: tuple[Any, ...]) -> Alike:
    cells: list[Any] = [None] * len(PLACE)
    width = len(columns.named)
    for name, value in zip(columns.named, row, strict=False):
        cells[PLACE[name]] = value
    again, bucket, included, account, _step, kind, calls, started_ns, amount, *sums = row[width:]
    for place, value in in_cells(columns.summed, sums):
        cells[place] = value
    cells[PLACE["attempt"]] = 2 if again else 1
    cells[PLACE["started_ns"]] = cells[PLACE["ended_ns"]] = started_ns
    if "customer" not in columns.named:
        cells[PLACE["customer"]] = stands_for[account]
    charge = None if amount is None else (charging.money(amount), included)
    return Alike(CallRow._make(cells), int(calls), bucket, charge, kind)
