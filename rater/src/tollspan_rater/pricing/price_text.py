"""Pricing data as people read it: one line for each price, fee or allowance, whatever its class."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final

from tollspan_rater.domain.money import EXACT
from tollspan_rater.pricing.item import PriceItem
from tollspan_rater.pricing.model import PER, PerUnit, shortest

_QUOTED: Final = ("unit_price",)  # fields that are per single unit, and shown as they are quoted
_OF_ITEMS: Final = ("takes_children", "unit", "zero_flat", "aggregate", "of")  # options that the key does not name
_WORD: Final = re.compile(r"(?<=[a-z])(?=[A-Z])")


def price_text(item: PriceItem) -> str:
    """Return the price of an item as it is quoted, e.g. ``4 per 1M``, with the options that are not at their default.

    What is quoted per single unit says no ``per``.
    """
    price = item.price
    text = _quoted(price.unit_price, item.per) if isinstance(price, PerUnit) else value_text(price, item.per)
    by_unit = isinstance(price, PerUnit) or text != value_text(price)
    quoted = f"{text} per {item.per}" if by_unit and item.per != "1" else text
    return ", ".join([quoted, *_said(item, "1", _OF_ITEMS)])


def value_text(value: Any, per: str = "1") -> str:
    """Return any pricing value in words; what a class takes by default is left out. Nothing is a dash."""
    if nothing(value):
        return "-"
    if is_dataclass(value) and not isinstance(value, type):
        said = _words(value, per)
        name = _WORD.sub(" ", type(value).__name__).lower()
        return f"{name}: {said}" if said else name
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {value_text(inner, per)}" for key, inner in value.items())
    if isinstance(value, tuple):
        return "; ".join(_words(inner, per) if is_dataclass(inner) else value_text(inner, per) for inner in value)
    return _scalar(value)


def nothing(value: Any) -> bool:
    """Tell whether a value says nothing at all; 0 and no are something."""
    return value is None or value in ((), {}, "")


def _words(value: Any, per: str) -> str:
    """Say what a dataclass holds, without its name; of a single field only the value."""
    if len(fields(value)) == 1:
        return value_text(getattr(value, fields(value)[0].name), per)
    return ", ".join(_said(value, per))


def _said(value: Any, per: str, only: tuple[str, ...] | None = None) -> Iterator[str]:
    """Say each field that counts, says something and is not at its default."""
    for one in fields(value):
        said = getattr(value, one.name)
        if not one.compare or nothing(said) or said == _default(one) or (only is not None and one.name not in only):
            continue
        text = _quoted(said, per) if one.name in _QUOTED else value_text(said, per)
        yield f"{one.name.replace('_', ' ')} {text}"


def _default(one: Field[Any]) -> Any:
    return one.default_factory() if one.default_factory is not MISSING else one.default


def _quoted(price: Decimal, per: str) -> str:
    return f"{shortest(EXACT.scaleb(price, PER[per])):f}"


def _scalar(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Decimal):
        return f"{value:,f}"
    return value.value if isinstance(value, StrEnum) else str(value)
