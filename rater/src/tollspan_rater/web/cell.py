"""Cells as the pages show them: amounts with their currency, unknown as such, ids as links."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Literal

from tollspan_rater.query.answer import Cell
from tollspan_rater.query.grouping import UNSAID
from tollspan_rater.web.address import page

Form = Literal["text", "number", "unknown", "pairs", "list"]
Link = Callable[[str], str | None]
_ID: Final = re.compile(r"\b(c_[0-9a-f]{24}|m_[0-9a-f]{24}|ln_[0-9a-f]{16}|[0-9a-f]{32}(?![0-9a-f:]))\b")
CURRENCY_OF: Final[Mapping[str, str]] = {
    **dict.fromkeys(("charge", "revenue", "base_fees", "modifiers", "imported", "margin"), "currency"),
    **dict.fromkeys(("amount", "line_amount"), "currency"),
    "cost": "cost_currency",
}


@dataclass(frozen=True, slots=True)
class Part:
    """A run of text, with where it leads if it is a link."""

    text: str
    href: str | None = None


@dataclass(frozen=True, slots=True)
class Shown:
    """One cell: its form, its text in parts (``text``, ``number``, ``list``) or named parts (``pairs``)."""

    form: Form
    parts: tuple[Part, ...] = ()
    pairs: tuple[tuple[str, str], ...] = ()


UNKNOWN: Final = Shown("unknown")
NOTHING: Final = Shown("text")


def number(value: int | Decimal) -> str:
    """Write a number with every digit it has and its thousands apart."""
    return f"{value:,f}" if isinstance(value, Decimal) else f"{value:,}"


def cell(row: Mapping[str, Cell], name: str, link: Link | None = None) -> Shown:
    """Show one column of a row; money carries the currency that stands in the same row."""
    value = row.get(name)
    if value is None:
        return UNKNOWN
    if isinstance(value, bool):
        return Shown("text", (Part("yes" if value else "no"),))
    if isinstance(value, int | Decimal):
        currency = row.get(CURRENCY_OF.get(name, ""))
        unit = f" {currency}" if isinstance(currency, str) else "%" if name in _PERCENT else ""
        return Shown("number", (Part(number(value) + unit),))
    if isinstance(value, list):
        return Shown("list", tuple(Part(one, link(one) if link else None) for one in value))
    if isinstance(value, Mapping):
        return Shown("pairs", pairs=tuple(value.items()))
    return Shown("text", (Part(value, link(value) if link else None),))


def linked(value: Cell, as_of: str | None = None) -> Shown:
    """Show a value of an explanation: every id in its words leads to its own explanation."""
    if not isinstance(value, str):
        return cell({"value": value}, "value")
    parts, at = [], 0
    for found in _ID.finditer(value):
        if found.start() > at:
            parts.append(Part(value[at : found.start()]))
        parts.append(Part(found[0], of_id(found[0], as_of)))
        at = found.end()
    return Shown("text", (*parts, Part(value[at:])))


def of_id(name: str, as_of: str | None = None) -> str:
    """Return where an id is explained: calls have a page of their own."""
    return page("call" if name.startswith(("c_", "m_")) else "explain", id=name, as_of=as_of)


def of_customer(name: str, as_of: str | None = None) -> str | None:
    """Return the page of a customer, None for usage that is nobody's."""
    return None if name == UNSAID["customer"] else page("customer", customer=name, as_of=as_of)


_PERCENT: Final = frozenset({"share", "cumulative_share", "margin_percent", "used_percent", "share_of_tokens"})
