"""Random bills as plain data that both programs read: cards, a plan, and the calls of a few customers.

Everything follows from the seed: ``case(17)`` is the same bill on every machine.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from random import Random
from typing import Any, Final

Data = dict[str, Any]

MODELS: Final = ("gpt-4.1", "gpt-4.1-mini", "claude-sonnet-4")
PATTERNS: Final = ("*", "*", "gpt-4.1", "gpt-*", "claude-*", "*mini")
PROVIDERS: Final = ("*", "*", "*", "azure", "open*")
TOKEN_METERS: Final = (
    "tokens", "input", "cache_read", "cache_write", "cache_write_1h", "output", "reasoning", "tool_use",
    "compaction_in",
)  # fmt: skip
UNIT_METERS: Final = ("request", "web_search", "gpu_second")
DECLARED: Final[Data] = {
    "credits": {},
    "users": {"aggregate": "unique", "of": "user"},
    "seats": {"aggregate": "max"},
    "level": {"aggregate": "latest"},
    "documents": {"aggregate": "count"},
    "payment": {},
}
BELOW: Final = {
    "tokens": set(TOKEN_METERS),
    "input": {"input", "cache_read", "cache_write", "cache_write_1h", "tool_use", "compaction_in"},
    "output": {"output", "reasoning"},
    "web_search": {"web_search"},
    "gpu_second": {"gpu_second"},
    "credits": {"credits"},
    "seats": {"seats"},
}
FACTS: Final[dict[str, tuple[str, ...]]] = {
    "feature": ("chat", "chat-help", "search"),
    "environment": ("production", "sandbox"),
    "region": ("eu", "us"),
    "service_tier": ("batch", "flex"),
    "tags.team": ("x", "y"),
}
HOURS: Final = 720  # of November
CUSTOMERS: Final = 8  # of each random plan
DIGITS: Final = {"USD": 2, "JPY": 0, "KWD": 3}


def seeded(seed: int) -> Random:
    """Return a source of numbers that can be drawn again."""
    return Random(seed)  # noqa: S311 -- nothing here is secret


def number(random: Random, most: int, places: int) -> str:
    """Return a decimal with up to so many places, as text."""
    scale = random.randint(0, places)
    text = f"{random.randint(0, most):0{scale + 1}d}"
    return f"{text[:-scale]}.{text[-scale:]}" if scale else text


def chance(random: Random, one_in: int) -> bool:
    """Return true once in so many times."""
    return random.randrange(one_in) == 0


def tiers(random: Random, content: Callable[[], Data]) -> list[Data]:
    """Return tiers with rising bounds, the last one open."""
    most = random.choice([12, 30, 100, 1000, 9999])  # small ones are met exactly
    bounds = sorted({random.randint(1, most) for _ in range(random.randint(0, 4))})
    half = ".5" if chance(random, 6) else ""
    return [*({"up_to": f"{bound}{half}", **content()} for bound in bounds), content()]


def tier_content(random: Random) -> Data:
    """Return price, and sometimes flat fee, of a tier."""
    return {"price": number(random, 5000, 6)} | ({"flat": number(random, 900, 3)} if chance(random, 2) else {})


def per_unit(random: Random) -> Data:
    return {"price": number(random, 5000, 6)}


def graduated(random: Random) -> Data:
    return {"graduated": tiers(random, lambda: tier_content(random))}


def volume(random: Random) -> Data:
    return {"volume": tiers(random, lambda: tier_content(random))}


def stairstep(random: Random) -> Data:
    return {"stairstep": tiers(random, lambda: {"amount": number(random, 9000, 3)})}


def package(random: Random) -> Data:
    pack = {"size": str(random.randint(1, 999)), "price": number(random, 5000, 4)}
    pack |= {"free": str(random.randint(0, 300))} if chance(random, 2) else {}
    return {"package": pack | ({"round": random.choice(["up", "down"])} if chance(random, 2) else {})}


def flat(random: Random) -> Data:
    return {"flat": number(random, 900, 3)}


def cost_plus(random: Random) -> Data:
    rule = {"markup": number(random, 60, 1)} | ({"margin": number(random, 50, 6)} if chance(random, 2) else {})
    return {"cost_plus": rule | {"per": random.choice(["1", "1K", "1M"])}}


def percentage(random: Random) -> Data:
    least = random.randint(0, 90)
    rule = {
        "rate": number(random, 90, 2),
        "fixed": number(random, 5000, 2),
        "free_events": str(random.randint(1, 4)),
        "free_amount": str(random.randint(1, 200_000)),
        "min": str(least),
        "max": str(least + random.randint(1, 300)),
    }
    return {"percentage": {key: rule[key] for key in rule if key == "rate" or chance(random, 2)}}


MODELS_OF_PRICES: Final = (per_unit, per_unit, graduated, volume, stairstep, package, flat)
TIERED: Final = ("graduated", "volume", "stairstep", "flat")


def price(random: Random, meter: str) -> Data:
    """Return what stands behind a meter: a price model and options beside it."""
    if meter == "payment":
        return percentage(random)
    if meter in TOKEN_METERS and chance(random, 8):
        return cost_plus(random)
    found = random.choice(MODELS_OF_PRICES)(random)
    if {"price", "graduated", "volume"} & found.keys() and chance(random, 2):
        found["per"] = random.choice(["1", "1K", "1M"])
    if chance(random, 6 if meter in TOKEN_METERS else 3):
        found["unit"] = unit(random)
    if any(key in found for key in TIERED) and chance(random, 4):
        found["zero_flat"] = True
    return found


def unit(random: Random) -> Data:
    """Return a conversion of units, which is rounded; halves are frequent."""
    factor = random.choice(
        [("divide", "60"), ("divide", "2"), ("divide", "1000"), ("multiply", "0.5"), ("multiply", "3")]
    )
    how = random.choice(["ceil", "floor", "half_up", "half_up"])
    return {factor[0]: factor[1], "round": how, "digits": random.choice(["0", "0", "0", "1", "3"])}


def entry(random: Random, meter: str) -> Data:
    """Return one price entry for a meter, for some of its usage or all of it."""
    found: Data = {"meter": meter, "model": "*", "provider": "*"}
    if meter in TOKEN_METERS or meter == "request":
        found |= {"model": random.choice(PATTERNS), "provider": random.choice(PROVIDERS)}
    if chance(random, 4):
        names = random.sample(sorted(FACTS), random.randint(1, 2))
        found["match"] = {name: random.choice((*FACTS[name], "*a*", FACTS[name][0][0] + "*")) for name in names}
    if chance(random, 6):
        found["priority"] = random.randint(1, 3)
    if meter in (*TOKEN_METERS, *UNIT_METERS) and chance(random, 8):
        per = random.choice(["1", "1K", "1M"])
        return found | {"convert": {"to": "credits", "per": per, "factor": number(random, 500, 3)}}
    return found | {"price": price(random, meter)}


def entries(random: Random) -> list[Data]:
    """Return entries for meters of every kind, some meters with several."""
    wanted = [random.choice(TOKEN_METERS) for _ in range(random.randint(1, 5))]
    wanted += [meter for meter in (*UNIT_METERS, *DECLARED) if chance(random, 2)]
    wanted += [random.choice(wanted) for _ in range(random.randint(0, 3))]
    random.shuffle(wanted)
    return distinct([entry(random, meter) for meter in wanted])


def distinct(entries: list[Data]) -> list[Data]:
    """Drop entries that could fit the same usage as well as an earlier one."""
    kept: list[Data] = []
    for one in entries:
        if all(one["meter"] != other["meter"] or decided(one, other) for other in kept):
            kept.append(one)
    return kept


def decided(one: Data, other: Data) -> bool:
    """Tell whether priority, the lengths of patterns, or a wider set of dimensions decides between two."""
    first, second = ((e.get("priority", 0), len(e["model"]), len(e["provider"])) for e in (one, other))
    if first != second:
        return True
    left, right = set(one.get("match", {})), set(other.get("match", {}))
    return left < right or right < left


def card(random: Random, name: str, *, first: bool) -> Data:
    """Return a rate card; the first declares the meters and prices the credits that others are converted to."""
    listed = entries(random)
    if first and not any(one["meter"] == "credits" and "match" not in one for one in listed):
        listed.append({"meter": "credits", "model": "*", "provider": "*", "price": per_unit(random)})
    if not first:
        listed = [one for one in listed if one["meter"] not in DECLARED and "convert" not in one]
        listed = listed or [{"meter": "input", "model": "*", "provider": "*", "price": per_unit(random)}]
    meters = DECLARED if first else {}
    return {"card": name, "fallback": random.choice(["parent", "none"]), "meters": meters, "prices": listed}


def included(random: Random, priced: set[str]) -> Data:
    """Return allowances of meters that some price stands under."""
    wanted = random.choice([(), (), ("tokens",), ("input", "output"), ("credits", "web_search"), ("seats", "tokens")])
    most = {"tokens": 4000, "input": 4000, "output": 900, "credits": 900}
    found = {meter: str(random.randint(0, most.get(meter, 6))) for meter in wanted if BELOW[meter] & priced}
    return {"included": found} if found else {}


def discounts(random: Random, priced: set[str], cards: list[Data]) -> Data:
    """Return a few discounts of every kind."""
    names = sorted(priced - {"payment"})
    found: list[Data] = []
    for _ in range(random.choice([0, 1, 2, 3])):
        on = [random.choice([*names, f"card:{cards[-1]['card']}", "base_fee"])]
        kind = random.choice(["percent", "units", "amount"])
        if kind == "percent":
            rule = {"percent": number(random, 33, 1)} | ({"on": on} if chance(random, 2) else {})
        elif kind == "amount":
            rule = {"amount": number(random, 9000, 2)} | ({"on": on} if chance(random, 4) else {})
        else:
            rule = {"units": str(random.randint(1, 500)), "on": [random.choice(names)] if names else ["input"]}
        found.append(
            rule | {"name": f"d{len(found)}"} | ({"periods": random.randint(1, 3)} if chance(random, 3) else {})
        )
    return {"discounts": found} if found else {}


def plan(random: Random, cards: list[Data], digits: int) -> Data:
    """Return what a plan does beside its prices."""
    priced = {one["meter"] for card in cards for one in card["prices"] if "price" in one}
    sampled = {"payment"}

    def amount(most: int) -> str:
        return number(random, most, digits)

    found: Data = included(random, priced - sampled) | discounts(random, priced - sampled, cards)
    if chance(random, 2):
        found["base_fee"] = random.choice([amount(9900), {"amount": amount(9900), "prorate": chance(random, 2)}])
    if chance(random, 4):
        found["commitment"] = {"amount": amount(90000), "true_up": chance(random, 2), "prorate": chance(random, 2)}
        found["commitment"] |= {"overage_factor": random.choice(["1", "1.25", "2"])}
    least, more = random.randint(0, 40000), random.randint(0, 200000)
    if chance(random, 4):
        found["minimum"] = random.choice([str(least), {"amount": str(least), "prorate": chance(random, 2)}])
    if chance(random, 4):
        found["maximum"] = str(least + more)
    if not chance(random, 3):
        modes = ["half_up", "half_even", "up", "down"]
        found["rounding"] = {"at": random.choice(["line", "line", "invoice"]), "mode": random.choice(modes)}
    return found


def usage(random: Random) -> Data:
    """Return inclusive counts in which every part fits into what contains it; some splits are unknown."""
    read, short, long, fresh = (random.randint(0, 900) for _ in range(4))
    thought, said = random.randint(0, 300), random.randint(0, 900)
    counts = {
        "request": 1,
        "input": read + short + long + fresh,
        "cache_read": read,
        "cache_write": short + long,
        "cache_write_1h": long,
        "output": thought + said,
        "reasoning": thought,
    }
    for part in random.sample(["cache_read", "cache_write", "cache_write_1h", "reasoning"], random.randint(0, 4)):
        counts.pop(part, None)
        if part == "cache_write":
            counts.pop("cache_write_1h", None)
    rare = {"tool_use": random.randint(0, fresh) if chance(random, 4) else 0}
    rare["compaction_in"] = random.randint(0, fresh - rare["tool_use"]) if chance(random, 4) else 0
    found: Data = counts | {meter: count for meter, count in rare.items() if count}
    units: dict[str, Callable[[], str]] = {
        "web_search": lambda: str(random.randint(-1, 30)),
        "gpu_second": lambda: number(random, 9000, 2),
        "credits": lambda: str(random.randint(0, 90)),
        "users": lambda: random.choice(["1", "1", "1", "2", "0", "-1"]),
        "seats": lambda: str(random.randint(0, 30)),
        "level": lambda: str(random.randint(0, 30)),
        "documents": lambda: str(random.randint(-1, 9)),
        "payment": lambda: number(random, 90000, 2),
    }
    return found | {meter: make() for meter, make in units.items() if chance(random, 2)}


def call(random: Random) -> Data:
    """Return a call somewhere in the period."""
    facts = {name: random.choice(values) for name, values in FACTS.items() if chance(random, 2)}
    facts |= {"user": random.choice(["ada", "bob", "eve"])} if chance(random, 2) else {}
    found: Data = {
        "model": random.choice(MODELS),
        "provider": random.choice(["openai", "azure"]),
        "facts": facts,
        "usage": usage(random),
    }
    found["part"] = str(random.randrange(HOURS))  # the hour of the month
    if chance(random, 8):
        found["reason"] = "test"
    if not chance(random, 10):
        meters = [meter for meter in (*TOKEN_METERS, "request") if not chance(random, 20)]
        found["unit_costs"] = {meter: number(random, 900, 6) for meter in meters}
    return found


def trial(random: Random, held: int) -> Data:
    """Return a trial of a plan that began within the month, and the hour of the month at which it ends."""
    if held == HOURS or chance(random, 2):
        return {"paid": held, "plan": {}, "until": 0}
    days = random.randint(1, 20)
    until = min((HOURS - held) // 24 * 24 + days * 24, HOURS)
    return {
        "paid": min(held, HOURS - until),
        "plan": {"trial": {"days": days, "base_fee": chance(random, 2)}},
        "until": until,
    }


def rolling(random: Random, plan: Data) -> Data:
    """Let an allowance roll over, and return what was used of it in the periods before."""
    meters = list(plan.get("included", {}))
    if not meters or chance(random, 2):
        return {}
    meter, quantity = meters[0], int(plan["included"][meters[0]])
    rule = {"periods": random.randint(1, 2)} | (
        {"max": str(random.randint(0, 2 * quantity))} if chance(random, 4) else {}
    )
    plan["included"][meter] = {"quantity": str(quantity), "rollover": rule}
    return {meter: [random.randint(-9, quantity + 9) for _ in range(random.randint(1, 5))]}


def case(seed: int, customers: int = CUSTOMERS) -> Data:
    """Return a pricing folder and the calls of some customers on one of its plans.

    ``held`` are the hours for which the plan was held, of the month's, ``paid`` those outside a trial, which ends
    at the hour ``until``; ``before`` is the plan that was held in the first part of the month, if there was one.
    ``earlier`` is what each period before used of an allowance that rolls over.
    """
    random = seeded(seed)
    currency = random.choice(["USD", "USD", "USD", "JPY", "KWD"])
    cards = [card(random, "list", first=True)]
    if chance(random, 3):
        cards.insert(random.randrange(2), card(random, "more", first=False))
    held = random.choice([HOURS, HOURS, random.randint(1, HOURS - 1)])
    agreed = plan(random, cards, DIGITS[currency])
    tried = trial(random, held)
    found: Data = {
        "seed": seed,
        "currency": currency,
        "digits": DIGITS[currency],
        "cards": cards,
        "plan": agreed | tried["plan"],
        "held": [held, HOURS],
        "paid": [tried["paid"], HOURS],
        "until": tried["until"],
        "number": random.randint(1, 4) if held == HOURS else 1,
    }
    if held < HOURS and chance(random, 2):
        same = {meter: str(random.randint(0, 900)) for meter in agreed.get("included", {})}  # meters as add-ons have
        found["before"] = plan(random, cards, DIGITS[currency]) | {"included": same}
    found["addons"] = []
    if chance(random, 2):
        addon = {"addon": "extra", "fee": number(random, 900, DIGITS[currency]), "quantity": random.randint(1, 3)}
        addon["held"] = [random.choice([held, random.randint(1, held)]), HOURS]
        found["addons"] = [addon | found_included(random, agreed)]
    found["earlier"] = rolling(random, found["plan"])
    calls = [[call(random) for _ in range(random.randint(0, 6))] for _ in range(customers)]
    found["customers"] = [to_an_edge(random, cards, listed) for listed in calls]
    return found


def to_an_edge(random: Random, cards: list[Data], calls: list[Data]) -> list[Data]:
    """Change one call so that all calls together use exactly as much of some meter as one of its tiers holds."""
    edges = [
        (entry["meter"], tier["up_to"])
        for card in cards
        for entry in card["prices"]
        for tiers in entry.get("price", {}).values()
        if entry["meter"] in ("web_search", "gpu_second", "credits") and isinstance(tiers, list)
        for tier in tiers[:-1]
    ]
    charged = [call for call in calls if "reason" not in call]
    if not edges or not charged or chance(random, 3):
        return calls
    meter, bound = random.choice(edges)
    others = sum(Decimal(call["usage"].get(meter, "0")) for call in charged[:-1])
    charged[-1]["usage"][meter] = format(Decimal(bound) - others, "f")
    return calls


def found_included(random: Random, plan: Data) -> Data:
    """Return what an add-on includes: more of what the plan includes."""
    meters = list(plan.get("included", {}))
    return {"included": {random.choice(meters): str(random.randint(1, 500))}} if meters and chance(random, 2) else {}
