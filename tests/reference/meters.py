"""From calls to the price that each unit takes, in the most naive way. Shares no code with tollspan.

A card is ``{"card": name, "fallback": "parent" | "none", "meters": {name: {aggregate, of}}, "prices": [...]}``; an
entry of ``prices`` is ``{"meter", "model", "provider", "match", "priority", "price"}`` or has ``convert``, ``{"to",
"factor"}``, in the place of ``price``. A call is ``{"model", "provider", "facts", "usage": {meter: number}}``, where
counts contain their parts and what is missing is unknown.
"""

from fractions import Fraction
from typing import Any

Data = dict[str, Any]
Place = tuple[int, int]  # of a card, and of an entry in it

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
DIMENSIONS = ("feature", "environment", "region", "service_tier", "tags.team")


def climb(meter: str) -> list[str]:
    """Return a meter and all that contain it."""
    found = [meter]
    while found[-1] in PARENT:
        found.append(PARENT[found[-1]])
    return found


def fits(pattern: str, name: str | None) -> bool:
    if pattern == "*" or name is None:
        return pattern == "*"
    if not pattern:
        return not name
    if pattern[0] == "*":
        return any(fits(pattern[1:], name[i:]) for i in range(len(name) + 1))
    return bool(name) and pattern[0] in ("?", name[0]) and fits(pattern[1:], name[1:])


def weight(pattern: str) -> tuple[bool, int]:
    letters = [c for c in pattern if c not in "*?"]
    return (len(letters) == len(pattern), len(letters))


def rank(price: Data) -> Any:
    """Return what decides between entries that fit: priority, model, provider, how many dimensions, and which."""
    match = price.get("match", {})
    weights = [weight(match[name]) for name in DIMENSIONS if name in match]
    return (price.get("priority", 0), weight(price["model"]), weight(price["provider"]), len(match), weights)


def meant(price: Data, call: Data) -> bool:
    facts = {"environment": "production", **call.get("facts", {})}
    further = all(fits(pattern, facts.get(name)) for name, pattern in price.get("match", {}).items())
    return further and fits(price["model"], call["model"]) and fits(price["provider"], call["provider"])


def lookup(cards: list[Data], meter: str, call: Data) -> Place | None:
    """Return the place of the best entry of the first card that has one for a meter."""
    for number, card in enumerate(cards):
        fitting = [
            (rank(price), (number, place))
            for place, price in enumerate(card["prices"])
            if price["meter"] == meter and meant(price, call)
        ]
        if fitting:
            return max(fitting)[1]
    return None


def find(cards: list[Data], meter: str, call: Data) -> Place | None:
    """Return the place of the entry that a meter takes, climbing to what contains it."""
    for at in climb(meter):
        place = lookup(cards, at, call)
        if place is not None:
            direct = at == meter or (at == "tokens" and meter in ("input", "output"))
            return place if direct or cards[place[0]]["fallback"] == "parent" else None
    return None


def charged(cards: list[Data], meter: str, call: Data) -> tuple[Place, Fraction] | None:
    """Return the place of the price of a meter's units and how many of its units each of them is."""
    place = find(cards, meter, call)
    if place is None:
        return None
    convert = cards[place[0]]["prices"][place[1]].get("convert")
    if convert is None:
        return place, Fraction(1)
    target = find(cards, convert["to"], call)
    return None if target is None else (target, Fraction(convert["factor"]))


def parts(usage: Data) -> dict[str, Fraction]:
    """Split counts that contain their parts: each count less the counts directly inside it."""
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
