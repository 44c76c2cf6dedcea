"""Random rate cards and calls, as the plain data that the reference program reads."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from rating.bills import NOVEMBER
from tollspan_rater.pricing.book import load
from tollspan_rater.pricing.timeline import Applied, Assignment, Segment, segments

Data = dict[str, Any]

MODELS = ("gpt-4.1", "gpt-4.1-mini", "claude-sonnet-4")
PATTERNS = ("*", "gpt-4.1", "gpt-*", "claude-*", "*mini")
METERS = (
    "tokens",
    "input",
    "cache_read",
    "cache_write",
    "cache_write_1h",
    "output",
    "reasoning",
    "request",
    "web_search",
    "tool_use",
    "compaction_in",
)

prices = st.builds(lambda n, scale: str(Decimal(n).scaleb(-scale)), st.integers(0, 5000), st.integers(0, 6)).map(
    lambda text: format(Decimal(text), "f"),
)
pers = st.sampled_from(["1", "1K", "1M"])


@st.composite
def tiers(draw: st.DrawFn) -> list[Data]:
    bounds = sorted(draw(st.sets(st.integers(1, 5000), max_size=3)))
    listed: list[Data] = [{"up_to": str(bound), "price": draw(prices), "flat": draw(prices)} for bound in bounds]
    return [*listed, {"price": draw(prices)}]


price_models = st.one_of(
    st.fixed_dictionaries({"price": prices, "per": pers}),
    st.fixed_dictionaries({"graduated": tiers(), "per": pers}),
    st.fixed_dictionaries({"volume": tiers(), "per": pers}),
    st.fixed_dictionaries(
        {
            "package": st.fixed_dictionaries(
                {"price": prices, "size": st.integers(1, 999).map(str), "free": st.just("50")}
            )
        }
    ),
    st.fixed_dictionaries({"flat": prices}),
)
items = st.fixed_dictionaries(
    {"meter": st.sampled_from(METERS), "model": st.sampled_from(PATTERNS), "provider": st.just("*")}
)


@st.composite
def cards(draw: st.DrawFn) -> Data:
    """A card without two items that fit one model equally well."""
    keys = draw(st.lists(items, min_size=1, max_size=6, unique_by=lambda item: (item["meter"], len(item["model"]))))
    return {
        "fallback": draw(st.sampled_from(["parent", "none"])),
        "prices": [{**key, **draw(price_models)} for key in keys],
    }


@st.composite
def usages(draw: st.DrawFn) -> Data:
    """Inclusive counts in which every part fits into what contains it; some splits are unknown."""
    read, short, long, fresh = (draw(st.integers(0, 900)) for _ in range(4))
    thought, said = draw(st.integers(0, 300)), draw(st.integers(0, 900))
    counts = {
        "request": 1,
        "input": read + short + long + fresh,
        "cache_read": read,
        "cache_write": short + long,
        "cache_write_1h": long,
        "output": thought + said,
        "reasoning": thought,
    }
    for part in draw(
        st.lists(st.sampled_from(["cache_read", "cache_write", "cache_write_1h", "reasoning"]), unique=True)
    ):
        counts.pop(part, None)
        if part == "cache_write":
            counts.pop("cache_write_1h", None)
    rare = {"web_search": draw(st.integers(0, 3)), "tool_use": draw(st.integers(0, fresh))}
    rare |= {"compaction_in": draw(st.integers(0, fresh - rare["tool_use"]))}
    return counts | {meter: count for meter, count in rare.items() if count}


calls = st.lists(
    st.fixed_dictionaries({"model": st.sampled_from(MODELS), "provider": st.just("any"), "usage": usages()}), max_size=6
)
allowances = st.one_of(
    st.just({}),
    st.fixed_dictionaries({"tokens": st.integers(0, 4000).map(str)}),
    st.fixed_dictionaries({"input": st.integers(0, 4000).map(str), "output": st.integers(0, 900).map(str)}),
)


def usable(card: Data, included: Mapping[str, str]) -> Data:
    """Drop allowances that no price of the card stands under: a plan may not have them."""
    below = {
        "tokens": {"tokens", "input", "output", "cache_read", "cache_write", "cache_write_1h", "reasoning"},
        "input": {"input", "cache_read", "cache_write", "cache_write_1h"},
        "output": {"output", "reasoning"},
    }
    priced = {price["meter"] for price in card["prices"]}
    return {meter: quantity for meter, quantity in included.items() if below[meter] & priced}


def laid_out(card: Data, included: Mapping[str, str]) -> tuple[Segment, ...]:
    """The same card and allowance as the rater reads them; JSON is YAML."""
    entries = []
    for price in card["prices"]:
        model = {key: value for key, value in price.items() if key not in ("meter", "model", "provider")}
        entries.append({"model": price["model"], "provider": price["provider"], price["meter"]: model})
    files = {
        "card.yaml": json.dumps({"card": "c", "currency": "USD", "fallback": card["fallback"], "prices": entries}),
        "plan.yaml": json.dumps({"plan": "p", "currency": "USD", "cards": ["c"], "included": dict(included)}),
    }
    return segments(NOVEMBER, [Applied(load(files), 0, 1)], [Assignment("p", 0)], 1)
