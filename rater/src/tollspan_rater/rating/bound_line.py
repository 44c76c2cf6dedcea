"""Lines for bounds: what a bill is above the most, or below the least, that its plan asks for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Final

from tollspan_rater.domain.money import EXACT, exact_sum
from tollspan_rater.pricing.bound import Bound
from tollspan_rater.pricing.plan import Plan
from tollspan_rater.rating.amount import Step
from tollspan_rater.rating.charge_line import charge_line, component_of
from tollspan_rater.rating.held_plan import HeldPlan
from tollspan_rater.rating.line import Kind, Line
from tollspan_rater.rating.rounding import rounded

ZERO: Final = Decimal(0)
ONE: Final = Decimal(1)


def bounded(held: HeldPlan, owner: str, lines: Sequence[Line]) -> Iterator[Line]:
    """Yield the lines that bring a plan's bill to its maximum, then to its minimum.

    They close the gap of the exact and of the rounded amounts, each by itself, so that both obey.
    """
    so_far = list(lines)
    for kind, pick, least in _BOUNDS:
        agreed = held.agreed(pick)
        line = None if agreed is None else _line(held, owner, kind, agreed, so_far, least=least)
        if line is not None:
            so_far.append(line)
            yield line


def bound_names(held: HeldPlan) -> Iterator[str]:
    """Yield the components that a plan's bounds may have."""
    yield from (_name(held, kind) for kind, pick, _ in _BOUNDS if pick(held.plan) is not None)


def _maximum(plan: Plan) -> Bound | None:
    return plan.maximum


def _minimum(plan: Plan) -> Bound | None:
    return plan.minimum


_BOUNDS: Final[tuple[tuple[Kind, Callable[[Plan], Bound | None], bool], ...]] = (
    ("maximum", _maximum, False),
    ("minimum", _minimum, True),
)


def _line(
    held: HeldPlan, owner: str, kind: Kind, agreed: Decimal, lines: Sequence[Line], *, least: bool
) -> Line | None:
    currency, mode = held.plan.currency, held.plan.rounding.mode
    exact = _gap(agreed, exact_sum(line.amount_exact for line in lines), least=least)
    amount = _gap(rounded(agreed, currency, mode), exact_sum(line.amount for line in lines), least=least)
    if not exact and not amount:
        return None
    most = "least" if least else "most"
    total = exact_sum(line.amount_exact for line in lines)
    step = Step(f"from {total:f} to {agreed:f} {currency}", ONE, None, exact)
    why = f"plan {held.plan.name} asks for {agreed:f} {currency} at {most}"
    line = charge_line(held, owner, kind, _name(held, kind), f"{kind} of plan {held.plan.name}", [step], why)
    return line if held.plan.rounding.at == "invoice" else replace(line, amount=amount)


def _gap(agreed: Decimal, total: Decimal, *, least: bool) -> Decimal:
    gap = EXACT.subtract(agreed, total)
    return gap if (gap > ZERO) is least else ZERO


def _name(held: HeldPlan, kind: str) -> str:
    return component_of(held.plan.name, kind, {"maximum": held.plan.maximum, "minimum": held.plan.minimum}[kind])
