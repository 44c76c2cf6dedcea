"""Marginal charges in the database: what each call added to its bill, for customers with tiers or allowances.

The calls of one tariff are put in the order of (service time, call id); what they add to each component is summed up
on the way, and a call's charge is what the component costs after it, less what it cost before:
:class:`~tollspan_rater.rating.marginal.Marginal` for all calls at once. What cannot be said in SQL is left to it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

import duckdb

from tollspan_rater.domain.money import EXACT
from tollspan_rater.pricing.period import Period
from tollspan_rater.query.accounts import Accounts
from tollspan_rater.query.call_kind import kinds_of, unit_names
from tollspan_rater.query.charge_query import LIMIT, ChargeQuery, Stints, charge_query, says
from tollspan_rater.query.spell import FOUND, Spell, registered, spells_of
from tollspan_rater.query.tariffs import Tariffs

_TABLE: Final = "CREATE OR REPLACE TEMP TABLE charges (call_id VARCHAR, amount HUGEINT, included BOOLEAN)"
Wanted = Sequence[tuple[str | None, Period]]


@dataclass(frozen=True, slots=True)
class Charging:
    """How the calls of some customers' periods are charged in the database: each tariff's spells and query."""

    tenant: str
    parts: tuple[tuple[tuple[Spell, ...], ChargeQuery], ...]

    @property
    def digits(self) -> int:
        """The decimals of all amounts."""
        return max((query.digits for _, query in self.parts), default=0)

    def money(self, amount: int) -> Decimal:
        """Return an amount, or a sum of amounts, of the table as a decimal."""
        return EXACT.scaleb(Decimal(amount), -self.digits)

    @contextmanager
    def table(self, connection: duckdb.DuckDBPyConnection, since_ns: int | None = None) -> Iterator[None]:
        """Let queries see the charges of the calls from an instant on, in a table ``charges`` without the others.

        Where nothing is charged so, there is no table.
        """
        if not self.parts:
            yield
            return
        connection.execute(_TABLE)
        try:
            for spells, query in self.parts:
                by = 10 ** (self.digits - query.digits)
                with asking(connection, self.tenant, spells, query) as values:
                    connection.execute(
                        f"INSERT INTO charges SELECT call_id, amount * {by}, included FROM ({query.sql})",  # noqa: S608 - our numbers and names
                        {**values, "since": since_ns or 0},
                    )
            yield
        finally:
            connection.execute("DROP TABLE charges")


NO_CHARGES: Final = Charging("", ())


def charging(
    connection: duckdb.DuckDBPyConnection, accounts: Accounts, wanted: Wanted, tariffs: Tariffs
) -> tuple[Charging, tuple[str | None, ...]]:
    """Prepare the charges of customers' periods; return also the customers that have to be charged call by call."""
    parts: list[tuple[tuple[Spell, ...], ChargeQuery]] = []
    singly: set[str | None] = set()
    for held in by_tariff(spells_of(accounts, wanted, tariffs)):
        found = query_of(connection, accounts.tenant, held) if says(held[0].tariff) else None
        if found is None:
            singly |= {spell.customer for spell in held}
        else:
            parts.append((tuple(held), found))
    digits = max((query.digits for _, query in parts), default=0)
    fitting = []
    for spells, query in parts:
        if query.most * 10 ** (digits - query.digits) < LIMIT:
            fitting.append((spells, query))
        else:
            singly |= {spell.customer for spell in spells}
    return Charging(accounts.tenant, tuple(fitting)), tuple(sorted(singly, key=str))


def by_tariff(spells: Iterable[Spell]) -> list[list[Spell]]:
    """Return spells by their prices, in their order."""
    found: dict[int, list[Spell]] = {}
    for spell in spells:
        found.setdefault(id(spell.tariff), []).append(spell)
    return list(found.values())


def query_of(
    connection: duckdb.DuckDBPyConnection, tenant: str, spells: Sequence[Spell], stints: Stints | None = None
) -> ChargeQuery | None:
    """Return the query that charges all spells of one tariff, by calls or ``stints``; None where none can."""
    found = FOUND if stints is None else stints.found
    with registered(connection, tenant, spells) as values:
        units = unit_names(connection, values, found)
        if units is None:
            return None
        kinds = list(kinds_of(connection, values, spells, units, found))
    one_bill = len({spell.of for spell in spells}) == 1
    return charge_query(spells[0].tariff, kinds, one_bill=one_bill, stints=stints)


@contextmanager
def asking(
    connection: duckdb.DuckDBPyConnection, tenant: str, spells: Sequence[Spell], query: ChargeQuery
) -> Iterator[dict[str, Any]]:
    """Let a query see its spells and kinds; give the values that it takes."""
    connection.register("call_kinds", query.kinds)
    try:
        with registered(connection, tenant, spells) as values:
            yield values
    finally:
        connection.unregister("call_kinds")
