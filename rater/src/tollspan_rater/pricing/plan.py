"""Plans: what a customer has agreed to: rate cards, a base fee, included allowances, a policy."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from tollspan_rater.pricing.card import TREE, read_name
from tollspan_rater.pricing.document import Node, Table, Text
from tollspan_rater.pricing.model import shortest
from tollspan_rater.pricing.period import known_zone
from tollspan_rater.pricing.policy import Policy, read_policy
from tollspan_rater.pricing.reading import Reading

PLAN_KEYS: Final = ("plan", "title", "currency", "cards", "base_fee", "included", "every", "zone", "policy")
INTERVALS: Final = ("month",)


@dataclass(frozen=True, slots=True)
class BaseFee:
    """What a period costs before any use; ``prorate``: a plan held for part of a period pays that part."""

    amount: Decimal
    prorate: bool = True


@dataclass(frozen=True, slots=True)
class Allowance:
    """Units of a meter, and of the meters below it, that the base fee covers in each period."""

    meter: str
    quantity: Decimal
    line: int = field(default=0, compare=False)


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


def below(meter: str, ancestor: str) -> bool:
    """Tell whether a meter is ``ancestor`` or part of it."""
    at: str | None = meter
    while at is not None and at != ancestor:
        at = TREE.get(at)
    return at is not None


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
        base_fee=_read_base_fee(entries.get("base_fee"), reading),
        included=_read_included(entries.get("included"), reading),
        every=reading.choice(entries.get("every"), "every", INTERVALS, "month"),
        zone=_read_zone(entries.get("zone"), reading),
        policy=read_policy(entries.get("policy"), reading),
        title=reading.text(entries.get("title"), "title"),
        path=table.path,
        line=table.line,
    )


def _read_base_fee(node: Node | None, reading: Reading) -> BaseFee | None:
    if node is None:
        return None
    if isinstance(node, Text):
        amount = reading.number(node, "the base fee")
        return None if amount is None else BaseFee(shortest(amount))
    table = reading.table(node, "the base fee")
    if table is None:
        return None
    reading.only(table, ("amount", "prorate"), "a base fee")
    if "amount" not in table.entries:
        reading.wrong(table, "the base fee has no amount", "Add `amount: 99.00`")
        return None
    amount = reading.number(table.entries["amount"], "the base fee")
    prorate = reading.yes_no(table.entries["prorate"], "prorate") if "prorate" in table.entries else True
    return None if amount is None else BaseFee(shortest(amount), prorate is not False)


def _read_included(node: Node | None, reading: Reading) -> tuple[Allowance, ...]:
    table = reading.table(node, "included") if node is not None else None
    if table is None:
        return ()
    allowances: list[Allowance] = []
    for meter, value in table.entries.items():
        quantity = reading.number(value, f"the allowance of {meter}")
        for other in allowances:
            if below(meter, other.meter) or below(other.meter, meter):
                problem = f"the allowances of {other.meter} and {meter} cover the same units"
                reading.wrong(value, problem, "Keep one of the two")
        if quantity is not None:
            allowances.append(Allowance(meter, shortest(quantity), table.lines[meter]))
    return tuple(allowances)


def _read_zone(node: Node | None, reading: Reading) -> str | None:
    if node is None:
        return None
    zone = reading.text(node, "the time zone")
    if zone and known_zone(zone):
        return zone
    reading.wrong(node, f"there is no time zone {zone!r}", "Write an IANA name, like Europe/Berlin or UTC")
    return None
