"""What can be seen with all cards of a plan at hand: meters that two cards mean differently, conversions to nowhere."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from tollspan_rater.pricing.card import RateCard
from tollspan_rater.pricing.finding import Findings
from tollspan_rater.pricing.item import PriceItem
from tollspan_rater.pricing.meter import Meter
from tollspan_rater.pricing.model import Conversion, CostPlus, Percentage
from tollspan_rater.pricing.plan import Plan
from tollspan_rater.pricing.tree import below


def check_offer(plan: Plan, cards: Sequence[RateCard], beside: Iterable[RateCard], findings: Findings) -> None:
    """Note how the cards of a plan do not work together; ``beside`` are those that add-ons bring."""
    _check_meters(plan, cards, findings)
    items = [item for card in (*cards, *beside) for item in card.items]
    for card in cards:
        for item in card.items:
            if isinstance(item.price, Conversion):
                for problem, remedy in _lost(item, item.price, items, plan):
                    findings.error(item.path, item.line, problem, remedy)
    for allowance in plan.included:
        for item in items:
            if isinstance(item.price, Percentage) and item.price.by_event and below(item.meter, allowance.meter):
                problem = (
                    f"plan {plan.name} includes {allowance.meter}, whose price ({item.key}) looks at single events"
                )
                remedy = "Give the percentage `free_amount` or `free_events` instead"
                findings.error(plan.path, allowance.line, problem, remedy)


def _check_meters(plan: Plan, cards: Sequence[RateCard], findings: Findings) -> None:
    known: dict[str, tuple[Meter, str]] = {}
    for card in cards:
        for name, meter in card.declared.items():
            first, where = known.setdefault(name, (meter, card.name))
            if first != meter:
                problem = f"cards {where} and {card.name} of plan {plan.name} aggregate {name} differently"
                findings.error(card.path, card.line, problem, f"Declare {name} alike in both")


def _lost(item: PriceItem, conversion: Conversion, items: Sequence[PriceItem], plan: Plan) -> Iterator[tuple[str, str]]:
    """Yield why converted units would not find a price."""
    targets = [one for one in items if one.meter == conversion.to]
    if not targets:
        problem = f"{item.meter} is converted to {conversion.to}, which no card of plan {plan.name} prices"
        yield problem, f"Add an entry like `{conversion.to}: 0.01`"
    for target in targets:
        if isinstance(target.price, Conversion):
            problem = f"{item.meter} is converted to {conversion.to}, which {target.key} converts again"
            yield problem, f"Convert {item.meter} to {target.price.to} at once"
        elif target.sampled or isinstance(target.price, CostPlus):
            problem = f"{item.meter} is converted to {conversion.to}, whose price ({target.key}) needs more than a sum"
            yield problem, f"Give {conversion.to} a price that follows its sum"
