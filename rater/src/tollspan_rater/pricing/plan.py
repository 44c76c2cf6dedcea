"""Plans: what a customer has agreed to: rate cards, a base fee, included allowances, a policy."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from tollspan_rater.pricing.allowance import Allowance, read_included
from tollspan_rater.pricing.base_fee import BaseFee, read_base_fee
from tollspan_rater.pricing.card import read_name
from tollspan_rater.pricing.document import Node, Table
from tollspan_rater.pricing.period import known_zone
from tollspan_rater.pricing.policy import Policy, read_policy
from tollspan_rater.pricing.reading import Reading

PLAN_KEYS: Final = ("plan", "title", "currency", "cards", "base_fee", "included", "every", "zone", "policy")
INTERVALS: Final = ("month",)


@dataclass(frozen=True, slots=True)
class Plan:
    """A plan. ``cards`` are asked in order: the first that prices a meter for a model decides.

    ``every`` is the billing interval; ``zone`` is used for customers without a time zone of their own.
    """

    name: str
    currency: str
    cards: tuple[str, ...]
    base_fee: BaseFee | None = None
    included: tuple[Allowance, ...] = ()
    every: str = "month"
    zone: str | None = None
    policy: Policy = field(default_factory=Policy)
    title: str = ""
    path: str = field(default="", compare=False)
    line: int = field(default=0, compare=False)


def read_plan(table: Table, reading: Reading) -> Plan:
    """Read one plan document; what cannot be read is noted and left out."""
    reading.only(table, PLAN_KEYS, "a plan")
    entries = table.entries
    cards = tuple(reading.text(node, "a card's name") for node in reading.items(entries.get("cards"), "cards"))
    if not cards:
        reading.wrong(table, "the plan has no cards", "Add `cards: [name of a rate card]`")
    return Plan(
        name=read_name(table, "plan", reading),
        currency=reading.currency(table),
        cards=cards,
        base_fee=read_base_fee(entries.get("base_fee"), reading),
        included=read_included(entries.get("included"), reading),
        every=reading.choice(entries.get("every"), "every", INTERVALS, "month"),
        zone=_read_zone(entries.get("zone"), reading),
        policy=read_policy(entries.get("policy"), reading),
        title=reading.text(entries.get("title"), "title"),
        path=table.path,
        line=table.line,
    )


def _read_zone(node: Node | None, reading: Reading) -> str | None:
    if node is None:
        return None
    zone = reading.text(node, "the time zone")
    if zone and known_zone(zone):
        return zone
    reading.wrong(node, f"there is no time zone {zone!r}", "Write an IANA name, like Europe/Berlin or UTC")
    return None
