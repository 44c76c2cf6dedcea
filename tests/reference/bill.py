"""A whole bill, in the most naive way: the steps of a plan one after the other. Shares no code with tollspan.

A case holds ``cards`` (see :mod:`tests.reference.meters`) and ``plan`` and ``addons`` with the keys of their files;
``held`` and ``paid``: for which part of the period the plan was held, and held outside a trial, as ``[part, whole]``;
``number``: which of the plan's periods this is; ``earlier``: what the periods before used of an allowance that rolls
over; ``digits`` of the currency. A call has, beside what :mod:`tests.reference.meters` reads, ``unit_costs`` of its
provider, ``reason`` if it is not on the invoice, and ``problem`` if nothing prices it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from tests.reference import modifiers, prices
from tests.reference.usage import Shares, Usage, amount_of, collected, covers, in_time, with_free_units

Data = dict[str, Any]
Key = tuple[str, str]  # kind and name of a line
Amounts = dict[Key, Fraction]

ON_USAGE = ("usage", "flat_fee")
BOUNDS = ("maximum", "minimum")


@dataclass
class Bill:
    """Exact amounts by line, rounded ones of all but bounds, what is asked for, and the usage that is on no line."""

    exact: Amounts
    booked: Amounts
    asked: Fraction
    aside: Shares
    unpriced: Shares


def total(amounts: Iterable[Fraction]) -> Fraction:
    return sum(amounts, Fraction(0))


def bill(case: Data, calls: Iterable[Data]) -> Bill:
    """Return the bill of one customer in one period."""
    usage = collected(case, calls)
    with_free_units(case, usage)
    lines = fees(case)
    for name, used in usage.entries.items():
        lines["flat_fee", name] = prices.zero_flat(used.entry["price"])
        lines["usage", name] = amount_of(used)
    discounts, left = discounted(case, usage, lines)
    lines |= discounts
    lines |= committed(case, left)
    lines |= gaps(case, total(lines.values()))
    return Bill(lines, booked(case, lines), asked(case, lines), usage.aside, usage.unpriced)


def fees(case: Data) -> Amounts:
    """Return base fee and add-ons for the time in which they were held."""
    found: Amounts = {}
    plan = case["plan"]
    held = case["held"] if plan.get("trial", {}).get("base_fee") else case["paid"]
    if "base_fee" in plan and held[0]:
        found["base_fee", ""] = agreed(case, plan["base_fee"], held)
    for addon in case["addons"]:
        fee = Fraction(addon["fee"]) * addon["quantity"]
        found["addon", addon["addon"]] = modifiers.prorated(fee, addon["held"][0], addon["held"][1], case["digits"])
    return found


def agreed(case: Data, stated: Any, held: list[int], *, prorate: bool = True) -> Fraction:
    """Return an amount that is agreed on for the period, or its part for the time."""
    rule = stated if isinstance(stated, dict) else {"amount": stated}
    if not rule.get("prorate", prorate):
        return Fraction(rule["amount"])
    return modifiers.prorated(Fraction(rule["amount"]), held[0], held[1], case["digits"])


def reached(usage: Usage, key: Key, rule: Data) -> bool:
    """Tell whether a discount is on a line: by default percents on all usage, amounts on everything."""
    kind, name = key
    if "on" not in rule:
        return kind in ON_USAGE or "amount" in rule
    return kind in rule["on"] or (kind in ON_USAGE and covers(*rule["on"])(usage.entries[name].entry))


def discounted(case: Data, usage: Usage, lines: Amounts) -> tuple[Amounts, Amounts]:
    """Return the lines of discounts, percents before amounts, and what they leave of each other line."""
    found: Amounts = {}
    left = dict(lines)
    rules = [rule for rule in case["plan"].get("discounts", []) if in_time(case, rule)]
    for rule in rules:
        if "percent" in rule:
            off = {k: modifiers.percent(lines[k], Fraction(rule["percent"])) for k in lines if reached(usage, k, rule)}
            left |= {key: left[key] + part for key, part in off.items()}
            found["discount", rule["name"]] = total(off.values())
    for rule in rules:
        if "amount" in rule and case["paid"][0]:
            on = [key for key in lines if reached(usage, key, rule)]
            taken = modifiers.fixed(total(left[key] for key in on), agreed(case, rule, case["paid"]))
            left |= dict(zip(on, modifiers.subtracted([left[key] for key in on], -taken), strict=True))
            found["discount", rule["name"]] = taken
    return found, left


def committed(case: Data, left: Amounts) -> Amounts:
    """Return what a commitment adds to what usage costs after discounts."""
    if "commitment" not in case["plan"] or not case["paid"][0]:
        return {}
    rule = case["plan"]["commitment"]
    used = total(amount for (kind, _), amount in left.items() if kind in ON_USAGE)
    factor, true_up = Fraction(rule.get("overage_factor", 1)), rule.get("true_up", True)
    missing, beyond = modifiers.commitment(used, agreed(case, rule, case["paid"]), factor, true_up=true_up)
    return {("commitment", ""): missing, ("overage", ""): beyond}


def gaps(case: Data, so_far: Fraction) -> Amounts:
    """Return what brings a total to the plan's maximum, then to its minimum."""
    found: Amounts = {}
    for kind, gap, prorate in (("maximum", modifiers.maximum, False), ("minimum", modifiers.minimum, True)):
        if kind in case["plan"] and case["paid"][0]:
            bound = agreed(case, case["plan"][kind], case["paid"], prorate=prorate)
            found[kind, ""] = gap(so_far + total(found.values()), bound)
    return found


def booked(case: Data, lines: Amounts) -> Amounts:
    """Return what each line is rounded to; the lines of bounds close the gaps of these instead."""
    mode = case["plan"].get("rounding", {}).get("mode", "half_up")
    return {key: modifiers.rounded(lines[key], case["digits"], mode) for key in lines if key[0] not in BOUNDS}


def asked(case: Data, lines: Amounts) -> Fraction:
    """Return what is asked for in all: the sum rounded once, or the rounded lines, within the bounds again."""
    rule = case["plan"].get("rounding", {})
    if rule.get("at") == "invoice":
        return modifiers.rounded(total(lines.values()), case["digits"], rule.get("mode", "half_up"))
    so_far = total(booked(case, lines).values())
    return so_far + total(gaps(case, so_far).values())
