"""Terms: what was agreed with one customer and differs from its plan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, Final

from tollspan_rater.pricing.card import RateCard, read_card
from tollspan_rater.pricing.document import Many, Node, Table, Text
from tollspan_rater.pricing.plan import TERMS, Plan, read_terms
from tollspan_rater.pricing.reading import Reading

CARD_PART: Final = ("per", "fallback", "prices")
TERMS_KEYS: Final = ("terms", "title", "from", *CARD_PART, *TERMS)
CARD_NAME: Final = "terms:"


@dataclass(frozen=True, slots=True)
class Terms:
    """One customer's own terms from a day on; without a day since ever.

    ``card`` is asked before the plan's cards. ``instead`` are fields of :class:`Plan` and what they are for
    this customer.
    """

    customer: str
    since: date | None = None
    card: RateCard | None = None
    instead: Mapping[str, Any] = field(default_factory=dict)
    title: str = ""
    path: str = field(default="", compare=False)
    line: int = field(default=0, compare=False)

    def of(self, plan: Plan) -> Plan:
        """Return a plan as it is for this customer."""
        return replace(plan, **self.instead)


def read_customer_terms(table: Table, meters: Sequence[str], reading: Reading) -> Terms:
    """Read one document of terms; ``meters`` are the custom meters that the folder's cards declare."""
    reading.only(table, TERMS_KEYS, "terms")
    entries = table.entries
    customer = reading.text(entries["terms"], "the customer")
    if not set(entries) & {"prices", *TERMS}:
        reading.wrong(table, "the terms change nothing", "Add `prices:` or what differs, like `base_fee: 10`")
    return Terms(
        customer=customer,
        since=_read_day(entries.get("from"), reading),
        card=_read_prices(table, customer, meters, reading) if "prices" in entries else None,
        instead=read_terms(table, reading),
        title=reading.text(entries.get("title"), "title"),
        path=table.path,
        line=table.line,
    )


def _read_day(node: Node | None, reading: Reading) -> date | None:
    if node is None:
        return None
    text = reading.text(node, "from")
    try:
        return date.fromisoformat(text)
    except ValueError:
        reading.wrong(node, f"from is {text!r}, which is no day", "Write a day like 2026-11-01")
        return None


def _read_prices(table: Table, customer: str, meters: Sequence[str], reading: Reading) -> RateCard:
    """Read the prices as those of a card that declares nothing: what a meter is, the plan's cards say."""
    path, line = table.path, table.line
    entries: dict[str, Node] = {key: table.entries[key] for key in CARD_PART if key in table.entries}
    entries["card"] = Text("terms", path, line)
    entries["currency"] = Text("XTS", path, line)  # in truth that of the plan whose cards it stands before
    entries["meters"] = Many(path, line, [Text(meter, path, line) for meter in meters])
    card = read_card(Table(path, line, entries, dict.fromkeys(entries, line) | table.lines), reading)
    name = CARD_NAME + customer
    items = tuple(replace(item, card=name) for item in card.items)
    return replace(card, name=name, currency="", items=items, meters=type(card.meters)())
