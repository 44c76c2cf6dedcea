"""The query that adds kept sums up, and the legs behind them, by the numbers of kinds: what a kind is, Python knows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa

from tollspan_rater.query.rated import Alike
from tollspan_rater.query.selection import CallRow, Selection, weighed_of
from tollspan_rater.query.sum_query import NOTHING, PLACE, TOLD, Columns, Steps, SumQuery, Wanted, in_cells, nothing_for
from tollspan_rater.store.kinds import Kind
from tollspan_rater.store.price_steps import PRICE_STEPS
from tollspan_rater.store.weighed import ROUGH_DAYS, Weighed, rough_days
from tollspan_rater.store.weighed_leg import AGREED, COUNTS

_OF_A_KIND: Final = frozenset({*AGREED, "retried", "customer"})
_TOLD_APART: Final = ("number", "retried", "single")
_DECISIVE: Final = ("number", "retried", "again", "account", "slot")
# What rows say where nothing is told apart by it; grouping by a constant takes time, too.
_CONSTANT: Final = {
    "retried": "FALSE", "single": "NULL::VARCHAR", "slot": "0", "account": "0", "step": "0", "bucket": "NULL",
    "included": "FALSE",
}  # fmt: skip
_SUMMED: Final = """
    SELECT {told}, {digest}, sum(weight), min(started_ns), {amount}{sums}
    FROM (SELECT {placed} FROM ({found}) AS found {joins}) GROUP BY {keys} HAVING sum(weight) > 0
"""


def kept_query(wanted: Wanted, steps: Steps) -> SumQuery | None:
    """Return the query; None where kept sums do not tell calls apart as they have to be."""
    instants = steps.instants()
    cuts = (*wanted.calls.instants(), *instants, *steps.windows.edges[1:])
    if not _can(wanted, steps, cuts):
        return None
    several_windows = steps.windows.several
    found = wanted.found
    by_customer = "customer" in (*wanted.by, *wanted.facts) and len(found.customers) > 1
    summed = tuple(name for name in COUNTS if name not in found.open)
    columns = Columns((*(["customer"] if by_customer else []), *_TOLD_APART), summed)
    source, values = found_kinds(wanted.sums, wanted.calls, cuts, summed, chained=found.chained)
    several = {"customer": by_customer, "account": len(steps.held) > 1, "step": several_windows}
    placed = kind_keys(found.kinds, instants, chained=found.chained)
    placed |= {name: name for name, is_told in several.items() if is_told}
    said = _CONSTANT | {name: name for name in placed}
    text = _SUMMED.format(
        told=", ".join(said.get(name, name) for name in (*columns.named, *TOLD[: TOLD.index("alike")])),
        digest=f"CASE WHEN {said['single']} IS NULL THEN hash({', '.join(said[name] for name in _DECISIVE)}) END",
        amount=nothing_for(steps.of(wanted.by_stints), len(steps.held)),
        sums="".join(f', sum("{name}")' for name in summed),
        placed=placing(placed, summed),
        found=source,
        joins=_joins(steps),
        keys=", ".join(placed),
    )
    read = _Read(columns, found.kinds, [together[0] for together in steps.held], steps)
    tables = {"account_steps": pa.table(steps.accounts()), "time_steps": steps.windows.table()}
    return SumQuery(text, values, columns, read, tables, few=not by_customer and not several_windows)


def _can(wanted: Wanted, steps: Steps, cuts: Sequence[int]) -> bool:
    """Tell whether rows of kept sums lie within everything by which calls have to be apart."""
    return (
        wanted.sums.through is not None
        and not wanted.charging.parts
        and _OF_A_KIND.issuperset((*wanted.by, *wanted.facts))
        and PRICE_STEPS.issuperset(step for one in steps.prices for step in one.thresholds)
        and len(rough_days(cuts)) <= ROUGH_DAYS
    )


def found_kinds(
    sums: Weighed, calls: Selection, cuts: Sequence[int], summed: Sequence[str], *, chained: bool
) -> tuple[str, list[Any]]:
    """Return the SQL of the rows of some calls by kind, and its values; no row lies on both sides of a cut."""
    rows = sums.rows(("alike", *summed, "call_id", "record_id", "attempt", "retry_of"), cuts)
    return weighed_of(calls, rows, sums.chains("?") if chained else None, ())


def kind_keys(kinds: Mapping[int, Kind], instants: Sequence[int], *, chained: bool) -> dict[str, str]:
    """Return the SQL of what parts calls by kind and by some instants; ``single`` is of calls that stand alone."""
    keys = {"number": "alike", "again": "coalesce(attempt, 1) > 1"}
    alone = [str(kind.number) for kind in kinds.values() if kind.alone]
    if chained:
        keys["retried"] = "retried"
    if alone:
        keys["single"] = f"CASE WHEN alike IN ({', '.join(alone)}) THEN call_id END"
    if instants:
        keys["slot"] = " + ".join(f"(started_ns >= {at})::INTEGER" for at in instants)
    return keys


def placing(keys: Mapping[str, str], summed: Sequence[str]) -> str:
    """Return the SQL of what is read of found rows: the keys by which they are added up, and what is."""
    named = [f"{sql} AS {name}" for name, sql in keys.items()]
    return ", ".join((*named, "weight", "started_ns", *(f'"{name}"' for name in summed)))


def _joins(steps: Steps) -> str:
    account = "LEFT JOIN account_steps ON account_steps.name IS NOT DISTINCT FROM customer"
    return f"{account if len(steps.held) > 1 else ''} {steps.windows.join}"


@dataclass(frozen=True, slots=True)
class _Read:
    """Reads a row of sums as calls that are alike."""

    columns: Columns
    kinds: Mapping[int, Kind]
    stands_for: Sequence[str | None]
    steps: Steps

    def __call__(self, row: tuple[Any, ...]) -> Alike:
        """Return the calls of a row."""
        *customer, number, retried, _single, again, _, _, account, _, digest, calls, started_ns, amount = row[
            : self._width
        ]
        kind = self.kinds[number]
        cells = kind_cells(kind, retried=retried, again=again, started_ns=started_ns)
        for place, value in in_cells(self.columns.summed, row[self._width :]):
            cells[place] = value
        cells[PLACE["customer"]] = customer[0] if customer else self.stands_for[account]
        return Alike(CallRow._make(cells), int(calls), self._bucket(kind), None if amount is None else NOTHING, digest)

    @property
    def _width(self) -> int:
        return len(self.columns.all) - len(self.columns.summed)

    def _bucket(self, kind: Kind) -> int:
        """Return the bucket of the cost: the highest threshold that each call is above."""
        name = kind.said["provider"], kind.said["model"]
        thresholds = next((one.thresholds for one in self.steps.prices if (one.provider, one.model) == name), ())
        return max((at for at in thresholds if at <= kind.step), default=0)


def kind_cells(kind: Kind, *, retried: bool, again: bool, started_ns: int) -> list[Any]:
    """Return the cells of a CallRow that calls of a kind agree in."""
    cells: list[Any] = [None] * len(PLACE)
    for name, value in kind.said.items():
        if name in PLACE:
            cells[PLACE[name]] = value
    cells[PLACE["retried"]], cells[PLACE["attempt"]] = retried, 2 if again else 1
    cells[PLACE["started_ns"]] = cells[PLACE["ended_ns"]] = started_ns
    return cells
