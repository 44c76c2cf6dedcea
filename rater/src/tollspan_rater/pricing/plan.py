"""Plans: what a customer has agreed to: rate cards, fees, allowances, discounts, bounds, a policy."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from tollspan_rater.pricing.allowance import Allowance, read_included
from tollspan_rater.pricing.base_fee import BaseFee, read_base_fee
from tollspan_rater.pricing.bound import Bound, read_maximum, read_minimum
from tollspan_rater.pricing.canonical import LATER
from tollspan_rater.pricing.card import read_name
from tollspan_rater.pricing.commitment import Commitment, read_commitment
from tollspan_rater.pricing.cycle import INTERVALS
from tollspan_rater.pricing.discount import Discount, read_discounts
from tollspan_rater.pricing.document import Node, Table
from tollspan_rater.pricing.period import known_zone
from tollspan_rater.pricing.policy import Policy, read_policy
from tollspan_rater.pricing.reading import Reading
from tollspan_rater.pricing.rounding_rule import RoundingRule, read_rounding
from tollspan_rater.pricing.trial import Trial, read_trial

ANCHORS: Final = ("calendar", "subscription")


@dataclass(frozen=True, slots=True)
class Plan:
    """A plan. ``cards`` are asked in order: the first that prices a meter for a model decides.

    ``every`` is the billing interval; with ``anchor`` ``subscription`` periods begin on the day the plan began.
    ``zone`` is used for customers without a time zone of their own.
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
    anchor: str = field(default="calendar", metadata=LATER)
    trial: Trial | None = field(default=None, metadata=LATER)
    discounts: tuple[Discount, ...] = field(default=(), metadata=LATER)
    minimum: Bound | None = field(default=None, metadata=LATER)
    maximum: Bound | None = field(default=None, metadata=LATER)
    commitment: Commitment | None = field(default=None, metadata=LATER)
    rounding: RoundingRule = field(default_factory=RoundingRule, metadata=LATER)
    path: str = field(default="", compare=False)
    line: int = field(default=0, compare=False)


def _read_every(node: Node | None, reading: Reading) -> str:
    return reading.choice(node, "every", INTERVALS, "month")


def _read_anchor(node: Node | None, reading: Reading) -> str:
    return reading.choice(node, "anchor", ANCHORS, "calendar")


TERMS: Final[Mapping[str, Callable[[Node | None, Reading], Any]]] = {
    "base_fee": read_base_fee,
    "included": read_included,
    "every": _read_every,
    "anchor": _read_anchor,
    "trial": read_trial,
    "discounts": read_discounts,
    "minimum": read_minimum,
    "maximum": read_maximum,
    "commitment": read_commitment,
    "rounding": read_rounding,
    "policy": read_policy,
}  # what a plan says and one customer's own terms may say instead: each key is a field of Plan
PLAN_KEYS: Final = ("plan", "title", "currency", "cards", "zone", *TERMS)


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
        zone=_read_zone(entries.get("zone"), reading),
        title=reading.text(entries.get("title"), "title"),
        path=table.path,
        line=table.line,
        **read_terms(table, reading),
    )


def read_terms(table: Table, reading: Reading) -> dict[str, Any]:
    """Read the keys of ``TERMS`` that a document has, as fields of :class:`Plan`."""
    return {key: read(table.entries[key], reading) for key, read in TERMS.items() if key in table.entries}


def _read_zone(node: Node | None, reading: Reading) -> str | None:
    if node is None:
        return None
    zone = reading.text(node, "the time zone")
    if zone and known_zone(zone):
        return zone
    reading.wrong(node, f"there is no time zone {zone!r}", "Write an IANA name, like Europe/Berlin or UTC")
    return None
