"""What each call added to the bill: charges in the order of time that add up to the lines exactly."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from tollspan_rater.domain.money import EXACT, exact_sum
from tollspan_rater.pricing.policy import Reason
from tollspan_rater.pricing.timeline import Segment
from tollspan_rater.rating.decision import Decision
from tollspan_rater.rating.pool import sharings
from tollspan_rater.rating.quantity import exclusive
from tollspan_rater.rating.sample import Facts
from tollspan_rater.rating.standing import Standing
from tollspan_rater.rating.tally import is_usage, unpriced_reason
from tollspan_rater.rating.tariff import Tariff

ZERO: Final = Decimal(0)


@dataclass(frozen=True, slots=True)
class ChargedCall:
    """The marginal charge of a call.

    ``amount`` is ``None`` when nothing of the call has a price; with ``unpriced`` meters beside an amount,
    the amount holds the priced part only. ``reason`` is that of the decision, ``included`` when an allowance
    took all, else why there is no price. ``components`` are (component, amount) pairs: a call can move
    units of an allowance, so that another component's amount changes, too.
    """

    amount: Decimal | None
    reason: str
    version: str | None
    currency: str | None
    components: tuple[tuple[str, Decimal], ...] = ()
    unpriced: tuple[str, ...] = ()


class Marginal:
    """Rates one customer's calls of one period one after the other; feed them in (time, call id) order.

    For each component the charges add up to the exact amount of its line.
    """

    def __init__(self, segments: Sequence[Segment], tariff: Tariff | None = None) -> None:
        self._tariff = tariff = tariff or Tariff(segments)
        self._starts = [segment.start_ns for segment in segments]
        self._standings = [Standing(component) for component in tariff.components]
        size = len(tariff.components)
        self._quantity, self._billable, self._amount = [ZERO] * size, [ZERO] * size, [ZERO] * size
        self._sharing = sharings(tariff.pools, self._quantity)

    def charge(
        self,
        started_ns: int,
        provider: str | None,
        model: str | None,
        quantities: Mapping[str, Decimal],
        decision: Decision,
        *,
        facts: Facts = (),
        costs: Mapping[str, Decimal] | None = None,
        key: str = "",
        of: Mapping[str, str | None] | None = None,
    ) -> ChargedCall:
        """Return what a call adds; ``quantities`` are inclusive, as :mod:`tollspan_rater.rating.quantity` makes them.

        ``facts`` are the values of ``Tariff.dimensions``, ``costs`` what the provider charges for each meter
        (see ``UsageGroup``), ``key`` is the call's id, ``of`` the values of ``Tariff.unique_of`` by dimension.
        A call that is not on the invoice is charged 0 and changes nothing.
        """
        number = max(bisect_right(self._starts, started_ns) - 1, 0)
        segment = self._tariff.segments[number]
        currency = segment.plan.currency if segment.plan else None
        if not decision.on_invoice:
            return ChargedCall(ZERO, decision.reason, segment.version, currency)
        route = self._tariff.route(number, provider, model, facts)
        changed: dict[int, Decimal] = {}
        unpriced: dict[str, str] = {}
        for meter, quantity in exclusive(quantities).items():
            target = route[meter]
            cost = None if costs is None else costs.get(meter)
            value = of.get(self._tariff.of(number, meter) or "") if of else None
            reason = unpriced_reason(self._tariff, number, target, cost=cost, of=value)
            if reason is None and target is not None:
                more = self._standings[target.component].take(
                    meter, quantity, target.conversion, cost=cost or ZERO, at=(started_ns, key), of=value
                )
                index = target.component
                changed[index] = EXACT.add(changed[index], more) if index in changed else more
            elif reason is not None and quantity and is_usage(meter, reason):
                unpriced[meter] = reason
        if not changed:
            reason = segment.problem or next(iter(unpriced.values()), "no usage")
            return ChargedCall(None, reason, segment.version, currency, (), tuple(unpriced))
        parts = self._settle(changed)
        reason = Reason.INCLUDED if not parts and any(changed.values()) else decision.reason
        return ChargedCall(
            exact_sum(parts.values()), reason, segment.version, currency, tuple(parts.items()), tuple(unpriced)
        )

    def _settle(self, changed: Mapping[int, Decimal]) -> dict[str, Decimal]:
        """Bring quantities and amounts of components up to date and return the amounts that changed."""
        parts: dict[str, Decimal] = {}
        for index in sorted(changed):
            self._quantity[index] = self._standings[index].quantity
            sharing = self._sharing.get(index)
            if sharing is None:
                self._move(index, ZERO, parts)
            else:
                for member in sharing.take(index, changed[index]):
                    self._move(member, sharing.included[member], parts)
        return parts

    def _move(self, index: int, included: Decimal, parts: dict[str, Decimal]) -> None:
        amount = self._standings[index].amount(included)
        billable = EXACT.subtract(self._quantity[index], included)
        if billable == self._billable[index] and amount == self._amount[index]:
            return
        name, more = self._tariff.components[index].name, EXACT.subtract(amount, self._amount[index])
        parts[name] = EXACT.add(parts.get(name, ZERO), more)
        self._billable[index], self._amount[index] = billable, amount
