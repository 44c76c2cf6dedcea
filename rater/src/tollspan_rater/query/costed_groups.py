"""Groups of usage with what the provider charges for it, for prices that follow the provider's."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

import duckdb

from tollspan_rater.query.accounts import Accounts
from tollspan_rater.query.alike import Split, alike, costs_add_up
from tollspan_rater.query.call_fact import TAG, facts_of
from tollspan_rater.query.rated import Alike, cost_of, decision_of, meter_costs, used
from tollspan_rater.query.selection import Selection, select
from tollspan_rater.query.spell import Spell
from tollspan_rater.query.survey import survey
from tollspan_rater.rating.line import UsageGroup
from tollspan_rater.rating.quantity import without


def costed_groups(connection: duckdb.DuckDBPyConnection, accounts: Accounts, spell: Spell) -> Iterator[UsageGroup]:
    """Yield a customer's usage in one segment, in groups that the provider charges alike."""
    tariff, costs = spell.tariff, accounts.cost_book()
    for group in _alike(connection, accounts, spell):
        row, quantities = group.row, used(group.row, group.calls)
        charged = cost_of(row, costs, group.calls, group.bucket)
        decision = decision_of(row, spell.segment, spell.phase)
        currency = None if spell.segment.plan is None else spell.segment.plan.currency
        no_output = "output" not in quantities and row.operation != "embeddings"
        unknown = {"input": "input" not in quantities, "output": no_output} if row.kind == "call" else {}
        yield UsageGroup(
            row.provider,
            row.model,
            decision,
            spell.number,
            group.calls,
            without(quantities, tariff.sampled),
            {meter: group.calls for meter, is_unknown in unknown.items() if is_unknown},
            facts_of(row, tariff.dimensions, spell.phase),
            meter_costs(charged, quantities, currency, row.started_ns),
        )


def _alike(connection: duckdb.DuckDBPyConnection, accounts: Accounts, spell: Spell) -> Iterable[Alike]:
    """Return the calls added up, or each by itself where a provider's price does not allow to add calls up."""
    whose = Selection(accounts.tenant, spell.segment.start_ns, spell.segment.end_ns, only=(spell.customer,))
    found = survey(connection, whose)
    if costs_add_up(accounts.cost_book(), found):
        by = {"tags" if name.startswith(TAG) else name for name in spell.tariff.dimensions} | {"operation"}
        return alike(connection, accounts, Split(whose, found), sorted(by), "UTC")
    return (Alike(row, 1, None) for row in select(connection, replace(whose)))
