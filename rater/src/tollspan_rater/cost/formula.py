"""What a quantity of usage costs at given rates: exact, linear below and above each threshold.

A token belongs to its most specific meter and costs the rate of the nearest meter on the way to the root that
has one. So input costs (input - cache reads - cache writes - audio - image) x its rate, and so on; reasoning is
inside output unless it has a rate of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import reduce
from typing import Final

from tollspan_rater.cost.rates import Rates, Unknown, bucket
from tollspan_rater.domain.meters import ALSO_IN, PARENT, TOKEN_METERS, children
from tollspan_rater.domain.money import EXACT
from tollspan_rater.domain.usage import TOKEN_FIELDS, Usage

ZERO: Final = Decimal(0)
ROOTS: Final = ("input", "output")
CHILDREN: Final = {meter: children(meter) for meter in TOKEN_METERS}
# Part of two wholes -> what taking it out of both changes: out of the second whole, once less out of the input.
_SHARED: Final = {also: ((part, 1),) for part, also in ALSO_IN.items()} | {
    "input": tuple((part, -1) for part in ALSO_IN)
}

Quantities = Mapping[str, Decimal | None]


@dataclass(frozen=True, slots=True)
class Part:
    """One summand: a quantity of a meter (only its own, without its priced parts) at the rate of ``priced_as``."""

    meter: str
    priced_as: str
    quantity: Decimal
    rate: Decimal
    amount: Decimal
    source: str


@dataclass(frozen=True, slots=True)
class Cost:
    """An exact amount with its parts. ``flags`` name splits that were unknown and stayed at the parent's rate."""

    amount: Decimal
    currency: str
    parts: tuple[Part, ...]
    version: str
    flags: tuple[str, ...] = ()


def quantities(usage: Usage, requests: int = 1) -> dict[str, Decimal | None]:
    """Return one call's usage by meter, inclusive; an unknown count stays None."""
    counts = {name: getattr(usage, name) for name in TOKEN_FIELDS}
    tokens = {name: None if count is None else Decimal(count) for name, count in counts.items()}
    return {**tokens, **usage.units, "request": Decimal(requests)}


def cost(used: Quantities, rates: Rates, at_bucket: int | None = None) -> Cost | Unknown:
    """Price quantities at rates.

    ``used`` holds inclusive quantities by meter. A token meter that is absent does not apply; one that is
    present as None is unknown. ``at_bucket`` is :func:`~tollspan_rater.cost.rates.bucket` of each call that
    the quantities add up; left out, the quantities are those of one call.
    """
    own = _own_quantities(used, rates)
    if isinstance(own, Unknown):
        return own
    step = bucket(used.get("input") or ZERO, rates.thresholds) if at_bucket is None else at_bucket
    parts: list[Part] = []
    for meter, quantity in own.items():
        part = _part(meter, quantity, rates, step)
        if isinstance(part, Unknown):
            return part
        if part is not None:
            parts.append(part)
    currencies = {rates.meters[part.priced_as].currency for part in parts if part.quantity}
    if len(currencies) > 1:
        return Unknown("mixed_currency", f"the parts cost {', '.join(sorted(currencies))}")
    currency = min(currencies or {rate.currency for rate in rates.meters.values()})
    amount = reduce(EXACT.add, (part.amount for part in parts), ZERO)
    return Cost(amount, currency, tuple(parts), rates.version, _flags(used, rates))


def _own_quantities(used: Quantities, rates: Rates) -> dict[str, Decimal] | Unknown:
    """Return what each meter counts beyond its parts, or why that is unknown."""
    counted = {meter: quantity for meter, quantity in used.items() if meter != "request"} or used
    if all(quantity is None for quantity in counted.values()):
        return Unknown("unmeasured", "the usage of the call is unknown")
    for one, other in rates.overlaps:
        if used.get(one) and used.get(other):
            return Unknown("unsplit_usage", f"{one} and {other} overlap at a rate of its own; the usage does not say")
    own: dict[str, Decimal] = {}
    for meter in TOKEN_METERS:
        if meter not in used:
            continue
        whole, parts = used[meter], _known_parts(meter, used)
        if whole is None:
            if meter in ROOTS and (meter in rates.meters or parts):
                return Unknown("unmeasured", f"the {meter} tokens of the call are unknown")
            continue
        if whole < parts:
            return Unknown("inconsistent_usage", f"the parts of {meter} are {parts}, the whole is {whole}")
        own[meter] = EXACT.subtract(whole, parts)
    units = {meter: quantity for meter, quantity in used.items() if meter not in TOKEN_METERS and quantity is not None}
    return own | units


def _known_parts(meter: str, used: Quantities) -> Decimal:
    """Return the sum of the known parts of a meter; a part whose own parts alone are known counts as their sum."""
    total = ZERO
    for child in CHILDREN[meter]:
        whole = used.get(child)
        total = EXACT.add(total, _known_parts(child, used) if whole is None else whole)
    for part, sign in _SHARED.get(meter, ()):
        shared = used.get(part)
        if shared and used.get(ALSO_IN[part]) is not None:
            total = EXACT.add(total, shared * sign)
    return total


def _part(meter: str, quantity: Decimal, rates: Rates, step: int) -> Part | Unknown | None:
    """Price what a meter counts by itself; None where nothing was used and nothing is charged."""
    priced_as = rates.priced_as.get(meter)
    if priced_as is None:
        if not quantity or meter == "request":
            return None
        return Unknown(rates.otherwise.reason, f"no price for {meter}: {rates.otherwise.detail}")
    entry = rates.meters[priced_as]
    rate = entry.at(step)
    if rate is None:
        return (entry.reason or rates.otherwise) if quantity else None
    return Part(meter, priced_as, quantity, rate, EXACT.multiply(quantity, rate), entry.source)


def _flags(used: Quantities, rates: Rates) -> tuple[str, ...]:
    """Name the priced parts of which nothing is known although their whole is known and more than zero."""
    return tuple(
        f"{meter}_unknown"
        for meter, parent in PARENT.items()
        if meter in rates.meters and used.get(meter) is None and used.get(parent) and not _known_parts(meter, used)
    )
