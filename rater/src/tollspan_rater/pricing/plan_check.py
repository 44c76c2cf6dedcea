"""What can only be seen of plans, add-ons and terms with all documents at hand."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from difflib import get_close_matches
from typing import Any, Final, Protocol

from tollspan_rater.domain.money import exact_sum
from tollspan_rater.pricing.addon import Addon
from tollspan_rater.pricing.bound import Bound
from tollspan_rater.pricing.card import RateCard
from tollspan_rater.pricing.discount import BASE_FEE, CARD, Discount
from tollspan_rater.pricing.finding import Findings
from tollspan_rater.pricing.plan import Plan
from tollspan_rater.pricing.terms import Terms
from tollspan_rater.pricing.tree import below

ALL: Final = Decimal(100)
Priced = tuple[str, str]  # a card and a meter that it prices


class Documents(Protocol):
    """All documents of a pricing folder, by name."""

    @property
    def cards(self) -> Mapping[str, RateCard]:
        """The rate cards."""
        ...

    @property
    def plans(self) -> Mapping[str, Plan]:
        """The plans."""
        ...

    @property
    def addons(self) -> Mapping[str, Addon]:
        """The add-ons."""
        ...

    @property
    def terms(self) -> Mapping[str, tuple[Terms, ...]]:
        """The terms by customer."""
        ...


@dataclass(frozen=True, slots=True)
class Stated:
    """What a plan, or one customer's terms, say of discounts and bounds, and what they may be on."""

    what: str
    path: str
    discounts: Sequence[Discount]
    minimum: Bound | None
    maximum: Bound | None
    priced: Collection[Priced]


def check_plans(book: Documents, findings: Findings) -> None:
    """Note discounts that are on nothing or above everything, bounds that cross, add-ons that fit no plan."""
    for stated in (*_of_plans(book), *_of_terms(book)):
        _check_bounds(stated, findings)
        _check_words(stated, findings)
        _check_percents(stated, findings)
    for addon in book.addons.values():
        _check_cards(addon, book.cards, findings)
        _check_included(addon, book, findings)


def _of_plans(book: Documents) -> Iterator[Stated]:
    beside = [name for addon in book.addons.values() for name in addon.cards]
    for plan in book.plans.values():
        priced = _priced(book.cards, [*plan.cards, *beside])
        yield Stated(f"plan {plan.name}", plan.path, plan.discounts, plan.minimum, plan.maximum, priced)


def _of_terms(book: Documents) -> Iterator[Stated]:
    """Yield what customers' terms state, which may be on anything that any card prices."""
    everywhere = _priced(book.cards, book.cards)
    for terms in (one for each in book.terms.values() for one in each):
        said: Mapping[str, Any] = terms.instead
        own = [] if terms.card is None else [(terms.card.name, item.meter) for item in terms.card.items]
        discounts, bounds = said.get("discounts", ()), (said.get("minimum"), said.get("maximum"))
        yield Stated(f"terms of {terms.customer}", terms.path, discounts, *bounds, {*everywhere, *own})


def _priced(cards: Mapping[str, RateCard], names: Collection[str]) -> set[Priced]:
    return {(name, item.meter) for name in names if name in cards for item in cards[name].items}


def _check_bounds(stated: Stated, findings: Findings) -> None:
    least, most = stated.minimum, stated.maximum
    if least is not None and most is not None and least.amount > most.amount:
        problem = f"{stated.what} has a minimum of {least.amount:f} above its maximum of {most.amount:f}"
        findings.error(stated.path, least.line, problem, "Lower the minimum, or raise the maximum")


def _check_words(stated: Stated, findings: Findings) -> None:
    cards, meters = {CARD + card for card, _ in stated.priced}, {meter for _, meter in stated.priced}
    for discount in stated.discounts:
        for word in discount.on:
            if word in {BASE_FEE, *cards} or any(below(meter, word) for meter in meters):
                continue
            problem = f"a discount of {stated.what} is on {word!r}, which is no meter or card that it prices"
            known = sorted({BASE_FEE, *cards, *meters})
            near = get_close_matches(word, known, 1)
            remedy = f"Did you mean {near[0]}?" if near else f"Write one of: {', '.join(known)}"
            findings.error(stated.path, discount.line, problem, remedy)


def _check_percents(stated: Stated, findings: Findings) -> None:
    """Note discounts that together take off more than everything; percents do not compound."""
    percents = [discount for discount in stated.discounts if discount.kind == "percent"]
    covering = [[one for one in percents if one.covers(*place)] for place in stated.priced]
    covering.append([one for one in percents if one.on_base_fee])
    for together in covering:
        total = exact_sum(one.value for one in together)
        if total > ALL and len(together) > 1:
            problem = f"discounts of {stated.what} on the same usage add up to {total:f} percent"
            findings.error(stated.path, together[-1].line, problem, "Lower them to 100 or less together")
            return


def _check_cards(addon: Addon, cards: Mapping[str, RateCard], findings: Findings) -> None:
    for name in addon.cards:
        card = cards.get(name)
        if card is None:
            known = ", ".join(sorted(cards)) or "none"
            problem = f"add-on {addon.name} names card {name!r}"
            findings.error(addon.path, addon.line, problem, f"Known cards: {known}")
        elif card.currency != addon.currency:
            problem = f"add-on {addon.name} is in {addon.currency}, its card {name} in {card.currency}"
            findings.error(addon.path, addon.line, problem, "Use one currency for an add-on and its cards")


def _check_included(addon: Addon, book: Documents, findings: Findings) -> None:
    plans = [plan for plan in book.plans.values() if plan.currency == addon.currency]
    names = {name for plan in plans for name in plan.cards} | set(addon.cards)
    meters = {meter for _, meter in _priced(book.cards, names)}
    for allowance in addon.included:
        if plans and not any(below(meter, allowance.meter) for meter in meters):
            problem = (
                f"add-on {addon.name} includes {allowance.meter}, which no card of a plan in {addon.currency} prices"
            )
            remedy = f"Price {allowance.meter} or a part of it, or include one of: {', '.join(sorted(meters))}"
            findings.error(addon.path, allowance.line, problem, remedy)
        for plan in plans:
            for own in plan.included:
                if own.meter != allowance.meter and _overlap(own.meter, allowance.meter):
                    problem = f"plan {plan.name} includes {own.meter}, add-on {addon.name} {allowance.meter}"
                    remedy = f"These are the same units: include {own.meter} in the add-on, too"
                    findings.error(addon.path, allowance.line, problem, remedy)


def _overlap(one: str, other: str) -> bool:
    return below(one, other) or below(other, one)
