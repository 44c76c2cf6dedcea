"""Two programs, one bill: what the rater and the naive program make of the same plain data."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from itertools import groupby
from pathlib import Path
from typing import Any, TypeVar

import tollspan_rater
from tests.rating.calls import Call, Seen
from tests.rating.random_bills import HOURS, Data, case
from tests.reference.bill import Bill, bill
from tollspan_rater.credit.rollover import Lot, rolled, units_of
from tollspan_rater.domain.clock import to_ns
from tollspan_rater.errors import PricingError
from tollspan_rater.pricing.applied import Applied
from tollspan_rater.pricing.assignment import AddonAssignment, Assignment
from tollspan_rater.pricing.book import load
from tollspan_rater.pricing.period import Period, period
from tollspan_rater.pricing.segment import Segment
from tollspan_rater.pricing.subscription import Subscription
from tollspan_rater.rating.line import Line, RatedPeriod
from tollspan_rater.rating.rate import rate

NOVEMBER = period("2026-11", "UTC")
DIFFERS = 3  # exit code when two bills differ
NOT_BOOKED = ("maximum", "minimum", "rounding")
HOUR_NS = 3_600_000_000_000
FURTHER = ("match", "priority", "model", "provider")
Amounts = Mapping[Any, Fraction]
Key = TypeVar("Key")


@dataclass(frozen=True, slots=True)
class Difference:
    """Where two bills differ: the seed that makes them again, the customer, what was compared."""

    seed: int
    customer: int
    what: str
    naive: object
    rated: object

    def __str__(self) -> str:
        naive, rated = self.naive, self.rated
        if isinstance(naive, dict) and isinstance(rated, dict):
            keys = [key for key in {**naive, **rated} if naive.get(key) != rated.get(key)]
            naive, rated = ({key: str(one.get(key)) for key in keys} for one in (naive, rated))
        return f"bill {self.seed}.{self.customer}: {self.what}\n  naive {naive}\n  rated {rated}"


def differences(seed: int) -> Iterator[Difference]:
    """Yield what differs between the two programs in the bills of a seed."""
    drawn = case(seed)
    laid = laid_out(drawn)
    for number, listed in enumerate(drawn["customers"]):
        for what, naive, rated in compared(drawn, laid, listed):
            if naive != rated:
                yield Difference(seed, number, what, naive, rated)


def compared(drawn: Data, laid: tuple[Segment, ...], listed: list[Data]) -> Iterator[tuple[str, object, object]]:
    """Yield what is compared of one bill: (what it is, in the naive program, in the rater)."""
    naive = naive_bill(drawn, listed)
    seen, calls = Seen(laid), [call_of(one, number) for number, one in enumerate(listed)]
    samples = [sample for call in calls for sample in seen.samples(call)]
    rated = rate(NOVEMBER, laid, [seen.group(call) for call in calls], samples)
    names = named(drawn)
    lines = {(str(line.kind), names.get(line.component.split("~")[0], line.component)): line for line in rated.lines}
    yield from compared_lines(naive, lines, rated)
    yield "not on the invoice", some(naive.aside), shares(rated.not_on_invoice)
    yield "unpriced", some(naive.unpriced), shares(rated.unpriced)
    charged: dict[str, Fraction] = {}
    for one in seen.charges(calls):
        for component, amount in one.components:
            charged[component] = charged.get(component, Fraction(0)) + Fraction(amount)
    of_usage = {line.component: Fraction(line.amount_exact) for line in rated.lines if line.kind == "usage"}
    yield "charges", some(of_usage), some(charged)


def compared_lines(
    naive: Bill, lines: Mapping[tuple[str, str], Line], rated: RatedPeriod
) -> Iterator[tuple[str, object, object]]:
    """Compare the lines of usage one by one, the others by kind, and what is asked for."""
    kinds = ("usage", "flat_fee")
    exact = some({key: Fraction(line.amount_exact) for key, line in lines.items()})
    yield "lines", by_line(some(naive.exact), kinds), by_line(exact, kinds)
    yield "other lines", by_kind(naive.exact, kinds), by_kind(exact, kinds)
    booked = {key: Fraction(line.amount) for key, line in lines.items() if key[0] not in NOT_BOOKED}
    yield "booked lines", by_line(some(naive.booked), kinds), by_line(some(booked), kinds)
    yield "other booked lines", by_kind(naive.booked, kinds), by_kind(booked, kinds)
    yield "total", naive.asked, Fraction(rated.total)
    steps = {key: sum(Fraction(s.amount) for s in line.steps) for key, line in lines.items() if line.kind in kinds}
    yield "steps", steps, {key: Fraction(line.amount_exact) for key, line in lines.items() if line.kind in kinds}


def by_line(amounts: Amounts, kinds: tuple[str, ...]) -> dict[Any, Fraction]:
    return {key: amount for key, amount in amounts.items() if key[0] in kinds}


def by_kind(amounts: Amounts, but: tuple[str, ...]) -> dict[str, Fraction]:
    rest = sorted((kind, amount) for (kind, _), amount in amounts.items() if kind not in but)
    sums = {kind: sum((amount for _, amount in same), Fraction(0)) for kind, same in groupby(rest, lambda one: one[0])}
    return some(sums)


def some(amounts: Mapping[Key, Fraction]) -> dict[Key, Fraction]:
    """Return what is not nothing."""
    return {key: amount for key, amount in amounts.items() if amount}


def shares(listed: Any) -> dict[tuple[str, str], Fraction]:
    return {(str(share.reason), share.meter): Fraction(share.quantity) for share in listed}


def begins_ns(held: int) -> int:
    """Return the instant from which something is held for the last hours of the month."""
    return NOVEMBER.end_ns - held * HOUR_NS


def at_ns(one: Data) -> int:
    return NOVEMBER.start_ns + int(one["part"]) * HOUR_NS


def naive_bill(drawn: Data, listed: list[Data]) -> Bill:
    """Return the naive program's bill: one for each plan that was held in the month, put together."""
    ordered = sorted(listed, key=lambda one: int(one["part"]))
    begins = HOURS - drawn["held"][0]
    if "before" not in drawn:
        return prefixed("p", bill(drawn, [one | known_of(drawn, one) for one in ordered]))
    part = [begins, HOURS]
    first = {"plan": drawn["before"], "held": part, "paid": part, "number": 1, "addons": [], "earlier": {}}
    bills = [
        prefixed("p", bill(drawn, [one | known_of(drawn, one) for one in ordered if int(one["part"]) >= begins])),
        prefixed("q", bill(drawn | first, [one for one in ordered if int(one["part"]) < begins])),
    ]
    return Bill(
        {key: amount for one in bills for key, amount in one.exact.items()},
        {key: amount for one in bills for key, amount in one.booked.items()},
        sum((one.asked for one in bills), Fraction(0)),
        added(one.aside for one in bills),
        added(one.unpriced for one in bills),
    )


