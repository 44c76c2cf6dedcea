"""Modifiers: what a plan adds to the prices of its lines, and takes off them, in one order.

Percent discounts, discounts in amounts, commitment, maximum, minimum, rounding. Each is a line of its own.
What changes quantities (allowances, free units, conversion) came before, what changes prices is in the cards.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Final

from tollspan_rater.domain.money import EXACT, exact_sum
from tollspan_rater.pricing.rounding_rule import RoundingRule
from tollspan_rater.rating.amount import Step
from tollspan_rater.rating.bound_line import bound_names, bounded
from tollspan_rater.rating.charge_line import charge_line
from tollspan_rater.rating.commitment_line import commitment_lines, commitment_names
from tollspan_rater.rating.discount_line import (
    amount_lines,
    cards_of_lines,
    discount_names,
    percent_lines,
    usage_left,
)
from tollspan_rater.rating.fee_line import fee_names
from tollspan_rater.rating.held_plan import HeldPlan
from tollspan_rater.rating.line import Line
from tollspan_rater.rating.rounding import by_rule, rounded

ZERO: Final = Decimal(0)
BY_LINE: Final = RoundingRule()


def modified(held: HeldPlan, owner: str, lines: Sequence[Line], cards: Mapping[str, str]) -> list[Line]:
    """Return a plan's lines, rounded by its rule, and the lines of its modifiers.

    ``lines`` are rounded half up each; ``cards`` says which card prices the component of a line.
    """
    own = lines if held.plan.rounding == BY_LINE else [_rounded(held, line) for line in lines]
    percents, priced = percent_lines(held, owner, cards_of_lines(cards, own))
    amounts, priced = amount_lines(held, owner, priced)
    all_lines = [*own, *percents, *amounts, *commitment_lines(held, owner, usage_left(priced))]
    all_lines.extend(bounded(held, owner, all_lines))
    all_lines.extend(_rounding(held, owner, all_lines))
    return all_lines


def modifier_names(held: HeldPlan) -> Iterator[str]:
    """Yield the components of all fees and modifiers that a plan may have in the period."""
    yield from fee_names(held)
    yield from discount_names(held)
    yield from commitment_names(held)
    yield from bound_names(held)
    if held.plan.rounding.at == "invoice":
        yield _rounding_name(held)


def _rounded(held: HeldPlan, line: Line) -> Line:
    return replace(line, amount=by_rule(held.plan.rounding, line.amount_exact, line.steps, line.currency))


def _rounding(held: HeldPlan, owner: str, lines: Sequence[Line]) -> Iterator[Line]:
    """Yield the line that makes the total the rounded exact sum, where a plan rounds the invoice only."""
    rule, currency = held.plan.rounding, held.plan.currency
    if rule.at != "invoice":
        return
    exact = exact_sum(line.amount_exact for line in lines)
    gap = EXACT.subtract(rounded(exact, currency, rule.mode), exact_sum(line.amount for line in lines))
    if gap:
        step = Step(f"the exact sum {exact:f} rounded once", Decimal(1), None, ZERO)
        why = f"plan {held.plan.name} rounds the invoice, not each line"
        line = charge_line(held, owner, "rounding", _rounding_name(held), "rounding", [step], why)
        yield replace(line, amount=gap)


def _rounding_name(held: HeldPlan) -> str:
    return f"{held.plan.name}/rounding"
