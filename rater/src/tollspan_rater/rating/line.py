"""What rating gives back: lines that explain themselves, and everything that is not on a line."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from tollspan_rater.domain.money import Money, exact_sum
from tollspan_rater.pricing.period import Period
from tollspan_rater.rating.amount import Step
from tollspan_rater.rating.decision import Decision
from tollspan_rater.rating.sample import Facts

Kind = Literal[
    "usage", "flat_fee", "base_fee", "addon", "discount", "commitment", "overage", "maximum", "minimum", "rounding",
    "adjustment",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class UsageGroup:
    """The usage of calls that are priced alike: one provider and model, one decision, one segment.

    ``segment`` is the index of the plan segment in which the calls started. ``quantities`` are the
    inclusive sums of what is known (:func:`tollspan_rater.rating.quantity.of_usage`, added up).
    ``unknown_calls`` counts the calls whose quantity of a meter is not known although it was used.
    ``facts`` are the values of ``Tariff.dimensions``, in their order. ``costs`` is what the provider charges
    for the units of each meter, its parts taken out, in the plan's currency: where that is known, and only
    filled when ``Tariff.wants_cost``; calls of which it is not known make a group of their own.
    """

    provider: str | None
    model: str | None
    decision: Decision
    segment: int
    calls: int
    quantities: Mapping[str, Decimal]
    unknown_calls: Mapping[str, int] = field(default_factory=dict)
    facts: Facts = ()
    costs: Mapping[str, Decimal] | None = None


@dataclass(frozen=True, slots=True)
class Share:
    """How much of a meter had one ``reason``; ``quantity`` is ``None`` where it is unknown.

    Quantities are exclusive: ``input`` here is what is left of it without its known parts.
    """

    reason: str
    meter: str
    quantity: Decimal | None
    calls: int


@dataclass(frozen=True, slots=True)
class AllowanceUse:
    """An allowance of a plan in the period, and how much of it was used by what counts toward quotas.

    Of ``limit``, ``added`` came with add-ons and ``carried`` from earlier periods.
    """

    plan: str
    meter: str
    limit: Decimal
    used: Decimal
    added: Decimal = Decimal(0)
    carried: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a bill: one price item of a plan in a period, a fee, or what a modifier adds or takes.

    ``line_id`` and ``component`` depend on owner, period, plan and price alone, never on the usage.
    ``quantity`` = ``included`` + ``billable``. ``unit_price`` is ``None`` where no single price holds;
    ``steps`` add up to ``amount_exact``. ``amount`` is rounded to the currency's minor unit.
    ``contains`` says what of each meter is in it, in its own units. ``price_version`` joins the versions of
    the segments in which the item was used. ``calls`` counts the calls of all groups that used it.
    """

    line_id: str
    kind: Kind
    component: str
    plan: str
    meter: str
    description: str
    quantity: Decimal
    included: Decimal
    billable: Decimal
    unit_price: Decimal | None
    steps: tuple[Step, ...]
    amount_exact: Decimal
    amount: Decimal
    currency: str
    price_version: str
    calls: int
    why: str
    contains: tuple[tuple[str, Decimal], ...] = ()


@dataclass(frozen=True, slots=True)
class RatedPeriod:
    """The bill of a period. ``on_invoice``, ``not_on_invoice`` and ``unpriced`` partition the usage, by meter."""

    period: Period
    lines: tuple[Line, ...]
    on_invoice: tuple[Share, ...]
    not_on_invoice: tuple[Share, ...]
    unpriced: tuple[Share, ...]
    allowances: tuple[AllowanceUse, ...]

    @property
    def totals(self) -> tuple[Money, ...]:
        """Return the sum of the rounded lines of each currency; currencies are never added."""
        return self._totals("amount")

    @property
    def exact_totals(self) -> tuple[Money, ...]:
        """Return the sum of the exact amounts of each currency."""
        return self._totals("amount_exact")

    @property
    def total(self) -> Decimal:
        """Return the rounded total of a bill in one currency; zero without lines.

        Raises:
            ValueError: for a bill in several currencies, which has no total.
        """
        if len(self.totals) > 1:
            names = ", ".join(money.currency for money in self.totals)
            msg = f"a bill in {names} has no single total: read `totals`"
            raise ValueError(msg)
        return self.totals[0].amount if self.totals else Decimal(0)

    def _totals(self, name: Literal["amount", "amount_exact"]) -> tuple[Money, ...]:
        currencies = sorted({line.currency for line in self.lines})
        return tuple(
            Money(exact_sum(getattr(line, name) for line in self.lines if line.currency == currency), currency)
            for currency in currencies
        )


def line_id(owner: str, period: Period, component: str) -> str:
    """Return the id of a component's line, the same whenever and however often the period is rated."""
    text = f"{owner}\n{period.label}\n{period.zone}\n{component}"
    return "ln_" + hashlib.sha256(text.encode()).hexdigest()[:16]
