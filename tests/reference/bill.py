"""A whole bill, in the most naive way: the steps of a plan one after the other. Shares no code with tollspan.

``bill(case, calls)``: a case holds ``cards`` (see :mod:`tests.reference.meters`), ``plan`` (the plan's keys, as its
file writes them), ``addons`` (``{"fee", "quantity", "included", "held"}``), ``held`` and ``paid`` (for which part of
the period the plan was held, and held outside a trial, ``[part, whole]``), ``digits`` of the currency, ``number`` of
the plan's period, ``earlier`` (what the periods before used of an allowance that rolls over). A call has, beside what
:mod:`tests.reference.meters` reads, ``reason`` (why it is not on the invoice, or nothing), ``problem`` (why nothing
prices it) and ``unit_costs``.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from tests.reference import modifiers, prices
from tests.reference.meters import Place, charged, climb, parts

Data = dict[str, Any]
BOUNDS = ("maximum", "minimum")
Amounts = dict[tuple[str, str], Fraction]  # (kind, name)


@dataclass
class Used:
    """What one price was used for: quantity, single events, and what the provider charged."""

    quantity: Fraction = Fraction(0)
    events: list[tuple[Fraction, str | None]] = field(default_factory=list)
    cost: Fraction = Fraction(0)


@dataclass
class Bill:
    """Exact amounts by line, what is asked for, and the usage that is on no line."""

    exact: Amounts
    asked: Fraction
    aside: dict[tuple[str, str], Fraction]
    unpriced: dict[tuple[str, str], Fraction]


def declared(case: Data, meter: str) -> Data:
    return next((card["meters"][meter] for card in case["cards"] if meter in card.get("meters", {})), {})


def add(counts: dict[Any, Fraction], key: Any, quantity: Fraction) -> None:
    if quantity:
        counts[key] = counts.get(key, Fraction(0)) + quantity


def collected(case: Data, calls: Iterable[Data]) -> tuple[dict[Place, Used], Bill]:
    """Send every unit of usage to the price that charges it."""
    used: dict[Place, Used] = {}
    found = Bill({}, Fraction(0), {}, {})
    for call in calls:
        for meter, quantity in parts(call["usage"]).items():
            if call.get("reason"):
                add(found.aside, (call["reason"], meter), quantity)
                continue
            place = None if call.get("problem") else charged(case["cards"], meter, call)
            price = place and case["cards"][place[0][0]]["prices"][place[0][1]]["price"]
            costs = call.get("unit_costs") or {}
            if place is None or price is None or ("cost_plus" in price and meter not in costs):
                if meter != "request":
                    why = call.get("problem") or ("no price" if price is None else "cost unknown")
                    add(found.unpriced, (why, meter), quantity)
                continue
            of = declared(case, meter).get("of")
            if of and of not in call.get("facts", {}):
                add(found.unpriced, ("value unknown", meter), quantity)
                continue
            item = used.setdefault(place[0], Used())
            item.quantity += quantity * place[1]
            item.events.append((quantity * place[1], call.get("facts", {}).get(of)))
            item.cost += quantity * Fraction(costs.get(meter, 0))
    return used, found


def handed_out(
    places: list[Place], billable: dict[Place, Fraction], covered: Callable[[Place], bool], free: Fraction
) -> None:
    """Take free units off what is billable, price after price."""
    covers = [place for place in places if covered(place)]
    for place, part in zip(covers, modifiers.allowance([billable[p] for p in covers], free), strict=True):
        billable[place] -= part


def billables(case: Data, used: dict[Place, Used]) -> dict[Place, Fraction]:
    """Return the quantity of each price after allowances and free units."""
    cards, plan = case["cards"], case["plan"]
    places = [(c, i) for c, card in enumerate(cards) for i in range(len(card["prices"]))]
    meter = {place: cards[place[0]]["prices"][place[1]]["meter"] for place in places}
    billable = {}
    for place in places:
        how = declared(case, meter[place]).get("aggregate", "sum")
        item = used.get(place, Used())
        billable[place] = item.quantity if how == "sum" else prices.aggregate(how, item.events)
        item.quantity = billable[place]
    granted = {name: own_grant(case, name, rule) for name, rule in plan.get("included", {}).items()}
    for addon in case.get("addons", []):
        for name, quantity in addon.get("included", {}).items():
            granted[name] = granted.get(name, Fraction(0)) + Fraction(quantity) * addon["quantity"]
    for name, free in granted.items():
        handed_out(places, billable, lambda place, name=name: name in climb(meter[place]), free)
    for discount in plan.get("discounts", []):
        if "units" in discount and in_time(case, discount):
            on = discount["on"]
            handed_out(places, billable, lambda place, on=on: meets(case, place, on), Fraction(discount["units"]))
    return billable


def own_grant(case: Data, name: str, rule: Any) -> Fraction:
    """Return what a plan includes, with what earlier periods left of it."""
    if not isinstance(rule, dict):
        return Fraction(rule)
    roll, used = rule["rollover"], [Fraction(quantity) for quantity in case["earlier"][name]]
    most = Fraction(roll["max"]) if "max" in roll else None
    return modifiers.rollover(used, Fraction(rule["quantity"]), roll["periods"], most)


def meets(case: Data, place: Place, on: list[str]) -> bool:
    card = case["cards"][place[0]]
    return f"card:{card['card']}" in on or any(word in on for word in climb(card["prices"][place[1]]["meter"]))


def in_time(case: Data, discount: Data) -> bool:
    return case.get("number", 1) <= int(discount.get("periods", case.get("number", 1)))


def usage_amounts(case: Data, used: dict[Place, Used]) -> dict[tuple[str, Place], Fraction]:
    """Return what each price asks for: without usage, and for usage."""
    amounts: dict[tuple[str, Place], Fraction] = {}
    for place, quantity in billables(case, used).items():
        price = case["cards"][place[0]]["prices"][place[1]].get("price")
        if price is None:
            continue
        item = used.get(place, Used())
        amounts["flat_fee", place] = due = prices.zero_flat(price)
        if "cost_plus" in price:
            amount = prices.cost_plus(price, item.quantity, quantity, item.cost)
        elif "percentage" in price:
            amount = prices.percentage(price, [value for value, _ in item.events])
        else:
            converted = prices.converted(price, quantity)
            amount = prices.amount(price, converted)
            amount -= 0 if converted == 0 else due if converted > 0 else -due
        amounts["usage", place] = amount
    return amounts


def fees(case: Data) -> Amounts:
    """Return base fee and add-ons for the time in which they were held."""
    found: Amounts = {}
    base, held = case["plan"].get("base_fee"), case["paid"]
    if case["plan"].get("trial", {}).get("base_fee"):
        held = case["held"]
    if base is not None and held[0]:
        rule = base if isinstance(base, dict) else {"amount": base}
        part = held if rule.get("prorate", True) else (1, 1)
        found["base_fee", ""] = modifiers.prorated(Fraction(rule["amount"]), *part, case["digits"])
    for addon in case.get("addons", []):
        whole = Fraction(addon["fee"]) * addon["quantity"]
        found["addon", addon["addon"]] = modifiers.prorated(whole, *addon["held"], case["digits"])
    return found


def agreed(case: Data, stated: Any, *, prorate: bool = True) -> Fraction:
    """Return an amount that is agreed on for the period, or its part for the time outside a trial."""
    rule = stated if isinstance(stated, dict) else {"amount": stated}
    part = case["paid"] if rule.get("prorate", prorate) else (1, 1)
    return modifiers.prorated(Fraction(rule["amount"]), *part, case["digits"])


def name_of(case: Data, place: Place) -> str:
    card = case["cards"][place[0]]
    return f"{card['card']}#{place[1]}"


def reached(case: Data, key: tuple[str, str], place: Place | None, on: list[str] | None, usage_only: bool) -> bool:
    """Tell whether a discount is on a line."""
    if on is None:
        return place is not None or not usage_only
    return key[0] in on or (place is not None and meets(case, place, on))


def discounted(case: Data, lines: Amounts, places: dict[tuple[str, str], Place]) -> tuple[Amounts, Amounts]:
    """Return the lines of discounts, and what they leave of each other line."""
    found: Amounts = {}
    left = dict(lines)
    rules = [(n, d) for n, d in enumerate(case["plan"].get("discounts", [])) if in_time(case, d)]
    for number, rule in rules:
        if "percent" in rule:
            on = [key for key in lines if reached(case, key, places.get(key), rule.get("on"), usage_only=True)]
            for key in on:
                left[key] += modifiers.percent_discount(lines, Fraction(rule["percent"]), [key])
            found["discount", str(number)] = modifiers.percent_discount(lines, Fraction(rule["percent"]), on)
    for number, rule in rules:
        if "amount" in rule and case["paid"][0]:
            on = [key for key in lines if reached(case, key, places.get(key), rule.get("on"), usage_only=False)]
            taken = modifiers.fixed_discount(sum((left[key] for key in on), Fraction(0)), agreed(case, rule))
            found["discount", str(number)] = taken
            for key, part in zip(on, modifiers.allowance([left[key] for key in on], -taken), strict=True):
                left[key] -= part
    return found, left


def bounded(case: Data, lines: Amounts, left: Amounts) -> Amounts:
    """Return the lines of the commitment, the maximum and the minimum, in this order."""
    plan = case["plan"]
    found: Amounts = {}
    if "commitment" in plan and case["paid"][0]:
        rule = plan["commitment"]
        on_usage = sum((left[key] for key in left if key[0] in ("usage", "flat_fee")), Fraction(0))
        factor, true_up = Fraction(rule.get("overage_factor", 1)), rule.get("true_up", True)
        found["commitment", ""], found["overage", ""] = modifiers.commitment(
            on_usage, agreed(case, rule), factor, true_up
        )
    return found | gaps(case, sum(lines.values(), Fraction(0)) + sum(found.values(), Fraction(0)))


def gaps(case: Data, total: Fraction) -> Amounts:
    """Return what brings a total to the plan's maximum, then to its minimum."""
    found: Amounts = {}
    for kind, gap, prorate in (("maximum", modifiers.maximum, False), ("minimum", modifiers.minimum, True)):
        if kind in case["plan"] and case["paid"][0]:
            bound = agreed(case, case["plan"][kind], prorate=prorate)
            found[kind, ""] = gap(total + sum(found.values(), Fraction(0)), bound)
    return found


def asked(case: Data, exact: Amounts) -> Fraction:
    """Return what is asked for in all: each line rounded by itself, or the sum once; bounds hold for it as well."""
    rule = case["plan"].get("rounding", {})
    mode, digits = rule.get("mode", "half_up"), case["digits"]
    if rule.get("at") == "invoice":
        return modifiers.rounded(sum(exact.values(), Fraction(0)), digits, mode)
    total = sum((modifiers.rounded(a, digits, mode) for k, a in exact.items() if k[0] not in BOUNDS), Fraction(0))
    return total + sum(gaps(case, total).values(), Fraction(0))


def bill(case: Data, calls: Iterable[Data]) -> Bill:
    """Return the bill of one customer in one period."""
    used, found = collected(case, calls)
    usage = usage_amounts(case, used)
    places = {(kind, name_of(case, place)): place for kind, place in usage}
    lines = fees(case) | {(kind, name_of(case, place)): amount for (kind, place), amount in usage.items()}
    discounts, left = discounted(case, lines, places)
    lines |= discounts
    lines |= bounded(case, lines, left)
    found.exact = {key: amount for key, amount in lines.items() if amount}
    found.asked = asked(case, lines)
    return found
