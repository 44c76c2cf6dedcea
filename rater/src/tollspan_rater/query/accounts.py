"""What holds for each customer: plan, prices, time zone, as known at a journal position."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import copy
from datetime import date
from functools import lru_cache
from typing import Final

import duckdb

from tollspan_rater.cost.book import CostBook
from tollspan_rater.cost.contract import Contract, parse_contract
from tollspan_rater.credit.rollover import Lot
from tollspan_rater.pricing.applied import Applied
from tollspan_rater.pricing.assignment import read_addon_assignments, read_assignments
from tollspan_rater.pricing.book import PriceBook, load
from tollspan_rater.pricing.grant import Carried
from tollspan_rater.pricing.period import Period
from tollspan_rater.pricing.segment import Segment
from tollspan_rater.pricing.subscription import Subscription
from tollspan_rater.store import state
from tollspan_rater.store.ledger import closed_periods
from tollspan_rater.store.state import LATEST, Customer, PriceVersion

COSTS_FOLDER: Final = "costs/"
Lots = Mapping[tuple[str, str], tuple[Lot, ...]]  # (plan, meter) -> what a period left of an allowance


class Accounts:
    """The customers and prices of one tenant as known at a position; ``zone`` is the last resort for days.

    ``carry`` works out what came into a period of allowances that roll over; without it nothing did. ``lots`` is
    what periods left, by customer and label, as far as that was asked.
    """

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        tenant: str,
        zone: str,
        known_at: int = LATEST,
        *,
        carry: Callable[[Accounts, str | None, Period], Carried] | None = None,
        versions: Sequence[PriceVersion] | None = None,
        only_plan: str | None = None,
    ) -> None:
        self.tenant = tenant
        self._connection = connection
        self.lots: dict[tuple[str | None, str], Lots] = {}
        self._carry = carry
        self._zone = zone
        self._known_at = known_at
        self._prices_known_at = known_at if versions is None else LATEST
        self._only_plan = only_plan
        self._customers = state.customers(connection, tenant, known_at)
        self.versions = state.price_versions(connection, tenant, known_at) if versions is None else list(versions)
        self._applied = tuple(
            Applied(book_of(tuple(sorted(one.files.items()))), one.valid_from_ns, one.position) for one in self.versions
        )
        self._subscriptions: dict[str | None, Subscription] = {}
        self._held_by: dict[str | None, tuple[object, ...]] = {}
        self._alike: dict[tuple[object, ...], Subscription] = {}
        self._within: dict[tuple[int, str], tuple[Period, ...]] = {}
        self._shared: dict[tuple[int, Period], tuple[Segment, ...]] = {}
        self._segments: dict[tuple[str | None, Period], tuple[Segment, ...]] = {}
        self._closed = closed_periods(connection, tenant)

    def supposing(self, versions: Sequence[PriceVersion], only_plan: str | None = None) -> Accounts:
        """Return the same customers as if these price versions, and no others, had been applied.

        With ``only_plan`` every customer has had that plan ever since. Nothing is written.
        """
        return Accounts(
            self._connection,
            self.tenant,
            self._zone,
            self._known_at,
            carry=self._carry,
            versions=versions,
            only_plan=only_plan,
        )

    def again(
        self, connection: duckdb.DuckDBPyConnection, carry: Callable[[Accounts, str | None, Period], Carried]
    ) -> Accounts:
        """Return the same for another question, about a state in which nothing was set or closed since.

        What customers hold is kept, also for questions at the same time; what their usage decides is not.
        """
        other = copy(self)
        other._connection, other._carry = connection, carry  # noqa: SLF001 - a copy of its own
        other.lots, other._within, other._shared, other._segments = {}, {}, {}, {}  # noqa: SLF001 - as above
        return other

    def names(self) -> list[str]:
        """Return the ids of all customers that were set."""
        return list(self._customers)

    def customer(self, name: str | None) -> Customer:
        """Return what is known of a customer, which may be nothing but its id."""
        return self._customers.get(name or "") or Customer(self.tenant, name or "")

    def subscription(self, name: str | None) -> Subscription:
        """Return what a customer holds when, and its periods."""
        found = self._subscriptions.get(name)
        if found is None:
            found = self._subscriptions.setdefault(name, self._subscribed(name))
        return found

    def divides_fees(self) -> bool:
        """Tell whether any plan divides its base fee by usage or in equal parts."""
        books = [one.book for one in self._applied]
        fees = [plan.base_fee for book in books for plan in book.plans.values()]
        fees += [one.instead.get("base_fee") for book in books for held in book.terms.values() for one in held]
        return any(fee is not None and fee.allocate != "none" for fee in fees)

    def held(self, name: str | None) -> tuple[object, ...]:
        """Return what decides on prices, as far as it is the customer's: who has the same is charged the same."""
        found = self._held_by.get(name)
        if found is None:
            customer = self.customer(name)
            found = name is None, id(self.subscription(name)), customer.phase, customer.segment
            self._held_by[name] = found
        return found

    def zone(self, name: str | None) -> str:
        """Return the time zone of a customer's days and periods: its own, else its plan's, else the default."""
        return self.subscription(name).zone

    def period(self, name: str | None, label: str) -> Period:
        """Return a customer's period by its label, e.g. ``2026-11``, or the one that begins in the labelled time.

        Raises:
            ConfigError: the label names no span of time, or not one period of this customer.
        """
        return self.subscription(name).named(label)

    def within(self, name: str | None, label: str) -> tuple[Period, ...]:
        """Return the customer's period of this label, else all that begin in the span of time that it names."""
        held = self.subscription(name)
        key = (id(held), label)
        if key not in self._within:
            self._within[key] = held.within(label)
        return self._within[key]

    def period_at(self, name: str | None, instant_ns: int) -> Period:
        """Return the customer's period that contains an instant."""
        return self.subscription(name).period_at(instant_ns)

    def periods(self, name: str | None, first_ns: int, last_ns: int) -> Iterator[Period]:
        """Yield a customer's periods from the one that contains an instant to the one that contains another."""
        return self.subscription(name).periods(first_ns, last_ns)

    def segments(self, name: str | None, of: Period) -> tuple[Segment, ...]:
        """Return the plan and price version of each part of a customer's period."""
        key = (name, of)
        found = self._segments.get(key)
        if found is None:
            carried = self._carry(self, name, of) if self._carry is not None else {}
            found = self._segments[key] = self._cut(self.subscription(name), of, carried)
        return found

    def uncarried(self, name: str | None, of: Period) -> tuple[Segment, ...]:
        """Return a period's segments without what rolls over into it."""
        return self._cut(self.subscription(name), of, {})

    def _cut(self, held: Subscription, of: Period, carried: Carried) -> tuple[Segment, ...]:
        """Cut a period; customers that hold the same have the same segments, which are computed once."""
        if carried:
            return held.segments(of, carried)
        key = (id(held), of)  # whoever holds the same shares the subscription, which lives as long as this
        if key not in self._shared:
            self._shared[key] = held.segments(of)
        return self._shared[key]

    def currency(self, name: str | None) -> str | None:
        """Return the currency of the customer's plan, None without a plan."""
        plan = self.subscription(name).plan_at(LATEST)
        return None if plan is None else plan.currency

    def cost_book(self) -> CostBook:
        """Return the provider prices: the contracts of the newest price version over the catalog."""
        files = self.versions[-1].files if self.versions else {}
        return cost_book_of(cost_files(files))

    def _subscribed(self, name: str | None) -> Subscription:
        """Return what a customer holds; those without terms of their own who hold the same share it."""
        customer = self.customer(name)
        own = customer.customer if any(customer.customer in one.book.terms for one in self._applied) else None
        held = (customer.plans, customer.zone, customer.anchor, repr(customer.addons))
        shape = (own, *held, self._closed.get(customer.customer, ()))
        if shape not in self._alike:
            zone = customer.zone or self._plans_zone(customer) or self._zone
            self._alike.setdefault(shape, self._held(customer, zone))
        return self._alike[shape]

    def _plans_zone(self, customer: Customer) -> str | None:
        """Return the time zone of the plan assigned last, in the price book that holds last."""
        plan = self._held(customer, customer.zone or self._zone).plan_at(LATEST)
        return None if plan is None else plan.zone

    def _held(self, customer: Customer, zone: str) -> Subscription:
        plans = customer.plans if self._only_plan is None else ((None, self._only_plan),)
        return Subscription(
            zone,
            self._applied,
            read_assignments([{"plan": plan, "from": day} for day, plan in plans], zone),
            self._prices_known_at,
            customer=customer.customer,
            addons=read_addon_assignments(customer.addons, zone),
            anchor=None if customer.anchor is None else date.fromisoformat(customer.anchor),
            closed=self._closed.get(customer.customer, ()),
        )


def cost_files(files: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Return the files of a pricing folder that state what we pay providers, as (path, text) by path."""
    return tuple(sorted((path, text) for path, text in files.items() if path.startswith(COSTS_FOLDER)))


def price_files(files: Mapping[str, str]) -> dict[str, str]:
    """Return the cards and plans of a pricing folder."""
    return {path: text for path, text in files.items() if not path.startswith(COSTS_FOLDER)}


@lru_cache(maxsize=64)
def book_of(files: tuple[tuple[str, str], ...]) -> PriceBook:
    """Return the price book of an applied version; it was checked when it was applied."""
    return load(price_files(dict(files)))


@lru_cache(maxsize=8)
def cost_book_of(files: tuple[tuple[str, str], ...]) -> CostBook:
    """Return the provider prices with the contracts of some files over the catalog."""
    contract = Contract()
    for path, text in files:
        contract += parse_contract(text, path)
    return CostBook(contract=contract)
