"""What usage costs by the prices of a plan, in the most naive way: price by price. Shares no code with tollspan.

A case is as :mod:`tests.reference.bill` describes it.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from tests.reference import modifiers, prices
from tests.reference.meters import Cards, charged, climb, parts

Data = dict[str, Any]
Shares = dict[tuple[str, str], Fraction]  # (reason, meter)


@dataclass
class Used:
    """What one entry was used for: quantity, single events, what the provider charged; what of it is not free."""

    entry: Data
    quantity: Fraction = Fraction(0)
    events: list[tuple[Fraction, str | None]] = field(default_factory=list)
    cost: Fraction = Fraction(0)
    billable: Fraction = Fraction(0)


@dataclass
class Usage:
    """All entries of the cards by name, in their order, and the usage that none of them charges."""

    entries: dict[str, Used]
    aside: Shares = field(default_factory=dict)
    unpriced: Shares = field(default_factory=dict)


def cards_of(case: Data) -> Cards:
    return [
        [
            {**entry, "card": card["card"], "fallback": card["fallback"], "name": f"{card['card']}#{number}"}
            for number, entry in enumerate(card["prices"])
        ]
        for card in case["cards"]
    ]


def declared(case: Data, meter: str) -> Data:
    return next((card["meters"][meter] for card in case["cards"] if meter in card["meters"]), {})


def count(shares: Shares, reason: str, meter: str, quantity: Fraction) -> None:
    shares[reason, meter] = shares.get((reason, meter), Fraction(0)) + quantity


def collected(case: Data, calls: Iterable[Data]) -> Usage:
    """Send every unit of usage to the entry that charges it, or note why none does."""
    cards = cards_of(case)
    found = Usage({entry["name"]: Used(entry) for entries in cards for entry in entries if "price" in entry})
    for call in calls:
        for meter, quantity in parts(call["usage"]).items():
            if call.get("reason"):
                count(found.aside, call["reason"], meter, quantity)
                continue
            entry, factor = charged(cards, meter, call)
            of = declared(case, meter).get("of")
            value, cost = call.get("facts", {}).get(of), call.get("unit_costs", {}).get(meter)
            problem = call.get("problem") or why_not(entry, of, value, cost)
            if problem is None and entry is not None:
                used = found.entries[entry["name"]]
                used.quantity += quantity * factor
                used.events.append((quantity * factor, value))
                used.cost += quantity * Fraction(cost or 0)
            elif meter != "request":
                count(found.unpriced, str(problem), meter, quantity)
    return found


def why_not(entry: Data | None, of: str | None, value: str | None, cost: str | None) -> str | None:
    """Return why an entry cannot charge usage."""
    if entry is None:
        return "no price"
    if "cost_plus" in entry["price"] and cost is None:
        return "cost unknown"
    return "value unknown" if of is not None and value is None else None


def with_free_units(case: Data, found: Usage) -> None:
    """Make one quantity of each entry's events, and take free units off it: allowances, then discounts in units."""
    for used in found.entries.values():
        how = declared(case, used.entry["meter"]).get("aggregate", "sum")
        if how != "sum":
            used.quantity = prices.aggregate(how, used.events)
        used.billable = used.quantity
    granted = {name: own_grant(case, name, rule) for name, rule in case["plan"].get("included", {}).items()}
    for addon in case["addons"]:
        for name, quantity in addon.get("included", {}).items():
            granted[name] = granted.get(name, Fraction(0)) + Fraction(quantity) * addon["quantity"]
    for name, units in granted.items():
        hand_out(found, units, covers(name))
    for discount in case["plan"].get("discounts", []):
        if "units" in discount and in_time(case, discount):
            hand_out(found, Fraction(discount["units"]), covers(*discount["on"]))


def covers(*on: str) -> Callable[[Data], bool]:
    """Return a test for entries of a card, or of a meter or what it contains."""
    return lambda entry: f"card:{entry['card']}" in on or any(meter in on for meter in climb(entry["meter"]))


def hand_out(found: Usage, units: Fraction, covered: Callable[[Data], bool]) -> None:
    """Take free units off the entries that are covered, one after the other."""
    listed = [used for used in found.entries.values() if covered(used.entry)]
    for used, part in zip(listed, modifiers.allowance([used.billable for used in listed], units), strict=True):
        used.billable -= part


def own_grant(case: Data, name: str, rule: Any) -> Fraction:
    """Return what a plan includes, with what earlier periods left of it."""
    if not isinstance(rule, dict):
        return Fraction(rule)
    roll, used = rule["rollover"], [Fraction(quantity) for quantity in case["earlier"][name]]
    most = Fraction(roll["max"]) if "max" in roll else None
    return modifiers.rollover(used, Fraction(rule["quantity"]), roll["periods"], most)


def in_time(case: Data, discount: Data) -> bool:
    """Tell whether a discount for a number of periods still holds in this one."""
    return "periods" not in discount or case["number"] <= discount["periods"]


def amount_of(used: Used) -> Fraction:
    """Return what the usage of an entry costs, beside what the entry asks for without any."""
    price = used.entry["price"]
    if "cost_plus" in price:
        return prices.cost_plus(price, used.quantity, used.billable, used.cost)
    if "percentage" in price:
        return prices.percentage(price, [value for value, _ in used.events])
    units = prices.converted(price, used.billable)
    amount, due = prices.amount(price, units), prices.zero_flat(price)
    return amount - due if units > 0 else amount + due if units < 0 else Fraction(0)
