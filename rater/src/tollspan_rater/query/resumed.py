"""Calls rated from an instant on: what was used before it is added up first, where the sum is all that counts.

After the sum of some calls a component stands where it stands after each of them, so that a page of calls, or one call
to explain, does not need the calls before it one by one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import duckdb

from tollspan_rater.query.accounts import Accounts
from tollspan_rater.query.groups import summed_usage
from tollspan_rater.query.rated import RatedCall, Rater
from tollspan_rater.query.selection import Selection, customers_of, select
from tollspan_rater.query.spell import Spell, spells_of
from tollspan_rater.query.tariffs import Tariffs


def resumed(
    connection: duckdb.DuckDBPyConnection, accounts: Accounts, selection: Selection, start_ns: int
) -> Iterator[RatedCall]:
    """Yield the selected calls from an instant on with their money; ``selection`` filters by customer at most."""
    whose = replace(selection, start_ns=start_ns)
    running = [(name, accounts.period_at(name, start_ns)) for name in customers_of(connection, whose)]
    rater = Rater(accounts)
    spells = spells_of(accounts, running, Tariffs())
    if any(spell.tariff.sampled or spell.tariff.wants_cost for spell in spells):
        begin = min(period.start_ns for _, period in running)
        calls = rater.rate(select(connection, replace(selection, start_ns=begin)))
        yield from (call for call in calls if call.row.started_ns >= start_ns)
        return
    for spell, group in summed_usage(connection, accounts.tenant, list(_before(spells, start_ns))):
        customer, period = running[spell.of]
        rater.take(customer, period, group)
    yield from rater.rate(select(connection, whose))


def _before(spells: list[Spell], end_ns: int) -> Iterator[Spell]:
    """Yield the spells as far as they lie before an instant."""
    for spell in spells:
        segment = spell.segment
        if segment.start_ns < end_ns:
            yield replace(spell, segment=replace(segment, end_ns=min(segment.end_ns, end_ns)))
