"""What can only be seen with all cards and plans at hand: ambiguity, missing cards, cliffs."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from tollspan_rater.pricing.card import RateCard
from tollspan_rater.pricing.card_check import check_card
from tollspan_rater.pricing.finding import Findings
from tollspan_rater.pricing.model import Conversion
from tollspan_rater.pricing.offer_check import check_offer, check_own_prices
from tollspan_rater.pricing.plan import Plan
from tollspan_rater.pricing.terms import Terms
from tollspan_rater.pricing.tree import below


def check_book(
    cards: Mapping[str, RateCard],
    plans: Mapping[str, Plan],
    findings: Findings,
    *,
    of_addons: Collection[str] = (),
    terms: Iterable[Terms] = (),
) -> None:
    """Note what is wrong or surprising across documents; ``of_addons`` are the cards that add-ons use."""
    for card in cards.values():
        check_card(card, findings)
    for plan in plans.values():
        _check_cards(plan, cards, findings)
        _check_allowances(plan, cards, findings)
        offered = [cards[name] for name in plan.cards if name in cards]
        check_offer(plan, offered, [cards[name] for name in of_addons if name in cards], findings)
    for one in terms:
        check_own_prices(one, cards.values(), findings)
    used = {*of_addons, *(name for plan in plans.values() for name in plan.cards)}
    for card in cards.values():
        if card.name not in used and plans:
            remedy = "Add it to the `cards:` of a plan, or delete it"
            findings.warning(card.path, card.line, f"no plan uses card {card.name}", remedy)


def _check_cards(plan: Plan, cards: Mapping[str, RateCard], findings: Findings) -> None:
    for name in plan.cards:
        card = cards.get(name)
        if card is None:
            known = ", ".join(sorted(cards)) or "none"
            findings.error(plan.path, plan.line, f"plan {plan.name} names card {name!r}", f"Known cards: {known}")
        elif card.currency != plan.currency:
            problem = f"plan {plan.name} is in {plan.currency}, its card {name} in {card.currency}"
            findings.error(plan.path, plan.line, problem, "Use one currency for a plan and its cards")


def _check_allowances(plan: Plan, cards: Mapping[str, RateCard], findings: Findings) -> None:
    priced = {
        item.meter
        for name in plan.cards
        if name in cards
        for item in cards[name].items
        if not isinstance(item.price, Conversion)
    }
    for allowance in plan.included:
        if not any(below(meter, allowance.meter) for meter in priced):
            problem = f"plan {plan.name} includes {allowance.meter}, which none of its cards prices"
            remedy = f"Price {allowance.meter} or a part of it, or include one of: {', '.join(sorted(priced))}"
            findings.error(plan.path, allowance.line, problem, remedy)
