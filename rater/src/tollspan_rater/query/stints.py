"""Charges where nobody asks what single calls are charged: all that a spell has of a window of time is charged as one.

That is a stint. What its calls add to the bill is what the bill comes to after it, less what it came to before; so it
can be read from kept sums, while the charges of single calls need all calls in their order.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import chain, groupby, pairwise
from typing import Final

import duckdb

from tollspan_rater.cost.rates import Unknown
from tollspan_rater.domain.money import EXACT
from tollspan_rater.pricing.policy import BILLABLE, Reason
from tollspan_rater.query.accounts import Accounts
from tollspan_rater.query.charge_query import ChargeQuery, Stints, says
from tollspan_rater.query.charges import Wanted, asking, by_tariff, query_of
from tollspan_rater.query.rated import RatedCall
from tollspan_rater.query.selection import CallRow, Selection
from tollspan_rater.query.spell import Spell, found_of, spells_of
from tollspan_rater.query.summed_usage import summed_usage
from tollspan_rater.query.tariffs import Tariffs
from tollspan_rater.query.time_steps import TimeSteps
from tollspan_rater.rating.line import UsageGroup
from tollspan_rater.rating.marginal import ChargedCall, Marginal
from tollspan_rater.store.weighed import Weighed

# So many stints are rated by the engine before the database has planned a query that charges any number of them.
FEW: Final = 100
_NO_CALL: Final = CallRow._make(None for _ in CallRow._fields)._replace(kind="call")
_NO_COST: Final = Unknown("unmeasured", "no call")
Charged = tuple[Spell, int, Decimal]  # a spell, an instant in a stint of it, and what is charged for the stint


@dataclass(frozen=True, slots=True)
class StintsBy:
    """What an answer tells apart: windows local to ``zone``, and bills if they are not ``together``."""

    windows: tuple[str, ...]
    zone: str
    together: bool

    def asked(self, sums: Weighed, selection: Selection, span: tuple[int, int]) -> Asked:
        """Return what is asked of selected calls that lie in a span."""
        steps = TimeSteps.of(self.windows, self.zone, span)
        return Asked(sums, steps, selection.start_ns, selection.end_ns, self.together)


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked: calls of [since_ns, end_ns), told apart by ``steps`` in time, read from ``sums``.

    ``together``: not told apart where they are of several customers who hold the same.
    """

    sums: Weighed
    steps: TimeSteps
    since_ns: int | None
    end_ns: int | None
    together: bool

    @property
    def instants(self) -> tuple[int, ...]:
        """Where what is asked begins, ends and is told apart."""
        ends = (at for at in (self.since_ns, self.end_ns) if at is not None)
        return (*ends, *(self.steps.edges if self.steps.several else ()))

    def stints(self, spells: Sequence[Spell]) -> Stints:
        """Return how the database reads the stints of some spells."""
        found = found_of(self.sums, spells[0].tariff.dimensions, spells, self.instants)
        return Stints(found, self.steps.step, f"LEFT {self.steps.join}" if self.steps.several else "", self.together)


@dataclass(frozen=True, slots=True)
class StintCharging:
    """How the stints of some customers are charged: by a query for each tariff, or ``few`` by the engine."""

    tenant: str
    asked: Asked
    parts: tuple[tuple[tuple[Spell, ...], ChargeQuery], ...] = ()
    few: tuple[tuple[Spell, ...], ...] = ()

    @property
    def customers(self) -> frozenset[str | None]:
        """Whose stints are charged."""
        held = chain(*self.few, *(spells for spells, _ in self.parts))
        return frozenset(spell.customer for spell in held)

    def charged(self, connection: duckdb.DuckDBPyConnection, accounts: Accounts) -> Iterator[RatedCall]:
        """Yield what is charged for each stint, as no calls of its customer, period, plan and time."""
        for found in (self._by_engine(connection, accounts), self._by_query(connection)):
            for spell, at_ns, amount in found:
                yield rated(spell, at_ns, amount, accounts)

    def _by_engine(self, connection: duckdb.DuckDBPyConnection, accounts: Accounts) -> Iterator[Charged]:
        since_ns = self.asked.since_ns or 0
        for spells in self.few:
            place = {id(spell): number for number, spell in enumerate(spells)}
            usage = summed_usage(connection, self.tenant, spells, self.asked.sums)
            in_order = sorted(usage, key=lambda one: place[id(one[0])])
            for _, of_bill in groupby(in_order, key=lambda one: one[0].of):
                for spell, at_ns, amount in _added(of_bill, accounts):
                    if amount and at_ns >= since_ns:
                        yield spell, at_ns, amount

    def _by_query(self, connection: duckdb.DuckDBPyConnection) -> Iterator[Charged]:
        connection.register("time_steps", self.asked.steps.table())
        try:
            for spells, query in self.parts:
                with asking(connection, self.tenant, spells, query) as values:
                    rows = connection.execute(query.sql, {**values, "since": self.asked.since_ns or 0}).fetchall()
                for place, started_ns, amount in rows:
                    yield spells[place], started_ns, EXACT.scaleb(Decimal(amount), -query.digits)
        finally:
            connection.unregister("time_steps")


