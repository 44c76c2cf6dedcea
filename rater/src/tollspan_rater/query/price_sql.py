"""Price items as SQL over whole numbers: quantities and prices are scaled by powers of ten, so that nothing is cut.

Every price but that of packages is a line within each of its pieces: ``base + slope * quantity`` up to a bound.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Final

from tollspan_rater.domain.money import EXACT
from tollspan_rater.pricing.item import PriceItem
from tollspan_rater.pricing.model import Flat, Graduated, Package, Percentage, PerUnit, Stairstep, Volume
from tollspan_rater.pricing.unit_rule import UnitRule
from tollspan_rater.rating.charge import fee_at_zero

ZERO: Final = Decimal(0)
_times, _add, _subtract = EXACT.multiply, EXACT.add, EXACT.subtract


@dataclass(frozen=True, slots=True)
class Scaled:
    """SQL of a whole number that stands for itself times ``10**-digits``.

    It is never beyond ``most`` either way, and no number on the way to it is beyond ``peak``.
    """

    sql: str
    digits: int
    most: int
    peak: int = 0


@dataclass(frozen=True, slots=True)
class _Piece:
    """Quantities up to and with ``up_to`` (``None``: all) cost ``base + slope * quantity``."""

    up_to: Decimal | None
    base: Decimal
    slope: Decimal = ZERO


def _graduated(price: Graduated) -> Iterator[_Piece]:
    lower = below = ZERO
    for tier in price.tiers:
        base = _add(below, tier.flat)
        yield _Piece(tier.up_to, _subtract(base, _times(lower, tier.unit_price)), tier.unit_price)
        if tier.up_to is not None:
            below = _add(base, _times(_subtract(tier.up_to, lower), tier.unit_price))
            lower = tier.up_to


def _percentage(price: Percentage) -> Iterator[_Piece]:
    if price.free_amount:
        yield _Piece(price.free_amount, ZERO)
    yield _Piece(None, _times(price.free_amount, price.rate).copy_negate(), price.rate)


_PIECES: Final[dict[type, Callable[[Any], Iterable[_Piece]]]] = {
    PerUnit: lambda price: [_Piece(None, ZERO, price.unit_price)],
    Graduated: _graduated,
    Volume: lambda price: (_Piece(tier.up_to, tier.flat, tier.unit_price) for tier in price.tiers),
    Stairstep: lambda price: (_Piece(stair.up_to, stair.amount) for stair in price.stairs),
    Flat: lambda price: [_Piece(None, price.amount)],
    Percentage: _percentage,
}


def expressible(item: PriceItem) -> bool:
    """Tell whether the amount of an item is a formula of the sum of its quantities."""
    return not item.sampled and (type(item.price) in _PIECES or isinstance(item.price, Package))


def linear(item: PriceItem) -> bool:
    """Tell whether each unit costs the same, whatever was used before."""
    return isinstance(item.price, PerUnit) and item.unit is None and item.aggregate == "sum"


def digits_of(number: Decimal) -> int:
    """Return how many decimals a number has."""
    exponent = number.normalize(EXACT).as_tuple().exponent
    return max(-exponent, 0) if isinstance(exponent, int) else 0


def whole(number: Decimal, digits: int) -> int:
    """Return a number times ``10**digits``, which must be whole."""
    return int(EXACT.scaleb(number, digits).to_integral_exact(context=EXACT))


def units_sql(rule: UnitRule, quantity: Scaled) -> Scaled:
    """Return the SQL of :func:`tollspan_rater.rating.unit.priced_units`; ``quantity.sql`` is the name of a column."""
    if rule.round == "none":
        factor = EXACT.divide(rule.multiply, rule.divide)
        by = whole(factor, digits_of(factor))
        most = quantity.most * by
        return Scaled(f"{quantity.sql} * {by}", quantity.digits + digits_of(factor), most, most)
    above, below = digits_of(rule.multiply), digits_of(rule.divide)
    by = whole(rule.multiply, above) * 10 ** (rule.digits + below)
    size = whole(rule.divide, below) * 10 ** (quantity.digits + above)
    more, twice = {"floor": (0, 1), "ceil": (size - 1, 1), "half_up": (size, 2)}[rule.round]
    absolute = f"(abs({quantity.sql}) * {by * twice} + {more}) // {size * twice}"
    peak = quantity.most * by * twice + size * twice
    return Scaled(f"sign({quantity.sql}) * ({absolute})", rule.digits, peak // (size * twice) + 1, peak)


def amount_sql(item: PriceItem, quantity: Scaled) -> Scaled:
    """Return the SQL of :func:`tollspan_rater.rating.charge.charge_of` without the unit rule; a column as above."""
    positive = _package_sql if isinstance(item.price, Package) else _pieces_sql
    above, below = (positive(item, replace(quantity, sql=sql)) for sql in (quantity.sql, f"-{quantity.sql}"))
    sql = f"CASE WHEN {quantity.sql} > 0 THEN {above.sql} WHEN {quantity.sql} < 0 THEN -({below.sql}) ELSE 0 END"
    return replace(above, sql=sql)


def _pieces_sql(item: PriceItem, quantity: Scaled) -> Scaled:
    fee, pieces = fee_at_zero(item), list(_PIECES[type(item.price)](item.price))
    lines = [(piece.up_to, _subtract(piece.base, fee), piece.slope) for piece in pieces]
    digits = max(max(digits_of(base), quantity.digits + digits_of(slope)) for _, base, slope in lines)
    cases, most = [], 0
    for up_to, base, slope in lines:
        start, by = whole(base, digits), whole(slope, digits - quantity.digits)
        bound = None if up_to is None else int(EXACT.scaleb(up_to, quantity.digits))
        when = "ELSE" if bound is None else f"WHEN {quantity.sql} <= {bound} THEN"
        cases.append(f"{when} {quantity.sql} * {by} + {start}")
        most = max(most, quantity.most * abs(by) + abs(start))
    text = cases[0].removeprefix("ELSE ") if len(cases) == 1 else f"CASE {' '.join(cases)} END"
    return Scaled(f"({text})", digits, most, max(most, quantity.peak))


def _package_sql(item: PriceItem, quantity: Scaled) -> Scaled:
    price = item.price
    if not isinstance(price, Package):
        raise TypeError(price)
    digits = max(quantity.digits, digits_of(price.free), digits_of(price.size))
    by = 10 ** (digits - quantity.digits)
    free, size, each = whole(price.free, digits), whole(price.size, digits), whole(price.price, digits_of(price.price))
    more = size - 1 if price.round == "up" else 0
    packages = f"greatest({quantity.sql} * {by} - {free} + {more}, 0) // {size}"
    peak = quantity.most * by + free + size
    most = (peak // size + 1) * each
    return Scaled(f"({packages}) * {each}", digits_of(price.price), most, max(most, peak, quantity.peak))
