"""Segments: the parts of a period in which nothing changes that prices depend on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from tollspan_rater.pricing.addon import Held
from tollspan_rater.pricing.allowance import Allowance
from tollspan_rater.pricing.card import RateCard
from tollspan_rater.pricing.discount import Discount
from tollspan_rater.pricing.plan import Plan

NO_PLAN: Final = "no plan"
NO_PRICES: Final = "no prices"
UNKNOWN_PLAN: Final = "unknown plan"


@dataclass(frozen=True, slots=True)
class Segment:
    """A half-open span of a period in which one plan at one price version holds.

    ``plan`` is the plan as it is for this customer in this period: with its own terms, without discounts that
    have ended. ``cards`` are asked in order: the customer's own prices, the plan's cards, those of add-ons.
    Without a plan ``problem`` says why: ``no plan`` is assigned, ``no prices`` are applied, or an ``unknown
    plan`` is named that the price book of that time does not have. ``phase`` is ``trial`` while the plan is on
    trial. ``included`` are the allowances of the whole period, with what add-ons and earlier periods bring,
    ``free_units`` its discounts in units; both are equal in all segments of a plan. ``notes`` say what was
    assigned and cannot hold.
    """

    start_ns: int
    end_ns: int
    plan: Plan | None
    cards: tuple[RateCard, ...] = ()
    version: str | None = None
    problem: str | None = None
    phase: str | None = None
    addons: tuple[Held, ...] = ()
    included: tuple[Allowance, ...] = ()
    free_units: tuple[Discount, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def length_ns(self) -> int:
        """Return how long the segment is."""
        return self.end_ns - self.start_ns