def prefixed(plan: str, one: Bill) -> Bill:
    """Return a plan's bill with the plan's name before those of its lines."""
    exact, booked = (
        {(kind, f"{plan}/{name}"): amount for (kind, name), amount in amounts.items()}
        for amounts in (one.exact, one.booked)
    )
    return Bill(exact, booked, one.asked, one.aside, one.unpriced)


def added(shares: Iterable[Mapping[Key, Fraction]]) -> dict[Key, Fraction]:
    found: dict[Key, Fraction] = {}
    for share in shares:
        for key, quantity in share.items():
            found[key] = found.get(key, Fraction(0)) + quantity
    return found


def known_of(drawn: Data, one: Data) -> Data:
    """Return why nothing prices a call, or why it is not on the invoice, if the time decides that."""
    hour = int(one["part"])
    if hour < HOURS - drawn["held"][0]:
        return {"problem": "no plan"}
    return {"reason": one.get("reason", "trial")} if hour < drawn["until"] else {}


def call_of(one: Data, number: int) -> Call:
    """Return a call as the rater reads it."""
    aside = {"environment": "test"} if one.get("reason") else {}
    costs = one.get("unit_costs")
    return Call(
        key=f"{number:03}",
        at_ns=at_ns(one),
        quantities={meter: Decimal(count) for meter, count in one["usage"].items()},
        model=one["model"],
        provider=one["provider"],
        facts=one["facts"] | aside,
        unit_costs=None if costs is None else {meter: Decimal(cost) for meter, cost in costs.items()},
    )


