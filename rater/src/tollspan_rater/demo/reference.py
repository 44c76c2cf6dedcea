"""The bill computed a second time, from the plain list of calls and the plain price list, in fractions.

It imports nothing of tollspan and follows none of its code: another reading of what a card and a plan mean, so
that two independent programs must come to the same amounts. It knows what the demo's price list uses: prices per
unit and graduated prices, base fees, allowances of tokens.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from fractions import Fraction
from math import floor
from typing import Any, NamedTuple

PER = {"1": 1, "1K": 1_000, "1M": 1_000_000}
NOT_PRODUCTION = {"test", "testing", "demo", "qa", "staging", "development", "dev", "internal", "admin"}
METERS = {"cache_write_1h", "cache_write", "cache_read", "input", "output", "tokens"}
PARENT = {"cache_write_1h": "cache_write", "cache_write": "input", "cache_read": "input",
          "input": "tokens", "output": "tokens"}  # fmt: skip


class Bill(NamedTuple):
    """What a customer owes for a month: the sum of exact amounts, and of amounts rounded to the cent."""

    exact: Fraction
    rounded: Fraction


class Item(NamedTuple):
    """One price: card and meter, the models it is for, and the price as the list writes it."""

    card: str
    meter: str
    provider: str
    model: str
    price: Any
    per: int


def bills(
    calls: Iterable[Any], plan_of: Mapping[str, str], documents: Sequence[Mapping[str, Any]]
) -> dict[tuple[str, str], Bill]:
    """Compute the bills by (customer, month ``YYYY-MM`` in UTC), of each customer for each month with any call.

    ``calls`` are tuples with the fields customer, start_ns, environment, outcome, last, provider, model, input,
    cache_read, cache_write, cache_write_1h and output; ``documents`` is the price list with its numbers as text.
    """
    items = {doc["card"]: _items(doc) for doc in documents if "card" in doc}
    plans = {doc["plan"]: doc for doc in documents if "plan" in doc}
    listed = [(call, _month(call.start_ns)) for call in calls]
    months = {month for _call, month in listed}
    used: dict[tuple[str, str], dict[Item, int]] = {
        (customer, month): defaultdict(int) for customer in plan_of for month in months
    }
    for call, month in listed:
        if call.environment in NOT_PRODUCTION or call.outcome != "complete" or not call.last:
            continue
        cards = [items[name] for name in plans[plan_of[call.customer]]["cards"]]
        for meter, quantity in _parts(call).items():
            item = _price_of(meter, call.provider, call.model, cards)
            if item is not None:
                used[call.customer, month][item] += quantity
    return {key: _bill(plans[plan_of[key[0]]], items, mine) for key, mine in used.items()}


def _month(start_ns: int) -> str:
    return datetime.fromtimestamp(start_ns // 1_000_000_000, UTC).strftime("%Y-%m")


def _number(text: Any) -> Fraction:
    return Fraction(str(text).replace("_", ""))


def _items(card: Mapping[str, Any]) -> list[Item]:
    """Read a card's prices in the order in which they are written, which is that of allowances, too."""
    per = PER[card.get("per", "1")]
    return [
        Item(card["card"], meter, entry.get("provider", "*"), entry.get("model", "*"), _price(written), per)
        for entry in card["prices"]
        for meter, written in entry.items()
        if meter in METERS
    ]


def _price(written: Any) -> Any:
    """Return a price per unit as text, a graduated one as tuples of (end, price)."""
    if not isinstance(written, dict):
        return written
    return tuple((tier.get("up_to"), tier["price"]) for tier in written["graduated"])


def _parts(call: Any) -> dict[str, int]:
    """Split a call into parts that do not contain each other."""
    return {
        "input": (call.input or 0) - call.cache_read - call.cache_write,
        "cache_read": call.cache_read,
        "cache_write": call.cache_write - call.cache_write_1h,
        "cache_write_1h": call.cache_write_1h,
        "output": call.output or 0,
    }


def _price_of(meter: str, provider: str, model: str, cards: Sequence[Sequence[Item]]) -> Item | None:
    """Find the price of a meter, else that of the meter which contains it; the longest model name wins."""
    at: str | None = meter
    while at is not None:
        for card in cards:
            fitting = [
                item
                for item in card
                if item.meter == at and fnmatchcase(model, item.model) and item.provider in ("*", provider)
            ]
            if fitting:
                return max(fitting, key=lambda item: len(item.model))
        at = PARENT.get(at)
    return None


def _bill(plan: Mapping[str, Any], items: Mapping[str, Sequence[Item]], used: Mapping[Item, int]) -> Bill:
    left = _number(plan.get("included", {}).get("tokens", 0))
    fee = plan.get("base_fee", 0)
    amounts = [_number(fee["amount"] if isinstance(fee, dict) else fee)]
    for name in plan["cards"]:
        for item in items[name]:
            quantity = Fraction(used.get(item, 0))
            covered = min(quantity, left)
            left -= covered
            amounts.append(_amount(item, quantity - covered))
    return Bill(sum(amounts, Fraction(0)), sum((_cents(amount) for amount in amounts), Fraction(0)))


def _amount(item: Item, quantity: Fraction) -> Fraction:
    if not isinstance(item.price, tuple):
        return quantity * _number(item.price) / item.per
    amount, start = Fraction(0), Fraction(0)
    for end, price in item.price:
        reached = quantity if end is None else min(quantity, _number(end))
        amount += max(reached - start, Fraction(0)) * _number(price) / item.per
        start = max(start, reached)
    return amount


def _cents(amount: Fraction) -> Fraction:
    return Fraction(floor(amount * 100 + Fraction(1, 2)), 100)
