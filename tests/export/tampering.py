"""What somebody does to a target's entries behind our back: one is taken away, changed, or there twice."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass, is_dataclass
from decimal import Decimal
from operator import attrgetter
from typing import Any

from tests.export.simulators.simulator import Simulator


@dataclass(frozen=True)
class Kept:
    """Where a simulator keeps its entries, and the way to the number of one of them."""

    store: str
    number: tuple[str | int, ...]

    def of(self, simulator: Simulator) -> Any:
        return attrgetter(self.store)(simulator)


_PROPERTY = ("properties", "value")
KEPT: Mapping[str, Kept] = {
    "azure-marketplace": Kept("events", ("quantity",)),
    "chargebee-usage-events": Kept("events", ("properties", "input_tokens")),
    "chargebee-usages": Kept("usages", ("quantity",)),
    "flexprice": Kept("events", (1, *_PROPERTY)),
    "lago-events": Kept("events", _PROPERTY),
    "lago-invoices": Kept("fees", ("amount_cents",)),
    "lago-rated-events": Kept("events", ("precise_total_amount_cents",)),
    "metronome-usage": Kept("events", ("properties", "quantity")),
    "openmeter": Kept("stored", (1, "data", "value")),
    "orb-events": Kept("events", ("properties", "quantity")),
    "razorpay-invoices": Kept("invoices", ("line_items", 0, "gross_amount")),
    "recurly-usage": Kept("records", ("amount",)),
    "stripe-invoice-items": Kept("invoices.items", ("amount",)),
    "stripe-meter-events": Kept("meters.events", ("payload", "value")),
    "stripe-meter-stream": Kept("meters.events", ("payload", "value")),
    "zuora-usage": Kept("records", ("Quantity",)),
}


def lose(kept: Kept, simulator: Simulator) -> None:
    store = kept.of(simulator)
    store.pop(_first(store))


def change(kept: Kept, simulator: Simulator) -> None:
    store = kept.of(simulator)
    store[_first(store)] = entry = deepcopy(store[_first(store)])
    *way, last = kept.number
    place = entry
    for name in way:
        place = getattr(place, str(name)) if is_dataclass(place) else place[name]
    place[last] = type(place[last])(Decimal(place[last]) + 1)


def double(kept: Kept, simulator: Simulator) -> None:
    store = kept.of(simulator)
    entry = deepcopy(store[_first(store)])
    if isinstance(store, list):
        store.append(entry)
    else:
        store[_another(_first(store))] = entry


TAMPERING: Mapping[str, Callable[[Kept, Simulator], None]] = {"lost": lose, "changed": change, "twice": double}


def _first(store: Any) -> Any:
    return 0 if isinstance(store, list) else next(iter(store))


def _another(key: Any) -> Any:
    """Return a key that is not there: with another id of an item, or another first part."""
    if isinstance(key, str):
        return f"{key}x"
    place = next((place for place, part in enumerate(key) if str(part).startswith("li_")), 0)
    return (*key[:place], f"{key[place]}x", *key[place + 1 :])
