"""Lines for commitments: what is missing to the amount agreed on, or what goes beyond it."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from tollspan_rater.domain.money import EXACT
from tollspan_rater.pricing.commitment import ONE
from tollspan_rater.rating.amount import Step
from tollspan_rater.rating.charge_line import charge_line, component_of
from tollspan_rater.rating.held_plan import HeldPlan
from tollspan_rater.rating.line import Line


def commitment_lines(held: HeldPlan, owner: str, usage: Decimal) -> Iterator[Line]:
    """Charge what ``usage``, after discounts, lacks of the commitment, or the surcharge on what exceeds it."""
    stated, agreed = held.plan.commitment, held.agreed(lambda plan: plan.commitment)
    if stated is None or agreed is None:
        return
    beyond = EXACT.subtract(usage, agreed)
    why = f"plan {held.plan.name} has a commitment of {agreed:f} {held.plan.currency}; usage came to {usage:f}"
    if beyond < 0 and stated.true_up:
        step = Step("missing to the commitment", ONE, None, beyond.copy_negate())
        yield charge_line(held, owner, "commitment", _name(held, "commitment"), "commitment, true-up", [step], why)
    if beyond > 0 and stated.overage_factor != ONE:
        more = EXACT.subtract(stated.overage_factor, ONE)
        step = Step(
            f"beyond the commitment, times {stated.overage_factor:f}", beyond, more, EXACT.multiply(beyond, more)
        )
        yield charge_line(held, owner, "overage", _name(held, "overage"), "overage of the commitment", [step], why)


def commitment_names(held: HeldPlan) -> Iterator[str]:
    """Yield the components that a plan's commitment may have."""
    if held.plan.commitment is not None:
        yield from (_name(held, kind) for kind in ("commitment", "overage"))


def _name(held: HeldPlan, kind: str) -> str:
    return component_of(held.plan.name, kind, held.plan.commitment)
