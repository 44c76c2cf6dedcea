"""Random price files and calls from a seed, as plain data: every price that SQL can say, and what stands around it."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from random import Random
from typing import Any

NOVEMBER, DAY = 1_793_491_200_000_000_000, 86_400_000_000_000  # 2026-11-01 in UTC
METERS = ("input", "output", "tokens", "cache_read", "cache_write", "reasoning", "request", "web_search", "pages")
ALLOWED = ("tokens", "pages", "request", "credits", "web_search")


def number(draw: Random, most: int, places: int) -> str:
    """A decimal from 0, as text."""
    return str(Decimal(draw.randint(0, most * 10**places)).scaleb(-places))


def files(draw: Random) -> dict[str, Any]:
    """Two plans, each with a card of its own."""
    found: dict[str, Any] = {}
    for name in ("one", "two"):
        entries: list[dict[str, Any]] = [
            _entry(draw, {}),
            _entry(draw, {"model": draw.choice(["gpt-4.1", "gpt-*"])}),
            _entry(draw, {"match": draw.choice([{"feature": "chat"}, {"tags.team": "red"}])}),
            {"credits": _price(draw)},
        ]
        if draw.random() < 0.5:
            factors = {meter: number(draw, 20, 1) for meter in draw.sample(["input", "output", "pages"], 2)}
            entries.append({"model": "claude-*", "convert": {"to": "credits", "per": "1K", **factors}})
        allowed = sorted({meter for entry in entries for meter in entry} & set(ALLOWED))
        fallback = draw.choice(["parent", "parent", "none"])
        found[f"{name}.yaml"] = {
            "card": name, "currency": "USD", "meters": ["pages", "credits"], "fallback": fallback, "prices": entries,
        }  # fmt: skip
        covered = draw.sample(allowed, draw.randint(0, min(3, len(allowed))))
        found[f"plan_{name}.yaml"] = {
            "plan": name, "currency": "USD", "cards": [name],
            "included": {meter: number(draw, 90, 1) for meter in covered},
            "policy": {"attempts": draw.choice(["all", "success_only"])},
        }  # fmt: skip
    return found


def _entry(draw: Random, about: dict[str, Any]) -> dict[str, Any]:
    return {**about, **{meter: _price(draw) for meter in draw.sample(METERS, draw.randint(1, 4))}}


def _price(draw: Random) -> dict[str, Any]:
    price = draw.choice(_MODELS)(draw)
    if draw.random() < 0.3:
        price["unit"] = draw.choice(_UNITS)(draw)
    if draw.random() < 0.2 and not {"price", "package", "percentage"} & set(price):
        price["zero_flat"] = "yes"
    return price


def _tiers(draw: Random) -> list[dict[str, Any]]:
    known = [{"price": number(draw, 9, 7), "flat": draw.choice(["0", number(draw, 3, 2)])} for _ in range(4)]
    return _ended(draw, known)


def _ended(draw: Random, tiers: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    ends = sorted(draw.sample(range(1, 61), draw.randint(0, 3)))
    return [*({"up_to": str(end), **tier} for end, tier in zip(ends, tiers, strict=False)), tiers[-1]]


_MODELS = (
    lambda draw: {"price": number(draw, 9, 7)},
    lambda draw: {"graduated": _tiers(draw)},
    lambda draw: {"volume": _tiers(draw)},
    lambda draw: {"stairstep": _ended(draw, [{"amount": number(draw, 50, 2)} for _ in range(4)])},
    lambda draw: {
        "package": {
            "size": draw.choice(["1", "2.5", "20"]),
            "price": number(draw, 9, 7),
            "free": number(draw, 9, 1),
            "round": draw.choice(["up", "down"]),
        }
    },
    lambda draw: {"flat": number(draw, 9, 2)},
    lambda draw: {"percentage": {"rate": number(draw, 5, 2), "free_amount": number(draw, 9, 2)}},
)
_UNITS = (
    lambda draw: {"multiply": draw.choice(["0.1", "3", "2.5"])},
    lambda draw: {
        "divide": draw.choice(["7", "60", "0.3", "1000"]),
        "round": draw.choice(["ceil", "floor", "half_up"]),
        "digits": draw.randint(0, 2),
    },
)


def legs(draw: Random, most: int = 40) -> list[dict[str, Any]]:
    """Calls and unit measures, before and after November, some of which a later view changed."""
    made: list[dict[str, Any]] = []
    for place in range(draw.randint(1, most)):
        leg: dict[str, Any] = {
            "call_id": f"call_{draw.randint(0, 999):03}{place:02}",
            "started_ns": NOVEMBER + draw.randint(-2, 33) * DAY,
            "customer": draw.choice(["a", "a", "a", "b", None]),
            "model": draw.choice(["gpt-4.1", "gpt-4o", "claude-5", None]),
            "feature": draw.choice([None, "chat"]),
            "tags": draw.choice([None, '{"team":"red"}']),
            "environment": draw.choice([None, None, None, "test"]),
            "outcome": draw.choice(["complete", "complete", "complete", "failed"]),
            **_used(draw),
        }
        made.append(leg)
        if draw.random() < 0.2:
            made.append({**leg, "sign": -1, "position": 2})
            made.append({**leg, "revision": 2, "position": 2, "output": 7})
    return made


def _used(draw: Random) -> dict[str, Any]:
    if draw.random() < 0.25:
        quantity = Decimal(draw.randint(-9_000, 50_000)).scaleb(-3)
        return {"kind": "unit", "meter": draw.choice(["pages", "pages", "miles"]), "model": None, "quantity": quantity}
    names = ("input", "cache_read", "cache_write_5m", "output", "reasoning")
    counts = {name: draw.choice([None, draw.randint(0, 40)]) for name in names}
    return {**counts, "units": draw.choice([None, None, '{"web_search":"2"}', '{"tool_use":"3","pages":"0.125"}'])}
