"""What can be seen with all cards of a plan at hand: meters that two cards mean differently, conversions to nowhere."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from tollspan_rater.pricing.allowance import Allowance
from tollspan_rater.pricing.card import RateCard
from tollspan_rater.pricing.card_check import check_card
from tollspan_rater.pricing.finding import Findings
from tollspan_rater.pricing.item import PriceItem
from tollspan_rater.pricing.meter import Meter
from tollspan_rater.pricing.model import Conversion, CostPlus, Percentage
from tollspan_rater.pricing.plan import Plan
from tollspan_rater.pricing.terms import Terms
from tollspan_rater.pricing.tree import below


def check_offer(plan: Plan, cards: Sequence[RateCard], beside: Iterable[RateCard], findings: Findings) -> None:
    """Note how the cards of a plan do not work together; ``beside`` are those that add-ons bring."""
    _check_meters(plan, cards, findings)
    items = [item for card in (*cards, *beside) for item in card.items]
    for card in cards:
        _check_conversions(f"plan {plan.name}", card, items, findings)
    _check_included(f"plan {plan.name}", plan.path, plan.included, items, findings)


def check_own_prices(terms: Terms, cards: Iterable[RateCard], findings: Findings) -> None:
    """Note what is wrong with a customer's own prices; ``cards`` are all that its plan may have."""
    own = terms.card
    items = [item for card in cards for item in card.items] + list(own.items if own is not None else ())
    if own is not None:
        check_card(own, findings)
        _check_conversions(f"the terms of {terms.customer}", own, items, findings)
    _check_included(f"the terms of {terms.customer}", terms.path, terms.instead.get("included", ()), items, findings)


def _check_conversions(whose: str, card: RateCard, items: Sequence[PriceItem], findings: Findings) -> None:
    for item in card.items:
        if isinstance(item.price, Conversion):
            for problem, remedy in _lost(item, item.price, items, whose):
                findings.error(item.path, item.line, problem, remedy)


def _check_included(
    whose: str, path: str, included: Iterable[Allowance], items: Sequence[PriceItem], findings: Findings
) -> None:
    for allowance in included:
        for item in items:
            if isinstance(item.price, Percentage) and item.price.by_event and below(item.meter, allowance.meter):
                problem = f"{whose} includes {allowance.meter}, whose price ({item.key}) looks at single events"
                remedy = "Give the percentage `free_amount` or `free_events` instead"
                findings.error(path, allowance.line, problem, remedy)


def _check_meters(plan: Plan, cards: Sequence[RateCard], findings: Findings) -> None:
    known: dict[str, tuple[Meter, str]] = {}
    for card in cards:
        for name, meter in card.declared.items():
            first, where = known.setdefault(name, (meter, card.name))
            if first != meter:
                problem = f"cards {where} and {card.name} of plan {plan.name} aggregate {name} differently"
                findings.error(card.path, card.line, problem, f"Declare {name} alike in both")


def _lost(item: PriceItem, conversion: Conversion, items: Sequence[PriceItem], whose: str) -> Iterator[tuple[str, str]]:
    """Yield why converted units would not find a price."""
    targets = [one for one in items if one.meter == conversion.to]
    if not targets:
        problem = f"{item.meter} is converted to {conversion.to}, which no card of {whose} prices"
        yield problem, f"Add an entry like `{conversion.to}: 0.01`"
    for target in targets:
        if isinstance(target.price, Conversion):
            problem = f"{item.meter} is converted to {conversion.to}, which {target.key} converts again"
            yield problem, f"Convert {item.meter} to {target.price.to} at once"
        elif target.sampled or isinstance(target.price, CostPlus):
            problem = f"{item.meter} is converted to {conversion.to}, whose price ({target.key}) needs more than a sum"
            yield problem, f"Give {conversion.to} a price that follows its sum"
