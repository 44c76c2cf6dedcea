"""Lines for fees of plans and add-ons: the part of the period in which each was held."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Final

from tollspan_rater.domain.money import EXACT, minor_unit
from tollspan_rater.pricing.addon import Addon
from tollspan_rater.pricing.base_fee import BaseFee
from tollspan_rater.pricing.model import shortest
from tollspan_rater.pricing.proration import by_time
from tollspan_rater.pricing.segment import Segment
from tollspan_rater.pricing.trial import TRIAL
from tollspan_rater.rating.amount import Step
from tollspan_rater.rating.charge_line import charge_line
from tollspan_rater.rating.held_plan import HeldPlan, time_of
from tollspan_rater.rating.line import Line

ZERO: Final = Decimal(0)
ONE: Final = Decimal(1)


def base_fees(held: HeldPlan, owner: str) -> Iterator[Line]:
    """Charge a plan's base fees, one line each, for the part of the period in which they were held."""
    times: dict[str, tuple[BaseFee, int]] = {}
    for segment in held.segments:
        fee = None if segment.plan is None else segment.plan.base_fee
        if fee is not None and _pays(segment):
            name = _fee_name(held, fee)
            times[name] = (fee, times.get(name, (fee, 0))[1] + segment.length_ns)
    for name in sorted(times):
        yield _fee_line(held, owner, name, *times[name])


def addon_fees(held: HeldPlan, owner: str) -> Iterator[Line]:
    """Charge the fees of add-ons, one line an add-on, for how many were held how long."""
    times: dict[str, tuple[Addon, dict[Decimal, int]]] = {}
    for segment in held.segments:
        for one in segment.addons:
            if one.addon.fee is not None:
                _, counted = times.setdefault(_addon_name(held, one.addon), (one.addon, {}))
                counted[one.quantity] = counted.get(one.quantity, 0) + segment.length_ns
    for name in sorted(times):
        yield _addon_line(held, owner, name, *times[name])


def fee_names(held: HeldPlan) -> Iterator[str]:
    """Yield the components of all fees that a plan may ask for in the period."""
    for segment in held.segments:
        if segment.plan is not None and segment.plan.base_fee is not None:
            yield _fee_name(held, segment.plan.base_fee)
        yield from (_addon_name(held, one.addon) for one in segment.addons if one.addon.fee is not None)


def _pays(segment: Segment) -> bool:
    """Tell whether the base fee is due in a segment: not in a trial, unless the trial says so."""
    trial = None if segment.plan is None else segment.plan.trial
    return segment.phase != TRIAL or (trial is not None and trial.base_fee)


def _fee_name(held: HeldPlan, fee: BaseFee) -> str:
    return f"{held.plan.name}/base_fee~{fee.amount:f}{held.plan.currency}{'' if fee.prorate else '!'}"


def _addon_name(held: HeldPlan, addon: Addon) -> str:
    return f"{held.plan.name}/addon/{addon.name}~{addon.fee:f}{addon.currency}{'' if addon.prorate else '!'}"


def _fee_line(held: HeldPlan, owner: str, name: str, fee: BaseFee, held_ns: int) -> Line:
    plan, period = held.plan, held.period
    time = held_ns if fee.prorate else period.whole_ns
    exact = shortest(by_time([(fee.amount, time)], period.whole_ns, minor_unit(plan.currency)))
    part = time_of(time, period)
    return charge_line(
        held,
        owner,
        "base_fee",
        name,
        f"base fee of plan {plan.title or plan.name}",
        [Step(f"base fee for {part}", ONE, fee.amount, exact)],
        f"plan {plan.name} was held for {part}",
        unit_price=fee.amount,
    )


def _addon_line(held: HeldPlan, owner: str, name: str, addon: Addon, times: dict[Decimal, int]) -> Line:
    """Return the line of an add-on; its steps are rounded one after the other, so that they add up to the whole."""
    fee, period, most = addon.fee or ZERO, held.period, max(times)
    if not addon.prorate:
        times = {most: period.whole_ns}
    steps: list[Step] = []
    counted: list[tuple[Decimal, int]] = []
    before = ZERO
    for quantity, time in times.items():
        counted.append((EXACT.multiply(fee, quantity), time))
        total = by_time(counted, period.whole_ns, minor_unit(addon.currency))
        steps.append(Step(f"held for {time_of(time, period)}", quantity, fee, shortest(EXACT.subtract(total, before))))
        before = total
    title = addon.title or addon.name
    why = f"add-on {addon.name} was held beside plan {held.plan.name}"
    return charge_line(
        held, owner, "addon", name, f"add-on {title}", steps, why, quantity=shortest(most), unit_price=fee
    )
