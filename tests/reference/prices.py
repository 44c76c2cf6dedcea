"""What a quantity costs, in the most naive way: one function a price model, in fractions or unit by unit.

Shares no code with tollspan. A price is the plain data that stands behind a meter in a rate card, e.g.
``{"graduated": [{"up_to": "100", "price": "2"}, {"price": "1"}], "per": "1K"}``.
"""

from collections.abc import Sequence
from fractions import Fraction
from math import ceil, floor
from typing import Any

Data = dict[str, Any]

PER = {"1": 1, "1K": 1000, "1M": 1000000}


def per_unit(price: Data, quantity: Fraction) -> Fraction:
    return quantity * Fraction(price["price"]) / PER[price.get("per", "1")]


def graduated(price: Data, quantity: Fraction) -> Fraction:
    """Fill one tier after the other, like glasses."""
    total, left, lower = Fraction(0), quantity, Fraction(0)
    for tier in price["graduated"]:
        room = left if "up_to" not in tier else Fraction(tier["up_to"]) - lower
        poured = min(left, room)
        total += poured * Fraction(tier["price"]) / PER[price.get("per", "1")] + Fraction(tier.get("flat", 0))
        left, lower = left - poured, lower + room
        if left == 0:
            break
    return total


def tier_of(tiers: list[Data], quantity: Fraction) -> Data:
    """Return the first tier that the whole quantity fits into; a bound belongs to the tier it ends."""
    fitting = [tier for tier in tiers if "up_to" not in tier or quantity <= Fraction(tier["up_to"])]
    return fitting[0]


def volume(price: Data, quantity: Fraction) -> Fraction:
    tier = tier_of(price["volume"], quantity)
    return quantity * Fraction(tier["price"]) / PER[price.get("per", "1")] + Fraction(tier.get("flat", 0))


def stairstep(price: Data, quantity: Fraction) -> Fraction:
    return Fraction(tier_of(price["stairstep"], quantity)["amount"])


def package(price: Data, quantity: Fraction) -> Fraction:
    """Open one package after the other; with ``round: down`` a begun one is not paid."""
    pack = price["package"]
    left, packages = quantity - Fraction(pack.get("free", 0)), 0
    size = Fraction(pack["size"])
    packages += max(0, floor(left / size))
    left -= packages * size
    if left > 0 and pack.get("round", "up") == "up":
        packages += 1
    return packages * Fraction(pack["price"])


def flat(price: Data, quantity: Fraction) -> Fraction:
    return Fraction(price["flat"])


MODELS = {
    "price": per_unit,
    "graduated": graduated,
    "volume": volume,
    "stairstep": stairstep,
    "package": package,
    "flat": flat,
}


def positive(price: Data, quantity: Fraction) -> Fraction:
    return next(model for name, model in MODELS.items() if name in price)(price, quantity)


def amount(price: Data, quantity: Fraction) -> Fraction:
    """Return what a quantity costs: nothing for nothing, and the same with a minus for a correction."""
    if quantity == 0:
        return Fraction(0)
    return positive(price, quantity) if quantity > 0 else -positive(price, -quantity)


def zero_flat(price: Data) -> Fraction:
    """Return what no usage costs where the price says ``zero_flat``: the first flat, amount or step."""
    if not price.get("zero_flat"):
        return Fraction(0)
    tiers = price.get("graduated") or price.get("volume") or price.get("stairstep")
    if tiers:
        return Fraction(tiers[0].get("amount", tiers[0].get("flat", 0)))
    return Fraction(price.get("flat", 0))


def percentage(price: Data, events: Sequence[Fraction]) -> Fraction:
    """Charge event by event, in the order of time.

    The first ``free_events`` events are free, as far as the running total is within ``free_amount``; with
    only one of the two, that one decides. Of an event that crosses ``free_amount`` the rest is charged.
    """
    rule = price["percentage"]
    total, seen = Fraction(0), Fraction(0)
    for number, value in enumerate(events, start=1):
        free = Fraction(0)
        if "free_events" in rule and number <= int(rule["free_events"]):
            free = value
        if "free_amount" in rule and (free or "free_events" not in rule):
            free = max(Fraction(0), min(value, Fraction(rule["free_amount"]) - seen))
        seen += value
        if free < value:
            charge = (value - free) * Fraction(rule.get("rate", 0)) / 100 + Fraction(rule.get("fixed", 0))
            charge = max(charge, Fraction(rule["min"])) if "min" in rule else charge
            total += min(charge, Fraction(rule["max"])) if "max" in rule else charge
    return total


def cost_plus(price: Data, quantity: Fraction, billable: Fraction, cost: Fraction) -> Fraction:
    """Charge what the provider charged for the billable part, a markup in percent, and a margin for each unit.

    The cost of a part that is not the whole is rounded half up to twelve decimals.
    """
    rule = price["cost_plus"]
    if billable != quantity:
        cost = Fraction(floor(cost * billable / quantity * 10**12 + Fraction(1, 2)), 10**12)
    margin = billable * Fraction(rule.get("margin", 0)) / PER[rule.get("per", "1")]
    return cost * (100 + Fraction(rule.get("markup", 0))) / 100 + margin


def converted(price: Data, quantity: Fraction) -> Fraction:
    """Bring a quantity into other units and round it: ``unit: {divide | multiply, round, digits}``."""
    unit = price.get("unit", {})
    quantity = quantity * Fraction(unit.get("multiply", 1)) / Fraction(unit.get("divide", 1))
    grain = Fraction(1, 10 ** int(unit.get("digits", 0)))
    grains, sign = abs(quantity) / grain, -1 if quantity < 0 else 1
    how = unit.get("round", "none")
    if how == "none":
        return quantity
    whole = {"ceil": ceil(grains), "floor": floor(grains), "half_up": floor(grains + Fraction(1, 2))}[how]
    return sign * whole * grain


def aggregate(how: str, events: Sequence[tuple[Fraction, str | None]]) -> Fraction:
    """Bring a meter's events, (quantity, value of the ``of`` dimension) in the order of time, into one quantity.

    A negative event takes one back: it counts as minus one, and as one statement of its value less.
    """
    quantities = [quantity for quantity, _ in events]
    if how == "count":
        return Fraction(sum(-1 if quantity < 0 else 1 for quantity in quantities))
    if how == "unique":
        seen = {of for _, of in events if of is not None}
        return Fraction(sum(aggregate("count", [event for event in events if event[1] == one]) > 0 for one in seen))
    if how == "max":
        return max(quantities, default=Fraction(0))
    if how == "latest":
        return quantities[-1] if quantities else Fraction(0)
    return sum(quantities, Fraction(0))
