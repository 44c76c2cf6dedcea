"""Lines that no call causes: fees, and what discounts, commitments and bounds add or take off."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final

from tollspan_rater.domain.money import exact_sum
from tollspan_rater.pricing.canonical import canonical
from tollspan_rater.pricing.model import shortest
from tollspan_rater.rating.amount import Step
from tollspan_rater.rating.held_plan import HeldPlan
from tollspan_rater.rating.line import Kind, Line, line_id
from tollspan_rater.rating.rounding import by_rule

ONE: Final = Decimal(1)
ZERO: Final = Decimal(0)


def charge_line(
    held: HeldPlan,
    owner: str,
    kind: Kind,
    component: str,
    description: str,
    steps: Sequence[Step],
    why: str,
    *,
    quantity: Decimal = ONE,
    unit_price: Decimal | None = None,
) -> Line:
    """Return a line of a plan whose amount is that of its steps."""
    exact = shortest(exact_sum(step.amount for step in steps))
    return Line(
        line_id=line_id(owner, held.period, component),
        kind=kind,
        component=component,
        plan=held.plan.name,
        meter=kind,
        description=description,
        quantity=quantity,
        included=ZERO,
        billable=quantity,
        unit_price=unit_price,
        steps=tuple(steps),
        amount_exact=exact,
        amount=by_rule(held.plan.rounding, exact, steps, held.plan.currency),
        currency=held.plan.currency,
        price_version=held.versions,
        calls=0,
        why=why,
    )


def component_of(plan: str, kind: str, content: Any) -> str:
    """Return the name of a component that follows from a plan's name and what it states."""
    return f"{plan}/{kind}~{hashlib.sha256(canonical(content).encode()).hexdigest()[:8]}"
