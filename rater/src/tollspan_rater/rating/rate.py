"""R: from a customer's usage of a period and the plans valid then to lines that explain themselves. Pure, exact."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Final

from tollspan_rater.domain.money import EXACT, exact_sum
from tollspan_rater.pricing.model import PER, PerUnit, shortest
from tollspan_rater.pricing.pattern import ANY
from tollspan_rater.pricing.period import Period
from tollspan_rater.pricing.plan import BaseFee, Plan
from tollspan_rater.pricing.timeline import Segment
from tollspan_rater.rating.amount import Step, steps_of
from tollspan_rater.rating.line import AllowanceUse, Line, RatedPeriod, Share, UsageGroup
from tollspan_rater.rating.pool import included_of
from tollspan_rater.rating.quantity import inclusive
from tollspan_rater.rating.rounding import part_of, rounded
from tollspan_rater.rating.tally import Tally, tally
from tollspan_rater.rating.tariff import Component, Tariff

ZERO: Final = Decimal(0)
HOUR_NS: Final = 3_600_000_000_000


def rate(period: Period, segments: Sequence[Segment], groups: Iterable[UsageGroup], *, owner: str = "") -> RatedPeriod:
    """Rate the usage of one customer in one period.

    ``segments`` cover the period (:func:`tollspan_rater.pricing.timeline.segments`). The order of ``groups``
    and how the usage is cut into groups do not matter. ``owner`` (tenant and customer) only makes line ids
    unique. An allowance covers what is on the invoice, in the order of the plan's cards.
    """
    tariff = Tariff(segments)
    listed = list(groups)
    counted = tally(tariff, listed)
    included = [ZERO] * len(tariff.components)
    for pool in tariff.pools:
        for index, quantity in included_of(pool, counted.quantities).items():
            included[index] = quantity
    lines = _base_fees(period, tariff.segments, owner)
    for index, component in enumerate(tariff.components):
        if counted.quantities[index]:
            lines.append(_usage_line(period, owner, component, counted, index, included[index]))
    return RatedPeriod(
        period=period,
        lines=tuple(lines),
        on_invoice=_shares(counted.on_invoice),
        not_on_invoice=_shares(counted.not_on_invoice),
        unpriced=(*_shares(counted.unpriced), *_unknown(counted)),
        allowances=_allowances(tariff, listed),
    )


def line_id(owner: str, period: Period, component: str) -> str:
    """Return the id of a component's line, the same whenever and however often the period is rated."""
    text = f"{owner}\n{period.label}\n{period.zone}\n{component}"
    return "ln_" + hashlib.sha256(text.encode()).hexdigest()[:16]


def _usage_line(
    period: Period, owner: str, component: Component, counted: Tally, index: int, included: Decimal
) -> Line:
    item, quantity = component.item, counted.quantities[index]
    billable = EXACT.subtract(quantity, included)
    steps = steps_of(item.price, billable)
    if included:
        steps = (Step(f"included in plan {component.plan}", included, ZERO, ZERO), *steps)
    exact = shortest(exact_sum(step.amount for step in steps))
    versions = dict.fromkeys(v for s in sorted(counted.segments[index]) if (v := counted.versions[s]))
    return Line(
        line_id=line_id(owner, period, component.name),
        kind="usage",
        component=component.name,
        plan=component.plan,
        meter=item.meter,
        description=_description(component),
        quantity=shortest(quantity),
        included=shortest(included),
        billable=shortest(billable),
        unit_price=item.price.unit_price if isinstance(item.price, PerUnit) else None,
        steps=steps,
        amount_exact=exact,
        amount=rounded(exact, component.currency),
        currency=component.currency,
        price_version=", ".join(versions),
        calls=counted.calls[index],
        why=_why(component, included),
        contains=tuple(sorted((meter, shortest(part)) for meter, part in counted.contains[index].items())),
    )


