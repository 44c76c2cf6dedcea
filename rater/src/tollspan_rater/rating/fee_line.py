"""Lines for base fees: the part of the period in which each plan was held."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from tollspan_rater.pricing.base_fee import BaseFee
from tollspan_rater.pricing.model import shortest
from tollspan_rater.pricing.period import Period
from tollspan_rater.pricing.plan import Plan
from tollspan_rater.pricing.timeline import Segment
from tollspan_rater.rating.amount import Step
from tollspan_rater.rating.line import Line, line_id
from tollspan_rater.rating.rounding import part_of, rounded

ZERO: Final = Decimal(0)
HOUR_NS: Final = 3_600_000_000_000


def base_fees(period: Period, segments: Sequence[Segment], owner: str) -> list[Line]:
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
