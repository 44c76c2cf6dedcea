"""What Stripe's interfaces have in common: address, credential, errors, minor units."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from tollspan_rater.domain.money import EXACT, exponent
from tollspan_rater.errors import UntellableError
from tollspan_rater.export.http import Answer, Http, Request
from tollspan_rater.export.rules import Rule, at
from tollspan_rater.export.settings import Settings

URL: Final = "https://api.stripe.com"
VERSION: Final = "2026-09-30.endive"
DAY_S: Final = 24 * 3600
_SECOND: Final = 1_000_000_000
_EXPONENTS: Final[Mapping[str, int]] = {"ISK": 2, "UGX": 2}  # https://docs.stripe.com/currencies#special-cases
_STEPS: Final[Mapping[str, int]] = {  # the same page: amounts are multiples of so many minor units
    "ISK": 100, "UGX": 100, "BHD": 10, "JOD": 10, "KWD": 10, "OMR": 10, "TND": 10,
}  # fmt: skip

# https://docs.stripe.com/api/errors and /api/idempotent_requests: the first answer to a key is kept, a 500 as well.
RULES: Final = (
    Rule(400, "look_first", "idempotency_error"),  # the key is known for something else
    Rule(409, "unclear"),  # another request with this key is still under way
)


def connect(settings: Settings) -> Http:
    """Return the way to Stripe's API; the secret ``key`` opens it."""
    headers = {"Authorization": f"Bearer {settings.secret()}", "Stripe-Version": VERSION}
    return Http(settings.client, settings.url or URL, settings.clock, headers)


def said(answer: Answer) -> tuple[str, str]:
    """Return code and sentence of an error."""
    code = at(answer.body, "error", "code") or at(answer.body, "error", "type")
    return code, at(answer.body, "error", "message")


def minor(amount: Decimal, currency: str, target: str) -> int:
    """Return an amount in the units that Stripe counts a currency in.

    Raises:
        UntellableError: the amount is finer than Stripe takes it.
    """
    units = EXACT.scaleb(amount, _EXPONENTS.get(currency, exponent(currency)))
    if units % _STEPS.get(currency, 1) != 0:
        step = EXACT.scaleb(Decimal(_STEPS.get(currency, 1)), -_EXPONENTS.get(currency, exponent(currency)))
        raise UntellableError(target, f"{amount} {currency}", f"Stripe takes multiples of {step} {currency}")
    return int(units)


def major(units: Decimal | int, currency: str) -> Decimal:
    """Return the amount of so many units; the other way than :func:`minor`."""
    return EXACT.scaleb(Decimal(units), -_EXPONENTS.get(currency, exponent(currency)))


def following(page: Mapping[str, Any], asked: Request) -> Request | None:
    """Return how to ask for the page of a list behind one, ``None`` behind the last."""
    if not page.get("has_more"):
        return None
    rows = page["data"]
    return asked.also(starting_after=at(rows[-1], "id")) if rows else asked


def unix_s(at_ns: int) -> int:
    """Return whole seconds since 1970."""
    return at_ns // _SECOND
