"""The price book: the user's contract over our corrections over the catalog, and what holds at an instant."""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import astuple, replace
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from typing import Final

from tollspan_rater.cost.catalog import Catalog, Listed
from tollspan_rater.cost.contract import Contract, Discount
from tollspan_rater.cost.corrections import CORRECTIONS, Entry
from tollspan_rater.cost.formula import Cost, Quantities, cost
from tollspan_rater.cost.names import model_name, provider_name, tier_name
from tollspan_rater.cost.rates import MeterRate, RateRow, Rates, Unknown, second_of_day
from tollspan_rater.domain.clock import from_ns, to_ns
from tollspan_rater.domain.money import EXACT

DIGEST_LENGTH: Final = 16


class _Shelf:
    """The part of the book that speaks of one provider and model, in order of precedence."""

    def __init__(
        self, entries: Sequence[Entry], discounts: Sequence[Discount], listed: Listed | Unknown, first_list: int
    ) -> None:
        self.entries = entries
        self.discounts = discounts
        self.listed = listed
        self.first_list = first_list  # index of the first entry that a discount is taken off
        rows = [row for entry in entries for row in entry]
        limited: list[RateRow | Discount] = [*rows, *discounts]
        instants = {at for item in limited for at in (item.valid_from, item.valid_to) if at is not None}
        self.boundaries = tuple(sorted(instants))
        self.weekly = any(row.weekdays is not None for row in rows)
        self.edges = tuple(sorted({second for row in rows if row.window for second in row.window}))
        self.thresholds = tuple(sorted({row.threshold for row in rows if row.threshold}))
        self.known: dict[tuple[str, int, int, int], Rates | Unknown] = {}

    def moment(self, at_ns: int) -> tuple[int, int, int]:
        """Return what of an instant decides on rates: the period, the weekday, the part of the day."""
        return (
            bisect_right(self.boundaries, at_ns),
            from_ns(at_ns).weekday() if self.weekly else 0,
            bisect_right(self.edges, second_of_day(at_ns)) if self.edges else 0,
        )


