"""Subscriptions: what one customer holds when, and the periods that follow from it."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cached_property
from itertools import pairwise
from typing import Final

from tollspan_rater.errors import ConfigError
from tollspan_rater.pricing.addon import Held
from tollspan_rater.pricing.applied import Applied, book_at
from tollspan_rater.pricing.assignment import AddonAssignment, Assignment, addons_at, first_held, plan_at
from tollspan_rater.pricing.book import PriceBook
from tollspan_rater.pricing.card import RateCard
from tollspan_rater.pricing.closed_time import beside
from tollspan_rater.pricing.cycle import FIRST_DAY, Cycle
from tollspan_rater.pricing.discount import Discount
from tollspan_rater.pricing.grant import Carried, with_allowances
from tollspan_rater.pricing.period import Period, local_day, midnight, period, period_at
from tollspan_rater.pricing.plan import Plan
from tollspan_rater.pricing.segment import NO_PLAN, NO_PRICES, UNKNOWN_PLAN, Segment
from tollspan_rater.pricing.terms import Terms
from tollspan_rater.pricing.trial import TRIAL

SHOWN: Final = 6  # labels in a message


@dataclass(frozen=True, slots=True)
class Regime:
    """From ``from_ns`` on periods follow each other by ``cycle``."""

    from_ns: int
    cycle: Cycle


@dataclass(frozen=True)
class Subscription:
    """What a customer holds over time, as known at a journal position.

    ``anchor`` is a day on which one of its periods begins, whatever its plans say. ``zone`` is that of its days.
    ``closed`` are the periods that were closed, in the order of time; they stay.
    """

    zone: str
    applied: tuple[Applied, ...]
    assignments: tuple[Assignment, ...]
    known_at: int
    customer: str = ""
    addons: tuple[AddonAssignment, ...] = ()
    anchor: date | None = None
    closed: tuple[Period, ...] = ()

    @cached_property
    def regimes(self) -> tuple[Regime, ...]:
        """Return the cycles that the customer's plans ask for, each from an instant on; the first holds before, too.

        A plan that is billed like the one before it goes on with its periods.
        """
        found: list[Regime] = []
        asked = None
        for instant in sorted(self._changes()):
            plan = self.plan_at(instant)
            if plan is not None and (plan.every, plan.anchor) != asked:
                asked = (plan.every, plan.anchor)
                found.append(Regime(instant, Cycle(plan.every, self._anchor(plan, instant))))
        return tuple(found) or (Regime(0, Cycle(anchor=self.anchor)),)

    def period_at(self, instant_ns: int) -> Period:
        """Return the period that contains an instant; a change to other periods cuts the running one short."""
        return beside(self.closed, self._by_plan(instant_ns), instant_ns)

    def _by_plan(self, instant_ns: int) -> Period:
        number = max(bisect_right(self.regimes, instant_ns, key=lambda regime: regime.from_ns) - 1, 0)
        whole = period_at(self.regimes[number].cycle, instant_ns, self.zone)
        start, end = whole.start_ns, whole.end_ns
        if number:
            start = max(start, self.regimes[number].from_ns)
        if number + 1 < len(self.regimes):
            end = min(end, self.regimes[number + 1].from_ns)
        if (start, end) == (whole.start_ns, whole.end_ns):
            return whole
        label = whole.label if start == whole.start_ns else local_day(start, self.zone).isoformat()
        return Period(start, end, label, self.zone, whole.whole_ns)

    def periods(self, first_ns: int, last_ns: int) -> Iterator[Period]:
        """Yield the periods from the one that contains an instant to the one that contains another."""
        at = self.period_at(first_ns)
        yield at
        while last_ns >= at.end_ns:
            at = self.period_at(at.end_ns)
            yield at

    def within(self, label: str) -> tuple[Period, ...]:
        """Return the period of this label, else those that begin in the span of time that it names.

        Raises:
            ConfigError: for a label that names no span of time.
        """
        asked = period(label, self.zone)
        first = self.period_at(asked.start_ns)
        if first.label == label:
            return (first,)
        return tuple(one for one in self.periods(asked.start_ns, asked.end_ns - 1) if one.start_ns in asked)

    def named(self, label: str) -> Period:
        """Return the one period that a label names.

        Raises:
            ConfigError: none or several periods begin in the span of time that it names.
        """
        found = self.within(label)
        if len(found) == 1:
            return found[0]
        near = found or tuple(self.periods(period(label, self.zone).start_ns, period(label, self.zone).end_ns - 1))
        known = ", ".join(one.label for one in near[:SHOWN]) + (", ..." if len(near) > SHOWN else "")
        raise ConfigError("period", label, "the question", f"its periods are {known}")

    def plan_at(self, instant_ns: int) -> Plan | None:
        """Return the plan in force at an instant, with the customer's own terms."""
        book, name = self.book_at(instant_ns), plan_at(self.assignments, instant_ns)
        plan = None if book is None or name is None else book.plans.get(name)
        if book is None or plan is None:
            return None
        terms = self._terms_at(book, instant_ns)
        return plan if terms is None else terms.of(plan)

    def book_at(self, instant_ns: int) -> PriceBook | None:
        """Return the price book in force at an instant."""
        return book_at(self.applied, instant_ns, self.known_at)

    def first_held(self, plan: str) -> int:
        """Return the instant at which a plan was taken for the first time; 0 is since ever."""
        return first_held(self.assignments, plan)

    def segments(self, of: Period, carried: Carried | None = None) -> tuple[Segment, ...]:
        """Cut a period where plan, prices, terms, add-ons or a trial change; the segments cover it without a gap.

        ``carried`` is what earlier periods left of allowances, by plan and meter.
        """
        cuts = sorted({of.start_ns, of.end_ns} | {at for at in self._changes() | self._ends() if at in of})
        found: list[Segment] = []
        for start, end in pairwise(cuts):
            segment = self._segment(of, start, end)
            if found and replace(found[-1], end_ns=end) == replace(segment, start_ns=found[-1].start_ns):
                found[-1] = replace(found[-1], end_ns=end)
            else:
                found.append(segment)
        return with_allowances(of, found, carried or {})

    def _segment(self, of: Period, start_ns: int, end_ns: int) -> Segment:
        book, name = self.book_at(start_ns), plan_at(self.assignments, start_ns)
        version = book.version if book else None
        plan = self.plan_at(start_ns)
        if book is None or name is None or plan is None:
            problem = NO_PLAN if name is None else NO_PRICES if book is None else UNKNOWN_PLAN
            return Segment(start_ns, end_ns, None, version=version, problem=problem)
        held, notes = self._addons_at(book, plan, start_ns)
        terms = self._terms_at(book, start_ns)
        own = (terms.card,) if terms is not None and terms.card is not None else ()
        cards: list[RateCard] = [*own, *book.cards_of(plan)]
        for one in held:
            cards.extend(card for card in book.cards_of(one.addon) if card not in cards)
        return Segment(
            start_ns=start_ns,
            end_ns=end_ns,
            plan=self._without_ended(plan, of),
            cards=tuple(cards),
            version=version,
            phase=TRIAL if start_ns < self._trial_end(plan) else None,
            addons=held,
            notes=notes,
        )

    def _addons_at(self, book: PriceBook, plan: Plan, instant_ns: int) -> tuple[tuple[Held, ...], tuple[str, ...]]:
        held, notes = [], []
        for name, quantity in addons_at(self.addons, instant_ns).items():
            addon = book.addons.get(name)
            if addon is None:
                notes.append(f"add-on {name} is held, but the price book has none of this name")
            elif addon.currency != plan.currency:
                notes.append(f"add-on {name} is in {addon.currency}, plan {plan.name} in {plan.currency}: not billed")
            else:
                held.append(Held(addon, quantity))
        return tuple(held), tuple(notes)

    def _terms_at(self, book: PriceBook, instant_ns: int) -> Terms | None:
        """Return the customer's own terms in force: of several those that hold from latest."""
        held = [one for one in book.terms.get(self.customer, ()) if self._since(one) <= instant_ns]
        return max(held, key=self._since, default=None)

    def _since(self, terms: Terms) -> int:
        return 0 if terms.since is None else midnight(terms.since, self.zone)

    def _changes(self) -> set[int]:
        """Return the instants at which another plan, book or other terms may begin to hold."""
        known = [one for one in self.applied if one.position <= self.known_at]
        terms = {self._since(one) for each in known for one in each.book.terms.get(self.customer, ())}
        return {one.from_ns for one in self.assignments} | {one.valid_from_ns for one in known} | terms

    def _ends(self) -> set[int]:
        """Return the instants at which add-ons begin or end, and trials end."""
        addons = {at for one in self.addons for at in (one.from_ns, one.to_ns) if at is not None}
        plans = (self.plan_at(instant) for instant in self._changes())
        return addons | {self._trial_end(plan) for plan in plans if plan is not None}

    def _trial_end(self, plan: Plan) -> int:
        """Return the instant at which a customer's trial of a plan ends; one that began since ever is over."""
        begun = self.first_held(plan.name)
        if plan.trial is None or not begun:
            return 0
        return midnight(local_day(begun, self.zone) + timedelta(days=plan.trial.days), self.zone)

    def _without_ended(self, plan: Plan, of: Period) -> Plan:
        """Return a plan without the discounts that no longer hold in a period."""
        if all(discount.periods is None for discount in plan.discounts):
            return plan
        return replace(plan, discounts=tuple(one for one in plan.discounts if self._holds(one, plan, of)))

    def _holds(self, discount: Discount, plan: Plan, of: Period) -> bool:
        """Tell whether a period is among the first ones of a plan for which a discount holds."""
        begun = self.first_held(plan.name)
        if discount.periods is None or not begun:
            return discount.periods is None
        at = self.period_at(begun)
        for _ in range(discount.periods):
            if of.start_ns <= at.start_ns:
                return True
            at = self.period_at(at.end_ns)
        return False

    def _anchor(self, plan: Plan, instant_ns: int) -> date | None:
        if self.anchor is not None or plan.anchor == "calendar":
            return self.anchor
        begun = max((one.from_ns for one in self.assignments if one.from_ns <= instant_ns), default=0)
        return local_day(begun, self.zone) if begun else FIRST_DAY