def stint_charging(
    connection: duckdb.DuckDBPyConnection, accounts: Accounts, wanted: Wanted, tariffs: Tariffs, asked: Asked
) -> tuple[StintCharging, tuple[str | None, ...]]:
    """Prepare the charges of customers' periods; return also the customers that have to be charged call by call."""
    parts: list[tuple[tuple[Spell, ...], ChargeQuery]] = []
    few: list[tuple[Spell, ...]] = []
    singly: set[str | None] = set()
    room = FEW
    for whole in by_tariff(spells_of(accounts, wanted, tariffs)):
        held = _cut(whole, () if asked.end_ns is None else (asked.end_ns,), asked.end_ns)
        cut = _cut(held, asked.instants)
        sayable = says(whole[0].tariff)
        if sayable and len(cut) <= room:
            room -= len(cut)
            few.append(tuple(cut))
        elif sayable and (query := query_of(connection, accounts.tenant, held, asked.stints(held))) is not None:
            parts.append((tuple(held), query))
        else:
            singly |= {spell.customer for spell in whole}
    return StintCharging(accounts.tenant, asked, tuple(parts), tuple(few)), tuple(sorted(singly, key=str))


def _added(
    usage: Iterable[tuple[Spell, UsageGroup]], accounts: Accounts
) -> Iterator[tuple[Spell, int, Decimal | None]]:
    """Yield what each group of usage adds to the one bill of all, in the order of time; None without a price."""
    marginal: Marginal | None = None
    for spell, group in usage:
        at_ns = spell.segment.start_ns
        if marginal is None:
            period = accounts.period_at(spell.customer, at_ns)
            marginal = Marginal(accounts.segments(spell.customer, period), spell.tariff)
        charged = marginal.charge(
            at_ns, group.provider, group.model, group.quantities, group.decision, facts=group.facts
        )
        yield spell, at_ns, charged.amount


def _cut(spells: Sequence[Spell], instants: Sequence[int], last_ns: int | None = None) -> list[Spell]:
    """Return spells cut at some instants, without what lies behind the last one."""
    found: list[Spell] = []
    for spell in spells:
        segment = spell.segment
        inner = sorted({at for at in instants if segment.start_ns < at < segment.end_ns})
        found += [
            replace(spell, segment=replace(segment, start_ns=start_ns, end_ns=end_ns))
            for start_ns, end_ns in pairwise((segment.start_ns, *inner, segment.end_ns))
            if last_ns is None or start_ns < last_ns
        ]
    return found


def rated(spell: Spell, at_ns: int, amount: Decimal, accounts: Accounts) -> RatedCall:
    """Return what is charged for a stint as a rated call that is none."""
    segment = spell.segment
    plan, currency = (None, None) if segment.plan is None else (segment.plan.name, segment.plan.currency)
    row = _NO_CALL._replace(customer=spell.customer, started_ns=at_ns, ended_ns=at_ns)
    charged = ChargedCall(amount, Reason.BILLABLE, segment.version, currency)
    return RatedCall(row, accounts.period_at(spell.customer, at_ns), plan, BILLABLE, charged, _NO_COST, calls=0)
