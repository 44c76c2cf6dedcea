"""Lines for discounts: percents of what usage costs, then amounts off what is left."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final

from tollspan_rater.domain.money import EXACT, exact_sum
from tollspan_rater.pricing.discount import Discount
from tollspan_rater.rating.amount import Step
from tollspan_rater.rating.charge_line import charge_line, component_of
from tollspan_rater.rating.held_plan import HeldPlan
from tollspan_rater.rating.line import Line

ZERO: Final = Decimal(0)
USAGE: Final = ("usage", "flat_fee")


@dataclass(frozen=True, slots=True)
class Priced:
    """A line, the card that prices it, and what of its exact amount discounts have left."""

    line: Line
    card: str | None
    left: Decimal


def percent_lines(held: HeldPlan, owner: str, priced: Sequence[Priced]) -> tuple[list[Line], list[Priced]]:
    """Take each percent discount off the prices of the lines that it is on; percents do not compound."""
    lines: list[Line] = []
    kept = list(priced)
    for name, discount in _named(held, "percent"):
        share = discount.value.scaleb(-2)
        steps: list[Step] = []
        for place, one in enumerate(kept):
            if _covers(discount, one):
                off = EXACT.multiply(one.line.amount_exact, share)
                words = f"{discount.value:f} percent of {one.line.description}"
                steps.append(Step(words, one.line.amount_exact, share.copy_negate(), off.copy_negate()))
                kept[place] = replace(one, left=EXACT.subtract(one.left, off))
        if any(step.amount for step in steps):
            why = f"plan {held.plan.name} takes {discount.value:f} percent off {_scope(discount, 'all usage')}"
            lines.append(charge_line(held, owner, "discount", name, _title(discount), steps, why))
    return lines, kept


def amount_lines(held: HeldPlan, owner: str, priced: Sequence[Priced]) -> tuple[list[Line], list[Priced]]:
    """Take each amount off what is left of the lines that it is on, in their order, and never more than that."""
    lines: list[Line] = []
    kept = list(priced)
    for name, discount in _named(held, "amount"):
        agreed = held.part(discount.value) if discount.prorate else discount.value
        covered = [place for place, one in enumerate(kept) if not discount.on or _covers(discount, one)]
        off = max(min(agreed or ZERO, exact_sum(kept[place].left for place in covered)), ZERO)
        if not off:
            continue
        rest = off
        for place in covered:
            taken = max(min(rest, kept[place].left), ZERO)
            kept[place] = replace(kept[place], left=EXACT.subtract(kept[place].left, taken))
            rest = EXACT.subtract(rest, taken)
        words = f"{discount.value:f} {held.plan.currency}, as far as there is something left of it to take it off"
        why = f"plan {held.plan.name} takes an amount off {_scope(discount, 'all lines')}"
        step = Step(words, Decimal(1), None, off.copy_negate())
        lines.append(charge_line(held, owner, "discount", name, _title(discount), [step], why))
    return lines, kept


def discount_names(held: HeldPlan) -> Iterator[str]:
    """Yield the components of all discounts that are lines."""
    for kind in ("percent", "amount"):
        yield from (name for name, _ in _named(held, kind))


def usage_left(priced: Sequence[Priced]) -> Decimal:
    """Return what usage costs after discounts."""
    return exact_sum(one.left for one in priced if one.line.kind in USAGE)


def cards_of_lines(cards: Mapping[str, str], lines: Sequence[Line]) -> list[Priced]:
    """Return lines with their cards, by component, before any discount."""
    return [Priced(line, cards.get(line.component), line.amount_exact) for line in lines]


def _named(held: HeldPlan, kind: str) -> Iterator[tuple[str, Discount]]:
    """Yield the discounts of a kind with their components; equal ones are numbered."""
    seen: dict[str, int] = {}
    for discount in held.plan.discounts:
        if discount.kind == kind:
            name = component_of(held.plan.name, "discount", discount)
            seen[name] = seen.get(name, 0) + 1
            yield (name if seen[name] == 1 else f"{name}#{seen[name]}"), discount


def _covers(discount: Discount, one: Priced) -> bool:
    if one.line.kind == "base_fee":
        return discount.on_base_fee
    return one.line.kind in USAGE and discount.covers(one.card or "", one.line.meter)


def _scope(discount: Discount, default: str) -> str:
    return ", ".join(discount.on) or default


def _title(discount: Discount) -> str:
    return f"discount {discount.name}".strip()