def _description(component: Component) -> str:
    item = component.item
    where = [name for name in (item.model, item.provider) if name != ANY]
    return f"{item.meter.replace('_', ' ')}{' of ' if where else ''}{', '.join(where)}"


def _why(component: Component, included: Decimal) -> str:
    """Say in a sentence which price was taken, as its file quotes it, and what the plan covers."""
    item = component.item
    words = [f"card {item.card} prices {item.meter}"]
    words.append("of every model" if item.model == ANY else f"of models like {item.model}")
    if isinstance(item.price, PerUnit):
        quoted = shortest(EXACT.scaleb(item.price.unit_price, PER[item.per]))
        words.append(f"at {quoted:f} {component.currency} per {item.per}")
    else:
        words.append(f"by {type(item.price).__name__.lower()} price")
    if included:
        words.append(f"after {included:,f} included in plan {component.plan}")
    return " ".join(words)


def _base_fees(period: Period, segments: Sequence[Segment], owner: str) -> list[Line]:
    """Charge each plan's base fee for the part of the period in which it was held."""
    held: dict[str, tuple[Plan, BaseFee, list[Segment]]] = {}
    for segment in segments:
        plan = segment.plan
        if plan is not None and plan.base_fee is not None:
            fee = plan.base_fee
            name = f"{plan.name}/base_fee~{fee.amount:f}{plan.currency}{'' if fee.prorate else '!'}"
            held.setdefault(name, (plan, fee, []))[2].append(segment)
    return [_fee_line(period, owner, name, *held[name]) for name in sorted(held)]


def _fee_line(period: Period, owner: str, name: str, plan: Plan, fee: BaseFee, segments: list[Segment]) -> Line:
    whole = period.end_ns - period.start_ns
    held = sum(segment.end_ns - segment.start_ns for segment in segments) if fee.prorate else whole
    exact = shortest(part_of(fee.amount, held, whole, plan.currency))
    part = "the whole period" if held == whole else f"{held // HOUR_NS} of {whole // HOUR_NS} hours"
    return Line(
        line_id=line_id(owner, period, name),
        kind="base_fee",
        component=name,
        plan=plan.name,
        meter="base_fee",
        description=f"base fee of plan {plan.title or plan.name}",
        quantity=Decimal(1),
        included=ZERO,
        billable=Decimal(1),
        unit_price=fee.amount,
        steps=(Step(f"base fee for {part}", Decimal(1), fee.amount, exact),),
        amount_exact=exact,
        amount=rounded(exact, plan.currency),
        currency=plan.currency,
        price_version=", ".join(dict.fromkeys(segment.version or "" for segment in segments)),
        calls=0,
        why=f"plan {plan.name} was held for {part}",
    )


def _shares(counts: dict[tuple[str, str], tuple[Decimal, int]]) -> tuple[Share, ...]:
    return tuple(
        Share(reason, meter, shortest(quantity), calls)
        for (reason, meter), (quantity, calls) in sorted(counts.items())
        if quantity
    )


def _unknown(counted: Tally) -> tuple[Share, ...]:
    return tuple(Share(reason, meter, None, calls) for (reason, meter), calls in sorted(counted.unknown.items()))


def _allowances(tariff: Tariff, groups: Iterable[UsageGroup]) -> tuple[AllowanceUse, ...]:
    """Count what each allowance was used by: all usage that counts toward quotas while its plan held."""
    used: dict[tuple[str, str, Decimal], Decimal] = {
        (segment.plan.name, allowance.meter, allowance.quantity): ZERO
        for segment in tariff.segments
        if segment.plan is not None
        for allowance in segment.plan.included
    }
    for group in groups:
        plan = tariff.segments[group.segment].plan
        if plan is not None and group.decision.counts_toward_quota:
            for allowance in plan.included:
                key = (plan.name, allowance.meter, allowance.quantity)
                used[key] = EXACT.add(used[key], inclusive(group.quantities, allowance.meter))
    return tuple(AllowanceUse(*key, shortest(quantity)) for key, quantity in sorted(used.items()))
