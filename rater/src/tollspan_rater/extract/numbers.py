"""What a span's values mean as token counts, quantities, money, truth and text: strict, exact, never a guess."""

from __future__ import annotations

import math
from decimal import Decimal, InvalidOperation
from typing import Final

from tollspan_rater.errors import UnusableValueError

MAX_TOKENS: Final = 10**12
MAX_QUANTITY: Final = Decimal(10) ** 18
QUANTITY_PLACES: Final = 12  # the store keeps quantities as DECIMAL(38, 12)
COST_PLACES: Final = 18  # and money stated by others as DECIMAL(38, 18)
LONGEST_NUMBER: Final = 64

TRUE: Final = frozenset({"true", "1", "yes"})
FALSE: Final = frozenset({"false", "0", "no"})


def token_count(key: str, value: object, *, nan_is_missing: bool = False) -> int | None:
    """Read a token count: an int, an integral double or a numeric string from 0 to 10^12.

    None and blank text are unknown (None). Anything else raises ``UnusableValueError("bad_usage")``.
    ``nan_is_missing`` is for dialects that write NaN when the provider said nothing.
    """
    if type(value) is int:
        if 0 <= value <= MAX_TOKENS:
            return value
    elif value is None or (isinstance(value, str) and not value.strip()):
        return None
    elif isinstance(value, float | str):
        number = _decimal(str(value))
        if number is not None and number.is_nan() and nan_is_missing:
            return None
        if number is not None and number.is_finite() and 0 <= number <= MAX_TOKENS and number == int(number):
            return int(number)
    raise UnusableValueError("bad_usage", key, value, f"a whole number from 0 to {MAX_TOKENS}")


def quantity(key: str, value: object, reason: str = "bad_quantity") -> Decimal:
    """Read a quantity of a unit meter: finite, from 0 to below 10^18, at most 12 decimals."""
    number = None if isinstance(value, bool) or value is None else _decimal(str(value))
    if number is not None and number.is_finite() and 0 <= number < MAX_QUANTITY:
        exponent = number.normalize().as_tuple().exponent
        if isinstance(exponent, int) and exponent >= -QUANTITY_PLACES:
            return abs(number)
    wanted = f"a decimal from 0 to below 10^18 with at most {QUANTITY_PLACES} decimals"
    raise UnusableValueError(reason, key, value, wanted)


def cost(value: object) -> Decimal | None:
    """Read an amount that an instrumentation computed; None when it is unusable, for it is never billed."""
    number = None if isinstance(value, bool) or value is None else _decimal(str(value))
    if number is None or not number.is_finite() or not 0 <= number < MAX_QUANTITY:
        return None
    exponent = number.as_tuple().exponent
    fine = isinstance(exponent, int) and exponent < -COST_PLACES
    return abs(round(number, COST_PLACES) if fine else number)


def truth(value: object) -> bool | None:
    """Read a truth value: a bool, or the usual words and digits for one."""
    if value is None or isinstance(value, bool):
        return value
    word = str(value).strip().lower()
    return True if word in TRUE else False if word in FALSE else None


def text(value: object) -> str | None:
    """Read a scalar as text, verbatim; blank text, lists and maps are None."""
    if isinstance(value, str):
        return value if value and not value.isspace() else None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float) and math.isfinite(value):
        return str(int(value)) if value.is_integer() else repr(value)
    return None


def whole(value: object) -> int | None:
    """Read a small whole number such as an attempt; None when it is none (it decides nothing about money)."""
    if type(value) is int:
        return value if 0 <= value < 1 << 62 else None
    number = None if isinstance(value, bool) or value is None else _decimal(str(value))
    if number is None or not number.is_finite() or not 0 <= number < 1 << 62:
        return None
    return int(number)


def _decimal(value: str) -> Decimal | None:
    if len(value) > LONGEST_NUMBER or "_" in value:
        return None
    try:
        return Decimal(value.strip())
    except InvalidOperation:
        return None
