"""From calls to the price that each unit takes, in the most naive way. Shares no code with tollspan.

An entry of a card is ``{"meter", "model", "provider", "match", "priority", "price"}``, or has ``convert``, ``{"to",
"per", "factor"}``, in the place of ``price``; ``name`` tells entries apart, ``card`` and ``fallback`` are its card's.
A call is ``{"model", "provider", "facts", "usage": {meter: number}}``: counts contain their parts, and what is missing
is unknown.
"""

from fractions import Fraction
from typing import Any

from tests.reference.prices import PER

Data = dict[str, Any]
Cards = list[list[Data]]  # the entries of each card, in the order in which cards are asked

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


def rank(entry: Data) -> Any:
    """Return what decides between entries that fit: priority, model, provider, how many dimensions, and which."""
    match = entry.get("match", {})
    weights = [weight(match[name]) for name in DIMENSIONS if name in match]
    return (entry.get("priority", 0), weight(entry["model"]), weight(entry["provider"]), len(match), weights)


def meant(entry: Data, call: Data) -> bool:
    facts = {"environment": "production", **call.get("facts", {})}
    further = all(fits(pattern, facts.get(name)) for name, pattern in entry.get("match", {}).items())
    return further and fits(entry["model"], call["model"]) and fits(entry["provider"], call["provider"])


def lookup(cards: Cards, meter: str, call: Data) -> Data | None:
    """Return the best entry of the first card that has one for a meter."""
    for entries in cards:
        fitting = [entry for entry in entries if entry["meter"] == meter and meant(entry, call)]
        if fitting:
            return max(fitting, key=rank)
    return None


def find(cards: Cards, meter: str, call: Data) -> Data | None:
    """Return the entry that a meter takes, climbing to what contains it."""
    for at in climb(meter):
        entry = lookup(cards, at, call)
        if entry is not None:
            direct = at == meter or (at == "tokens" and meter in ("input", "output"))
            return entry if direct or entry["fallback"] == "parent" else None
    return None


def charged(cards: Cards, meter: str, call: Data) -> tuple[Data | None, Fraction]:
    """Return the entry that prices a meter, and how many of its units each unit of the meter is."""
    entry = find(cards, meter, call)
    if entry is None or "convert" not in entry:
        return entry, Fraction(1)
    convert = entry["convert"]
    return find(cards, convert["to"], call), Fraction(convert["factor"]) / PER[convert.get("per", "1")]


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
