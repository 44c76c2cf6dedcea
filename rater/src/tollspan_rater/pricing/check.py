"""What can only be seen with all cards and plans at hand: ambiguity, missing cards, cliffs."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations, pairwise

from tollspan_rater.domain.money import EXACT
from tollspan_rater.pricing.card import RateCard
from tollspan_rater.pricing.finding import Findings
from tollspan_rater.pricing.item import PriceItem
from tollspan_rater.pricing.match import rivals
from tollspan_rater.pricing.model import Tier, Volume, shortest
from tollspan_rater.pricing.pattern import can_meet
from tollspan_rater.pricing.plan import Plan
from tollspan_rater.pricing.tree import below


def check_book(cards: Mapping[str, RateCard], plans: Mapping[str, Plan], findings: Findings) -> None:
    """Note what is wrong or surprising across documents."""
    for card in cards.values():
        _check_ambiguity(card, findings)
        for item in card.items:
            if isinstance(item.price, Volume):
                _check_cliffs(item, item.price.tiers, findings)
    for plan in plans.values():
        _check_cards(plan, cards, findings)
        _check_allowances(plan, cards, findings)
    used = {name for plan in plans.values() for name in plan.cards}
    for card in cards.values():
        if card.name not in used and plans:
            remedy = "Add it to the `cards:` of a plan, or delete it"
            findings.warning(card.path, card.line, f"no plan uses card {card.name}", remedy)


def _check_ambiguity(card: RateCard, findings: Findings) -> None:
    alike: dict[tuple[object, ...], list[PriceItem]] = {}
    for item in card.items:
        alike.setdefault((item.meter, *item.rank[:3]), []).append(item)
    for items in alike.values():
        for one, other in combinations(items, 2):
            if (
                can_meet(one.model, other.model)
                and can_meet(one.provider, other.provider)
                and rivals(one.match, other.match)
            ):
                problem = f"ambiguous: {other.key} and {one.key} (line {one.line}) fit the same usage equally well"
                remedy = "Make one of the patterns more specific, or give it a `priority:`"
                findings.error(other.path, other.line, problem, remedy)


def _check_cliffs(item: PriceItem, tiers: tuple[Tier, ...], findings: Findings) -> None:
    """Warn where one more unit lowers the whole bill of a volume price."""
    for lower, upper in pairwise(tiers):
        if lower.up_to is None:
            continue
        before = EXACT.add(EXACT.multiply(lower.up_to, lower.unit_price), lower.flat)
        after = EXACT.add(EXACT.multiply(lower.up_to, upper.unit_price), upper.flat)
        if after < before:
            fall = f"from {shortest(before):f} to {shortest(after):f}"
            problem = f"volume cliff of {item.key}: at {lower.up_to} units the bill falls {fall}"
            findings.warning(item.path, item.line, problem, "Take `graduated` if using more should never cost less")


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
    priced = {item.meter for name in plan.cards if name in cards for item in cards[name].items}
    for allowance in plan.included:
        if not any(below(meter, allowance.meter) for meter in priced):
            problem = f"plan {plan.name} includes {allowance.meter}, which none of its cards prices"
            remedy = f"Price {allowance.meter} or a part of it, or include one of: {', '.join(sorted(priced))}"
            findings.error(plan.path, allowance.line, problem, remedy)
