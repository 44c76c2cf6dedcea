"""Adding rated calls up by any dimensions; money of different currencies is never added."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from tollspan_rater.cost.margin import percentage
from tollspan_rater.cost.rates import Unknown
from tollspan_rater.domain.money import EXACT
from tollspan_rater.query.answer import Cell
from tollspan_rater.query.rated import RatedCall
from tollspan_rater.query.window import WINDOWS, window_of
from tollspan_rater.query.wording import plain

ZERO: Final = Decimal(0)
TOKEN_COLUMNS: Final[Mapping[str, str]] = {
    "input_tokens": "input",
    "cache_read_tokens": "cache_read",
    "cache_write_tokens": "cache_write",
    "output_tokens": "output",
    "reasoning_tokens": "reasoning",
}
UNSAID: Final[Mapping[str, str]] = {"customer": "unattributed", "environment": "production"}

Value = Callable[[RatedCall], str | None]
Key = tuple[str | None, ...]  # the values of dimensions and, last, the currency of the customer's plan


def dimension(name: str, zone: str) -> Value:
    """Return how to read a dimension of a rated call; windows are local to ``zone``, periods to the customer."""
    if name in WINDOWS:
        window = window_of(name, zone)
        return lambda call: window(call.row.started_ns)
    if name in OF_MONEY:
        return OF_MONEY[name]
    unsaid = UNSAID.get(name)

    def said(call: RatedCall) -> str | None:
        value: str | None = getattr(call.row, name)
        return unsaid if value is None else value

    return said


OF_MONEY: Final[Mapping[str, Value]] = {
    "reason": lambda call: str(call.reason),
    "plan": lambda call: call.plan,
    "currency": lambda call: call.charged.currency,
    "period": lambda call: call.period.label,
}


@dataclass(slots=True)
class Sums:
    """What the calls of one group add up to. A count that no call states stays None."""

    calls: int = 0
    unmeasured: int = 0
    units: int = 0
    quantity: Decimal | None = None  # of unit measures; a sum only within one meter
    tokens: dict[str, int] = field(default_factory=dict)
    charge: Decimal | None = None
    unpriced: int = 0
    costs: dict[str, Decimal] = field(default_factory=dict)
    unknown_cost: int = 0

    def add(self, call: RatedCall) -> None:
        """Add one call, or calls that are alike."""
        row = call.row
        if row.kind == "unit":
            self.units += call.calls
            if row.quantity is not None:
                self.quantity = EXACT.add(self.quantity or ZERO, row.quantity)
        else:
            self.calls += call.calls
            if not row.usage.measured:
                self.unmeasured += call.calls
        for column, name in TOKEN_COLUMNS.items():
            count = getattr(row, name)
            if count is not None:
                self.tokens[column] = self.tokens.get(column, 0) + count
        self._add_money(call)

    def merge(self, other: Sums) -> None:
        """Add what other calls of the group add up to."""
        self.calls += other.calls
        self.unmeasured += other.unmeasured
        self.units += other.units
        self.quantity = _both(self.quantity, other.quantity)
        for column, count in other.tokens.items():
            self.tokens[column] = self.tokens.get(column, 0) + count
        self.charge = _both(self.charge, other.charge)
        self.unpriced += other.unpriced
        for currency, cost in other.costs.items():
            self.costs[currency] = EXACT.add(self.costs.get(currency, ZERO), cost)
        self.unknown_cost += other.unknown_cost

    def _add_money(self, call: RatedCall) -> None:
        if call.charged.amount is not None:
            self.charge = EXACT.add(self.charge or ZERO, call.charged.amount)
        if call.charged.amount is None or call.charged.unpriced:
            self.unpriced += call.calls
        if isinstance(call.cost, Unknown):
            self.unknown_cost += call.calls
        else:
            currency = call.cost.currency
            self.costs[currency] = EXACT.add(self.costs.get(currency, ZERO), call.cost.amount)

    @property
    def total_tokens(self) -> int | None:
        """Input and output together, as far as they are known."""
        known = [self.tokens[name] for name in ("input_tokens", "output_tokens") if name in self.tokens]
        return sum(known) if known else None

    @property
    def cost(self) -> Decimal | None:
        """The known cost in its one currency; None when nothing is known or currencies differ."""
        return next(iter(self.costs.values())) if len(self.costs) == 1 else None

    @property
    def cost_currency(self) -> str | None:
        """The currency of :attr:`cost`."""
        return next(iter(self.costs)) if len(self.costs) == 1 else None

    def measures(self) -> dict[str, Cell]:
        """Return the measures as cells of a row, amounts as they came out."""
        return {
            "calls": self.calls,
            "units": self.units,
            "quantity": self.quantity,
            **{column: self.tokens.get(column) for column in TOKEN_COLUMNS},
            "total_tokens": self.total_tokens,
            "charge": self.charge,
            "cost": self.cost,
            "cost_currency": self.cost_currency,
            "unmeasured": self.unmeasured,
            "unpriced": self.unpriced,
            "unknown_cost": self.unknown_cost,
        }

    def cells(self) -> dict[str, Cell]:
        """Return the measures as cells of a row that is shown."""
        amounts = {"quantity": plain(self.quantity), "charge": plain(self.charge), "cost": plain(self.cost)}
        return self.measures() | amounts


def group(
    calls: Iterable[RatedCall],
    readers: Sequence[Value],
    currency_of: Callable[[RatedCall], str | None],
    groups: dict[Key, Sums] | None = None,
) -> dict[Key, Sums]:
    """Add calls up by dimensions, given by how to read them, and currency; to ``groups``, where some are there."""
    groups = {} if groups is None else groups
    for call in calls:
        key = (*(read(call) for read in readers), currency_of(call))
        sums = groups.get(key)
        if sums is None:
            sums = groups[key] = Sums()
        sums.add(call)
    return groups


def _both(one: Decimal | None, other: Decimal | None) -> Decimal | None:
    return (one if other is None else other) if one is None or other is None else EXACT.add(one, other)


def share(part: Decimal | int | None, whole: Decimal | int | None) -> Decimal | None:
    """Return a part of a whole in percent for display, None where one of them is unknown or nothing."""
    return None if part is None or not whole else percentage(Decimal(part), Decimal(whole))
