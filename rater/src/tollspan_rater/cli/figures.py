"""Figures as people read them: thousands apart, money with its currency's digits. Machine formats stay exact."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal, localcontext
from typing import Final

from tollspan_rater.domain.money import exponent
from tollspan_rater.query.answer import Cell
from tollspan_rater.query.render import cell_text

UNKNOWN: Final = "\N{EN DASH}"
_CURRENCY_OF: Final[Mapping[str, str]] = {
    "charge": "currency", "revenue": "currency", "base_fees": "currency", "modifiers": "currency", "amount": "currency",
    "imported": "currency",
    "margin": "currency", "cost": "cost_currency", "reported_cost": "cost_currency",
}  # fmt: skip
_ROUNDED: Final = ("amount", "base_fees")  # to the minor unit already
_COST_CURRENCY: Final = "USD"
_SMALL: Final = 4  # more digits where all amounts of a column are below one unit
_INSTANT: Final = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)\.\d{6}Z")

Row = Mapping[str, Cell]


def column(name: str, rows: Sequence[Row], totals: Row | None) -> tuple[list[str], str]:
    """Return the cells of a column as text, and the text of its total."""
    every = [*rows, *([totals] if totals is not None else [])]
    digits = {code: _digits(name, code, every) for code in {_currency(name, row) for row in every}}
    cells = [_text(name, row, digits) for row in every]
    if totals is None:
        return cells, ""
    return cells[:-1], cells[-1] if name in totals else ""


def shown(value: Cell) -> str:
    """Return one cell for people: unknown is a dash, a list is its members, an instant is cut to seconds."""
    if value is None:
        return UNKNOWN
    if isinstance(value, list):
        return ", ".join(value)
    if isinstance(value, dict):
        return ", ".join(f"{name}={inner}" for name, inner in value.items())
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | Decimal):
        return f"{value:,f}" if isinstance(value, Decimal) else f"{value:,}"
    return _INSTANT.sub(r"\1 \2Z", cell_text(value))


def _text(name: str, row: Row, digits: Mapping[str, int]) -> str:
    value = row.get(name)
    if name not in _CURRENCY_OF or not isinstance(value, Decimal):
        return shown(value)
    least = Decimal(1).scaleb(-digits[_currency(name, row)])
    with localcontext() as context:
        context.prec = 80
        rounded = value.quantize(least, rounding=ROUND_HALF_UP)
    if value and not rounded:
        return f"<{least:f}" if value > 0 else f">-{least:f}"
    return f"{rounded:,f}"


def _digits(name: str, currency: str, rows: Sequence[Row]) -> int:
    amounts = [row.get(name) for row in rows if _currency(name, row) == currency]
    most = max((abs(amount) for amount in amounts if isinstance(amount, Decimal)), default=Decimal(1))
    return exponent(currency) + (_SMALL if 0 < most < 1 and name not in _ROUNDED else 0)


def _currency(name: str, row: Row) -> str:
    code = row.get(_CURRENCY_OF.get(name, "")) or (_COST_CURRENCY if "cost" in name else "")
    return str(code)
