"""What holds for each customer: plan, prices, time zone, as known at a journal position."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Final

import duckdb

from tollspan_rater.cost.book import CostBook
from tollspan_rater.cost.contract import Contract, parse_contract
from tollspan_rater.pricing.book import PriceBook, load
from tollspan_rater.pricing.period import Period, month_of, period
from tollspan_rater.pricing.plan import Plan
from tollspan_rater.pricing.timeline import Applied, Assignment, Segment, book_at, plan_at, read_assignments, segments
from tollspan_rater.store import state
from tollspan_rater.store.state import LATEST, Customer, PriceVersion

COSTS_FOLDER: Final = "costs/"


class Accounts:
    """The customers and prices of one tenant as known at a position; ``zone`` is the last resort for days."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        tenant: str,
        zone: str,
        known_at: int = LATEST,
        *,
        versions: Sequence[PriceVersion] | None = None,
        only_plan: str | None = None,
    ) -> None:
        self.tenant = tenant
        self._connection = connection
        self._zone = zone
        self._known_at = known_at
        self._prices_known_at = known_at if versions is None else LATEST
        self._only_plan = only_plan
        self._customers = state.customers(connection, tenant, known_at)
        self.versions = state.price_versions(connection, tenant, known_at) if versions is None else list(versions)
        self._applied = tuple(
            Applied(book_of(tuple(sorted(one.files.items()))), one.valid_from_ns, one.position) for one in self.versions
        )
        self._zones: dict[str, str] = {}
        self._segments: dict[tuple[str | None, str, str], tuple[Segment, ...]] = {}

    def supposing(self, versions: Sequence[PriceVersion], only_plan: str | None = None) -> Accounts:
        """Return the same customers as if these price versions, and no others, had been applied.

        With ``only_plan`` every customer has had that plan ever since. Nothing is written.
        """
        return Accounts(
            self._connection, self.tenant, self._zone, self._known_at, versions=versions, only_plan=only_plan
        )

    def names(self) -> list[str]:
        """Return the ids of all customers that were set."""
        return list(self._customers)

    def customer(self, name: str | None) -> Customer:
        """Return what is known of a customer, which may be nothing but its id."""
        return self._customers.get(name or "") or Customer(self.tenant, name or "")

    def zone(self, name: str | None) -> str:
        """Return the time zone of a customer's days and periods: its own, else its plan's, else the default."""
        key = name or ""
        found = self._zones.get(key)
        if found is None:
            plan = self._plan_ever(name)
            found = self._zones[key] = self.customer(name).zone or (plan and plan.zone) or self._zone
        return found

    def period(self, name: str | None, label: str) -> Period:
        """Return a customer's period by its label, e.g. ``2026-11``."""
        return period(label, self.zone(name))

    def period_at(self, name: str | None, instant_ns: int) -> Period:
        """Return the customer's period that contains an instant."""
        return month_of(instant_ns, self.zone(name))

    def periods(self, name: str | None, first_ns: int, last_ns: int) -> Iterator[Period]:
        """Yield a customer's periods from the one that contains an instant to the one that contains another."""
        period = self.period_at(name, first_ns)
        yield period
        while last_ns >= period.end_ns:
            period = self.period_at(name, period.end_ns)
            yield period

    def segments(self, name: str | None, of: Period) -> tuple[Segment, ...]:
        """Return the plan and price version of each part of a customer's period."""
        key = (name, of.label, of.zone)
        found = self._segments.get(key)
        if found is None:
            found = segments(of, self._applied, self._assignments(name, self.zone(name)), self._prices_known_at)
            self._segments[key] = found
        return found

    def currency(self, name: str | None) -> str | None:
        """Return the currency of the customer's plan, None without a plan."""
        plan = self._plan_ever(name)
        return None if plan is None else plan.currency

    def cost_book(self) -> CostBook:
        """Return the provider prices: the contracts of the newest price version over the catalog."""
        files = self.versions[-1].files if self.versions else {}
        return cost_book_of(cost_files(files))

    def _assignments(self, name: str | None, zone: str) -> tuple[Assignment, ...]:
        if self._only_plan is not None:
            return (Assignment(self._only_plan, 0),)
        customer = self.customer(name)
        entries = [{"plan": plan, "from": day} for day, plan in customer.plans]
        return read_assignments(entries, zone)

    def _plan_ever(self, name: str | None) -> Plan | None:
        """Return the plan assigned last, in the price book that holds last."""
        assigned = self._assignments(name, self.customer(name).zone or self._zone)
        plan_name, book = plan_at(assigned, LATEST), book_at(self._applied, LATEST, self._prices_known_at)
        return None if plan_name is None or book is None else book.plans.get(plan_name)


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