class CostBook:
    """What providers charge, layered: negotiated rates, corrections, the catalog (less a discount), unknown.

    A book never changes; another contract or catalog version makes another book with another ``version``.
    It compiles a model at the first question about it and remembers the answer.
    """

    def __init__(
        self,
        catalog: Catalog | None = None,
        contract: Contract | None = None,
        corrections: tuple[Entry, ...] = CORRECTIONS,
    ) -> None:
        self._catalog = catalog or Catalog()
        self._contract = contract or Contract()
        self._corrections = corrections
        self._shelves: dict[tuple[str, str], _Shelf] = {}

    @cached_property
    def version(self) -> str:
        """The book's name: ``cb_`` and a digest of the catalog's version and of everything that stands above it."""
        digest = hashlib.sha256(self._catalog.source.version.encode())
        for part in (self._contract.entries, self._contract.discounts, self._corrections):
            digest.update(repr([_plain(item) for item in part]).encode())
        return f"cb_{digest.hexdigest()[:DIGEST_LENGTH]}"

    def rates(
        self, provider: str | None, model: str | None, at: int | datetime, tier: str | None = None
    ) -> Rates | Unknown:
        """Return all rates of a model at an instant (nanoseconds or an aware datetime) for a service tier.

        ``provider`` is a name as spans carry it. Unknown when the book has no price at all.
        """
        at_ns = to_ns(at) if isinstance(at, datetime) else at
        tier = tier_name(tier)
        shelf = self._shelf(provider, model)
        key = (tier, *shelf.moment(at_ns))
        if key not in shelf.known:
            shelf.known[key] = self._resolve(shelf, at_ns, tier)
        return shelf.known[key]

    def cost(
        self, provider: str | None, model: str | None, at: int | datetime, used: Quantities, tier: str | None = None
    ) -> Cost | Unknown:
        """Price the quantities of one call."""
        rates = self.rates(provider, model, at, tier)
        return rates if isinstance(rates, Unknown) else cost(used, rates)

    def thresholds(self, provider: str | None, model: str | None) -> tuple[int, ...]:
        """Return the totals of input that part a model's usage into buckets, over all times and tiers."""
        return self._shelf(provider, model).thresholds

    def boundaries(self, provider: str | None, model: str | None) -> tuple[int, ...] | None:
        """Return the instants (ns) at which rates may change; None when they also change within a day or week.

        Usage of one bucket, tier and period between boundaries may be added up before it is priced, if the
        rates are linear.
        """
        shelf = self._shelf(provider, model)
        return None if shelf.weekly or shelf.edges else shelf.boundaries

    def _shelf(self, provider: str | None, model: str | None) -> _Shelf:
        key = (provider or "", model or "")
        if key not in self._shelves:
            catalog_provider = provider_name(provider)
            asked = model_name(catalog_provider, model)
            listed = self._catalog.listed(catalog_provider, asked)
            spoken = [(catalog_provider, asked)]
            listed_entries: list[Entry] = []
            if isinstance(listed, Listed):
                spoken.append((listed.provider, listed.model))
                listed_entries = [*_naming(self._corrections, [(listed.owner, listed.model)]), listed.rows]
            contract = _naming(self._contract.entries, spoken)
            discounts = [one for one in self._contract.discounts if any(one.names(*names) for names in spoken)]
            entries = [*contract, *listed_entries]
            self._shelves[key] = _Shelf(entries, discounts, listed, len(contract))
        return self._shelves[key]

    def _resolve(self, shelf: _Shelf, at_ns: int, tier: str) -> Rates | Unknown:
        meters: dict[str, MeterRate] = {}
        discount = next((discount for discount in shelf.discounts if discount.holds(at_ns)), None)
        for index, entry in enumerate(shelf.entries):
            active = [row for row in entry if row.holds(at_ns, tier)]
            for meter in dict.fromkeys(row.meter for row in active if row.meter not in meters):
                rows = [row for row in active if row.meter == meter]
                meters[meter] = _meter_rate(rows, discount if index >= shelf.first_list else None)
        otherwise = _otherwise(shelf.listed, at_ns, tier)
        if not meters:
            return otherwise
        overlaps = () if isinstance(shelf.listed, Unknown) else shelf.listed.overlaps
        return Rates(meters, otherwise, self.version, overlaps)


def _naming(entries: Iterable[Entry], spoken: Iterable[tuple[str, str]]) -> list[Entry]:
    """Return the entries that speak of one of these (provider, model) names."""
    names = tuple(spoken)
    return [entry for entry in entries if any(entry[0].names(*name) for name in names)]


def _meter_rate(rows: Sequence[RateRow], discount: Discount | None) -> MeterRate:
    """Join the rows of one meter of one entry: one step for each threshold, less the discount."""
    ordered = sorted(rows, key=lambda row: row.threshold)
    if discount is not None:
        ordered = [_less(row, discount) for row in ordered]
    first = ordered[0]
    reason = next((row.reason for row in ordered if row.reason is not None), None)
    return MeterRate(tuple((row.threshold, row.rate) for row in ordered), first.currency, first.source, reason)


def _less(row: RateRow, discount: Discount) -> RateRow:
    rate: Decimal | None = None if row.rate is None else EXACT.multiply(row.rate, discount.factor)
    return replace(row, rate=rate, source=f"{row.source} x {discount.factor} ({discount.source})")


def _otherwise(listed: Listed | Unknown, at_ns: int, tier: str) -> Unknown:
    """Return why a meter without a price has none."""
    if isinstance(listed, Unknown):
        return listed
    if tier and not any(row.holds(at_ns, tier) for row in listed.rows):
        day = from_ns(at_ns).date()
        return Unknown("unknown_tier", f"{listed.model} has no listed price for tier {tier!r} on {day}")
    return Unknown("unpriced_meter", f"{listed.model} has no listed price for it")


def _plain(item: Entry | Discount) -> object:
    return astuple(item) if isinstance(item, Discount) else [astuple(row) for row in item]
