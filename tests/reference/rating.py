"""A second, naive way to a bill: fractions, loops, plain dicts. It shares no code with tollspan.

``bill(calls, card, included)`` prices a period of one customer with one card:

- ``card``: ``{"fallback": "parent" | "none", "prices": [{"meter", "model", "provider", <price model>}]}``; a price
  model is ``price``, ``graduated``, ``volume``, ``package`` or ``flat``, with ``per`` 1, 1K or 1M.
- ``calls``: ``{"provider", "model", "usage": {meter: number}}``; counts are inclusive, missing means unknown.
- ``included``: ``{meter: number}``.
"""

from fractions import Fraction
from math import ceil
from typing import Any

Data = dict[str, Any]

PARENT = {
    "tool_use": "input",
    "compaction_in": "input",
    "cache_write_5m": "cache_write",
    "cache_write_1h": "cache_write",
    "cache_write": "input",
    "cache_read": "input",
    "audio_in": "input",
    "image_in": "input",
    "reasoning": "output",
    "audio_out": "output",
    "input": "tokens",
    "output": "tokens",
}
PER = {"1": 1, "1K": 1000, "1M": 1000000}


def fits(pattern: str, name: str) -> bool:
    if not pattern:
        return not name
    if pattern[0] == "*":
        return any(fits(pattern[1:], name[i:]) for i in range(len(name) + 1))
    return bool(name) and pattern[0] in ("?", name[0]) and fits(pattern[1:], name[1:])


def weight(pattern: str) -> tuple[bool, int]:
    letters = [c for c in pattern if c not in "*?"]
    return (len(letters) == len(pattern), len(letters))


def lookup(card: Data, meter: str, call: Data) -> int | None:
    best: Any = None
    for number, price in enumerate(card["prices"]):
        if (
            price["meter"] == meter
            and fits(price["model"], call["model"])
            and fits(price["provider"], call["provider"])
        ):
            rank = (weight(price["model"]), weight(price["provider"]))
            if best is None or rank > best[0]:
                best = (rank, number)
    return None if best is None else best[1]


def find(card: Data, meter: str, call: Data) -> int | None:
    """Return the number of the price that a meter takes, climbing to what contains it."""
    at: str | None = meter
    while at is not None:
        number = lookup(card, at, call)
        if number is not None:
            direct = at == meter or (at == "tokens" and meter in ("input", "output"))
            return number if direct or card["fallback"] == "parent" else None
        at = PARENT.get(at)
    return None


def parts(usage: Data) -> dict[str, Fraction]:
    """Split inclusive counts: each count less the counts directly inside it."""
    own = {}
    for meter, count in usage.items():
        inside = Fraction(0)
        for other, amount in usage.items():
            up = PARENT.get(other)
            while up is not None and up not in usage:
                up = PARENT.get(up)
            if up == meter and meter != "tokens":
                inside += Fraction(amount)
        own[meter] = Fraction(count) - inside
    return own


def cost(price: Data, quantity: Fraction) -> Fraction:
    if quantity == 0:
        return Fraction(0)
    per = PER[price.get("per", "1")]
    if "price" in price:
        return quantity * Fraction(price["price"]) / per
    if "flat" in price:
        return Fraction(price["flat"])
    if "package" in price:
        pack = price["package"]
        beyond = max(Fraction(0), quantity - Fraction(pack.get("free", 0)))
        return ceil(beyond / Fraction(pack["size"])) * Fraction(pack["price"])
    total, lower = Fraction(0), Fraction(0)
    for tier in price.get("graduated") or price["volume"]:
        upper = Fraction(tier["up_to"]) if "up_to" in tier else None
        last = upper is None or quantity <= upper
        unit, flat = Fraction(tier["price"]) / per, Fraction(tier.get("flat", 0))
        if "graduated" in price:
            total += ((quantity if last else upper) - lower) * unit + flat
        elif last:
            total = quantity * unit + flat
        if last:
            return total
        lower = upper
    raise AssertionError


def bill(calls: list[Data], card: Data, included: Data) -> tuple[dict[int, Fraction], dict[str, Fraction]]:
    """Return ({number of a price: exact amount}, {meter without a price: quantity})."""
    used: dict[int, Fraction] = {}
    homeless: dict[str, Fraction] = {}
    for call in calls:
        for meter, quantity in parts(call["usage"]).items():
            number = find(card, meter, call)
            if number is None:
                homeless[meter] = homeless.get(meter, Fraction(0)) + quantity
            else:
                used[number] = used.get(number, Fraction(0)) + quantity
    left = {meter: Fraction(quantity) for meter, quantity in included.items()}
    amounts = {}
    for number in sorted(used):
        quantity: Fraction = used[number]
        at: str | None = card["prices"][number]["meter"]
        while at is not None:
            free = min(quantity, left.get(at, Fraction(0)))
            left[at] = left.get(at, Fraction(0)) - free
            quantity -= free
            at = PARENT.get(at)
        amounts[number] = cost(card["prices"][number], quantity)
    return amounts, {meter: quantity for meter, quantity in homeless.items() if quantity}
