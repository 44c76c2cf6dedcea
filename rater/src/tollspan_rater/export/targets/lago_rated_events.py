"""Lago as events with their price: amounts that we rated, for its dynamic charge model.

As :mod:`tollspan_rater.export.targets.lago_events`; Lago adds up ``precise_total_amount_cents`` instead of rating.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any, Final

from tollspan_rater.domain.money import EXACT, exponent
from tollspan_rater.export.draft import Draft
from tollspan_rater.export.settings import Settings
from tollspan_rater.export.target import Element, Mapped, Wanted
from tollspan_rater.export.targets.lago_events import USAGE, LagoEvents, event
from tollspan_rater.pricing.model import shortest

AMOUNTS: Final = replace(USAGE, name="lago-rated-events", takes="amount")


class LagoRatedEvents(LagoEvents):
    """Sends the lines of statements as events whose amount is given."""

    def element(self, draft: Draft, item_id: str, stamp_ns: int, mapped: Mapped) -> Element:
        """Make an event of a line; currency and line are properties, so that a look at Lago leads back here.

        A line without a quantity, as a fee, adds its amount and no units.

        Raises:
            UntellableError: the draft's amount is unknown.
        """
        amount, currency = self.amount(draft)
        told = event(draft, item_id, stamp_ns, mapped, "0" if draft.quantity is None else self.quantity(draft))
        properties = {**told["properties"], "currency": currency, "line": draft.component}
        cents = shortest(EXACT.scaleb(amount, exponent(currency)))
        return {**told, "properties": properties, "precise_total_amount_cents": f"{cents:f}"}

    def _value(self, event: Mapping[str, Any], wanted: Wanted) -> Decimal | None:
        if event["properties"].get("currency") != wanted.currency:
            return None
        cents = Decimal(event.get("precise_total_amount_cents") or 0)
        return EXACT.scaleb(cents, -exponent(wanted.currency))


def target(settings: Settings) -> LagoRatedEvents:
    """Make the target."""
    return LagoRatedEvents(settings, AMOUNTS)