def named(drawn: Data) -> dict[str, str]:
    """Return how the naive program calls each component."""
    return {
        f"{plan}/{card['card']}/{key_of(entry)}": f"{plan}/{card['card']}#{number}"
        for plan in ("p", "q")
        for card in drawn["cards"]
        for number, entry in enumerate(card["prices"])
    }


def key_of(entry: Data) -> str:
    order = ("feature", "environment", "region", "service_tier", "tags.team")
    match = entry.get("match", {})
    further = ",".join(f"{name}={match[name]}" for name in order if name in match)
    priority = f"+{entry['priority']}" if entry.get("priority") else ""
    return f"{entry['meter']}:{entry['provider']}/{entry['model']}{'{' + further + '}' if further else ''}{priority}"


def files(drawn: Data) -> dict[str, str]:
    """Write the case as a pricing folder; JSON is YAML."""
    found: dict[str, Data] = {}
    for card in drawn["cards"]:
        entries = [written(entry) for entry in card["prices"]]
        head = {"card": card["card"], "currency": drawn["currency"], "fallback": card["fallback"]}
        found[f"{card['card']}.yaml"] = head | {"meters": card["meters"], "prices": entries}
    names = [card["card"] for card in drawn["cards"]]
    head = {"currency": drawn["currency"], "cards": names}
    found["plan.yaml"] = {"plan": "p", **head, **drawn["plan"]}
    if "before" in drawn:
        found["before.yaml"] = {"plan": "q", **head, **drawn["before"]}
    for addon in drawn["addons"]:
        kept = {key: value for key, value in addon.items() if key in ("addon", "fee", "included")}
        found[f"{addon['addon']}.yaml"] = kept | {"currency": drawn["currency"]}
    return {name: json.dumps(document) for name, document in found.items()}


def written(entry: Data) -> Data:
    """Return a price entry as a card writes it."""
    head = {key: entry[key] for key in FURTHER if key in entry}
    if "convert" in entry:
        convert = entry["convert"]
        return head | {"convert": {"to": convert["to"], "per": convert["per"], entry["meter"]: convert["factor"]}}
    return head | {entry["meter"]: entry["price"]}


def laid_out(drawn: Data, within: Period = NOVEMBER) -> tuple[Segment, ...]:
    """Lay the plan out as it is held in the period."""
    held = drawn["held"][0]
    start = begins_ns(held) if held < HOURS else to_ns(datetime(2026, 12 - drawn["number"], 1, tzinfo=UTC))
    addons = [
        AddonAssignment(addon["addon"], Decimal(addon["quantity"]), begins_ns(addon["held"][0]))
        for addon in drawn["addons"]
    ]
    applied = Applied(load(files(drawn)), 0, 1)
    plans = [Assignment("q", within.start_ns)] if "before" in drawn else []
    held_by = Subscription(within.zone, (applied,), (*plans, Assignment("p", start)), 1, addons=tuple(addons))
    return held_by.segments(within, carried(applied, drawn["earlier"]))


def carried(applied: Applied, earlier: Data) -> dict[tuple[str, str], Decimal]:
    """Return what earlier periods left of the plan's allowances, period after period."""
    found = {}
    for allowance in applied.book.plans["p"].included:
        lots: tuple[Lot, ...] = ()
        for used in earlier.get(allowance.meter, []):
            assert allowance.rollover is not None
            lots = rolled(lots, allowance.quantity, Decimal(used), allowance.rollover)
        found["p", allowance.meter] = units_of(lots)
    return found


def first_difference(seeds: range) -> str | None:
    """Return the first difference in the bills of some seeds; an engine that fails on a bill differs, too."""
    for seed in seeds:
        try:
            found = next(differences(seed), None)
        except (ArithmeticError, LookupError, TypeError, ValueError, PricingError) as error:
            return f"bill {seed}: the rater fails\n  {error!r}"
        if found is not None:
            return str(found)
    return None


def main() -> int:
    """Compare the bills of seeds FIRST to LAST with the engine in FOLDER."""
    first, last, folder = sys.argv[1:]
    assert Path(tollspan_rater.__file__).is_relative_to(folder), f"not the copy: {tollspan_rater.__file__}"
    difference = first_difference(range(int(first), int(last)))
    if difference is None:
        return 0
    print(difference)
    return DIFFERS


if __name__ == "__main__":
    sys.exit(main())
