"""The query that adds calls up, as those who ask it see it: what its rows hold, and how one is read."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import chain
from typing import Any, Final

import pyarrow as pa

from tollspan_rater.query.charges import NO_CHARGES, Charging
from tollspan_rater.query.rated import Alike
from tollspan_rater.query.selection import CallRow, Selection
from tollspan_rater.query.survey import Survey
from tollspan_rater.query.time_steps import TimeSteps
from tollspan_rater.store.weighed import Weighed

# What stands in a row of sums between the columns by which it is grouped and those that are added up.
TOLD: Final = ("again", "bucket", "included", "account", "step", "alike", "calls", "started_ns", "amount")
PLACE: Final = {name: place for place, name in enumerate(CallRow._fields)}  # of a column in a CallRow

NOTHING: Final = (Decimal(0), False)  # what calls are charged themselves whose stints are


@dataclass(frozen=True, slots=True)
class Columns:
    """What a row of sums has: columns by which it is grouped, what is ``TOLD`` of it, and last what is added up."""

    named: tuple[str, ...]
    summed: tuple[str, ...]

    @property
    def all(self) -> tuple[str, ...]:
        """The names of all columns of a row, in their order."""
        return (*self.named, *TOLD, *self.summed)


@dataclass(frozen=True, slots=True)
class PriceSteps:
    """Where the price of a provider's model steps: instants within a span of time, and totals of input tokens."""

    provider: str | None
    model: str | None
    edges: Sequence[int]
    thresholds: Sequence[int]


@dataclass(frozen=True, slots=True)
class Steps:
    """What parts calls that look the same: accounts, times and prices.

    ``held`` are the customers of each account, who hold the same; ``changes`` the instants at which that changes.
    """

    held: Sequence[Sequence[str | None]]
    changes: Sequence[Sequence[int]]
    prices: Sequence[PriceSteps]
    windows: TimeSteps

    def instants(self) -> list[int]:
        """Return all instants at which any price changes, in their order."""
        return sorted({*chain.from_iterable(self.changes), *chain.from_iterable(one.edges for one in self.prices)})

    def of(self, customers: Collection[str | None]) -> list[int]:
        """Return the numbers of the accounts of customers, all of whom are among these."""
        return [number for number, together in enumerate(self.held) if together[0] in customers]

    def accounts(self) -> dict[str, pa.Array]:
        """Return the columns of a table of all customers, each with the number of its account."""
        names = pa.array([name for together in self.held for name in together], pa.string())
        numbers = [number for number, together in enumerate(self.held) for _ in together]
        return {"name": names, "account": pa.array(numbers, pa.int32())}


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which calls to add up, and the columns in which they stay apart, ``by`` dimensions and ``facts`` of prices.

    ``found`` is what they look like; they are read from ``sums``, with charges of their own as ``charging`` says, or
    charged nothing where they are calls of the accounts whose stints are charged.
    """

    calls: Selection
    found: Survey
    by: Sequence[str]
    facts: Sequence[str]
    charging: Charging
    by_stints: Collection[str | None]
    sums: Weighed


@dataclass(frozen=True, slots=True)
class SumQuery:
    """The query of sums, and what its rows are: ``columns`` are theirs, in their order, ``alike`` reads one.

    It sees ``tables`` beside those of the store. ``charging`` is what amounts are in. ``few`` says that there are no
    more rows than kinds of calls.
    """

    sql: str
    values: list[Any]
    columns: Columns
    alike: Callable[[tuple[Any, ...]], Alike]
    tables: Mapping[str, pa.Table]
    charging: Charging = NO_CHARGES
    few: bool = False


def in_cells(names: Sequence[str], sums: Sequence[Any]) -> Iterator[tuple[int, Any]]:
    """Yield sums by their place in a CallRow: counts are whole numbers, quantities decimals."""
    for name, value in zip(names, sums, strict=True):
        yield PLACE[name], value if value is None or name == "quantity" else int(value)


def nothing_for(accounts: Sequence[int], of: int) -> str:
    """Return the SQL of what calls are charged themselves: nothing, in some of so many accounts."""
    if len(accounts) == of:
        return "0::HUGEINT"
    named = ", ".join(map(str, accounts))
    return f"CASE WHEN account IN ({named}) THEN 0::HUGEINT END" if accounts else "NULL::HUGEINT"
