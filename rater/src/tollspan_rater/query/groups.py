"""Customers' usage of periods as what bills are rated from: groups priced alike, single events where these decide.

All customers are added up in one pass of the database, however many they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import duckdb

from tollspan_rater.pricing.period import Period
from tollspan_rater.query.accounts import Accounts
from tollspan_rater.query.costed_groups import costed_groups
from tollspan_rater.query.samples import samples_of
from tollspan_rater.query.spell import spells_of
from tollspan_rater.query.summed_usage import summed_usage
from tollspan_rater.query.tariffs import Tariffs
from tollspan_rater.rating.line import UsageGroup
from tollspan_rater.rating.sample import Sample
from tollspan_rater.store.weighed import LEGS, Weighed


@dataclass(frozen=True, slots=True)
class PeriodUsage:
    """What :func:`tollspan_rater.rating.rate.rate` takes of a customer's period."""

    groups: list[UsageGroup] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)


def usage_of(
    connection: duckdb.DuckDBPyConnection,
    accounts: Accounts,
    wanted: Sequence[tuple[str | None, Period]],
    tariffs: Tariffs,
    sums: Weighed = LEGS,
) -> list[PeriodUsage]:
    """Return the usage of customers' periods, in the order given; None stands for nobody's calls.

    ``sums`` is what sums are read from.
    """
    found = [PeriodUsage() for _ in wanted]
    spells = spells_of(accounts, wanted, tariffs)
    added = [one for one in spells if not one.tariff.wants_cost]
    for spell, group in summed_usage(connection, accounts.tenant, added, sums):
        found[spell.of].groups.append(group)
    for spell in spells:
        if spell.tariff.wants_cost:
            found[spell.of].groups.extend(costed_groups(connection, accounts, spell))
    for spell, sample in samples_of(connection, accounts.tenant, [one for one in spells if one.tariff.sampled]):
        found[spell.of].samples.append(sample)
    return found
