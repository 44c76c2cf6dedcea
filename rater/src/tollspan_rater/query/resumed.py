"""Calls rated from an instant on: what was used before it is added up first, where the sum is all that counts.

After the sum of some calls a component stands where it stands after each of them, so that a page of calls, or one call
to explain, does not need the calls before it one by one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain

import duckdb

from tollspan_rater.query.accounts import Accounts
from tollspan_rater.query.rated import RatedCall, Rater
from tollspan_rater.query.selection import Selection, customers_of, select
from tollspan_rater.query.spell import Spell, spells_of
from tollspan_rater.query.stretch import select_in_stretches
from tollspan_rater.query.summed_usage import summed_usage
from tollspan_rater.query.tariffs import Tariffs, adds_up


def resumed(
    connection: duckdb.DuckDBPyConnection,
    accounts: Accounts,
    selection: Selection,
    start_ns: int,
    first: int | None = None,
) -> Iterator[RatedCall]:
    """Yield the selected calls from an instant on with their money; ``selection`` filters by customer at most.

    What lies before counts only where prices depend on it. Who takes no more than ``first`` calls has few others read.
    """
    whose = replace(selection, start_ns=start_ns)
    running = [(name, accounts.period_at(name, start_ns)) for name in _customers(connection, whose)]
    rater = Rater(accounts)
    calls = select(connection, whose) if first is None else select_in_stretches(connection, whose, first)
    spells = [spell for spell in spells_of(accounts, running, Tariffs()) if not adds_up(spell.tariff)]
    if any(spell.tariff.sampled or spell.tariff.wants_cost for spell in spells):
        begin = min(running[spell.of][1].start_ns for spell in spells)
        before = select(connection, replace(selection, start_ns=begin, end_ns=start_ns))
        yield from (call for call in rater.rate(chain(before, calls)) if call.row.started_ns >= start_ns)
        return
    for spell, group in summed_usage(connection, accounts.tenant, list(_before(spells, start_ns))):
        customer, period = running[spell.of]
        rater.take(customer, period, group)
    yield from rater.rate(calls)


def _customers(connection: duckdb.DuckDBPyConnection, selection: Selection) -> Sequence[str | None]:
    """Return whose the selected calls are, or may be."""
    if selection.only is not None:
        return selection.only
    named = dict(selection.filters).get("customer")
    return customers_of(connection, selection) if named is None else [named]


def _before(spells: list[Spell], end_ns: int) -> Iterator[Spell]:
    """Yield the spells as far as they lie before an instant."""
    for spell in spells:
        segment = spell.segment
        if segment.start_ns < end_ns:
            yield replace(spell, segment=replace(segment, end_ns=min(segment.end_ns, end_ns)))
