"""What one call costs and is charged, for whom: what its money span says, and how two such states differ."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

import orjson

from tollspan_rater.domain.money import EXACT


@dataclass(frozen=True, slots=True)
class Place:
    """Where a call's money belongs: its trace, the call's span there, and the call's service time."""

    trace_id: str
    span_id: str
    started_ns: int


@dataclass(frozen=True, slots=True)
class Money:
    """Exact amounts of a call with their currencies, and the dimensions under which they count; None is unknown.

    ``dimensions`` are attribute names of the wire contract with their text, in a fixed order.
    """

    cost: Decimal | None = None
    cost_currency: str | None = None
    charge: Decimal | None = None
    currency: str | None = None
    price_version: str | None = None
    dimensions: Mapping[str, str] = field(default_factory=dict)

    @property
    def margin(self) -> Decimal | None:
        """The charge less the cost; None where one of them is unknown, or they are of different currencies."""
        if self.cost is None or self.charge is None or self.cost_currency != self.currency:
            return None
        return EXACT.subtract(self.charge, self.cost)

    @property
    def under(self) -> tuple[object, ...]:
        """What amounts must have in common to be added: currencies and dimensions."""
        return (self.cost_currency, self.currency, tuple(sorted(self.dimensions.items())))

    @property
    def amounts(self) -> tuple[Decimal, Decimal, Decimal]:
        """Cost, charge and margin as they count in sums, in which what is unknown adds nothing."""
        zero = Decimal(0)
        return (self.cost or zero, self.charge or zero, self.margin or zero)


NOTHING = Money()


@dataclass(frozen=True, slots=True)
class Difference:
    """What is added to sums over money spans, with its sign; None where there is nothing to add.

    The margin is a member of its own: where it becomes known, or unknown, it changes by more than charge less cost.
    """

    money: Money
    cost: Decimal | None
    charge: Decimal | None
    margin: Decimal | None


def whole(money: Money) -> Difference:
    """Return everything of a state, as the first span of a call says it."""
    return Difference(money, money.cost, money.charge, money.margin)


def differences(was: Money, now: Money) -> list[Difference]:
    """Return what must be added to what was said so that every sum, by any dimension, is that of the new state.

    Two where the money moved to other dimensions or currencies: what was said is taken back there, and said here.
    """
    if was.under == now.under or was.amounts == NOTHING.amounts:
        return _changed(now, was.amounts, now.amounts)
    return [*_changed(was, was.amounts, NOTHING.amounts), *_changed(now, NOTHING.amounts, now.amounts)]


def to_text(money: Money) -> str:
    """Write a state as JSON, read back exactly by :func:`from_text`."""
    amounts = {"cost": money.cost, "charge": money.charge}
    stated = {name: str(amount) for name, amount in amounts.items() if amount is not None}
    words = {"cost_currency": money.cost_currency, "currency": money.currency, "price_version": money.price_version}
    return orjson.dumps({**stated, **words, "dimensions": dict(money.dimensions)}).decode()


def from_text(text: str) -> Money:
    """Read a state back."""
    said = orjson.loads(text)
    cost, charge = (None if name not in said else Decimal(said.pop(name)) for name in ("cost", "charge"))
    return Money(cost=cost, charge=charge, **said)


def _changed(money: Money, was: tuple[Decimal, ...], now: tuple[Decimal, ...]) -> list[Difference]:
    changes = [EXACT.subtract(after, before) or None for before, after in zip(was, now, strict=True)]
    return [Difference(money, *changes)] if any(change is not None for change in changes) else []
