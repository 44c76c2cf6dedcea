"""Terms: what was agreed with one customer and differs from its plan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, Final

from tollspan_rater.pricing.card import PRICES_KEYS, RateCard, read_prices
from tollspan_rater.pricing.document import Node, Table
from tollspan_rater.pricing.meter import Meter
from tollspan_rater.pricing.plan import TERMS, Plan, read_terms
from tollspan_rater.pricing.reading import Reading

TERMS_KEYS: Final = ("terms", "title", "from", *PRICES_KEYS, *TERMS)
CARD_NAME: Final = "terms:"


@dataclass(frozen=True, slots=True)
class Terms:
    """One customer's own terms from a day on; without a day since ever.

    ``card`` is asked before the plan's cards, in whose currency its prices are. ``instead`` are fields of
    :class:`Plan` and what they are for this customer.
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


def read_customer_terms(table: Table, meters: Mapping[str, Meter], reading: Reading) -> Terms:
    """Read one document of terms; ``meters`` are the custom meters that the folder's cards declare."""
    reading.only(table, TERMS_KEYS, "terms")
    entries = table.entries
    customer = reading.text(entries["terms"], "the customer")
    if not set(entries) & {"prices", *TERMS}:
        reading.wrong(table, "the terms change nothing", "Add `prices:` or what differs, like `base_fee: 10`")
    return Terms(
        customer=customer,
        since=_read_day(entries.get("from"), reading),
        card=read_prices(table, CARD_NAME + customer, "", reading, known=meters) if "prices" in entries else None,
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
