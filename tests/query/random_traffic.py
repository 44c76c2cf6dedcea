"""Random calls of random customers around the ends of months, in several zones and plans."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from query.shop import SECOND, Shop, at, card, identity, plan
from tollspan.record import CallRecord

Data = dict[str, Any]
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Pacific/Auckland")
MODELS = ("gpt-4.1", "gpt-4.1-mini", "nobody-sells-this")
EDGES = tuple(
    at(text)
    for text in (
        "2026-10-01T00:00Z",
        "2026-10-25T01:00Z",
        "2026-11-01T00:00Z",
        "2026-11-01T06:00Z",
        "2026-12-01T00:00Z",
    )
)
HALF_DAY = 43_200

PRICES = {
    "cards.yaml": {
        "card": "flat", "currency": "USD", "per": "1M", "fallback": "none",
        "prices": [
            {"model": "gpt-*", "input": "4", "output": "16", "cache_read": "1"},
            {"model": "gpt-4.1-mini", "input": "0.8", "output": "3.2"},
        ],
    },
    "tiers.yaml": card(
        [{"tokens": {"graduated": [{"up_to": "5000", "price": "0.01"}, {"price": "0.003"}], "per": "1K"}}]
    ),
    "euro.yaml": card([{"request": "0.02", "input": {"package": {"price": "1", "size": "1000"}}}], currency="EUR"),
    "events.yaml": {
        "card": "events", "currency": "USD",
        "prices": [{"request": {"percentage": {"rate": "2.5", "fixed": "0.01", "min": "0.02"}}}],
    },
    "counted.yaml": {"plan": "counted", "currency": "USD", "cards": ["events"]},
    "linear.yaml": {"plan": "linear", "currency": "USD", "cards": ["flat"], "base_fee": "9"},
    "tiered.yaml": plan("tiered", included={"tokens": "2000"}),
    "packed.yaml": plan("packed", currency="EUR", policy={"attempts": "all"}),
}  # fmt: skip
PLANS = ("linear", "tiered", "packed", "counted", None)

counts = st.one_of(
    st.none(),
    st.builds(
        lambda fresh, read, thought, said: {
            "input": fresh + read, "cache_read": read, "output": thought + said, "reasoning": thought,
        },
        st.integers(0, 3000), st.integers(0, 500), st.integers(0, 300), st.integers(0, 900),
    ),
    st.builds(lambda fresh: {"input": fresh}, st.integers(0, 3000)),
)  # fmt: skip
calls = st.fixed_dictionaries(
    {
        "edge": st.sampled_from(EDGES),
        "offset": st.integers(-HALF_DAY, HALF_DAY),
        "counts": counts,
        "model": st.sampled_from(MODELS),
        "customer": st.sampled_from(["a", "b", "c", None]),
        "feature": st.sampled_from(["chat", "search", None]),
        "user": st.sampled_from(["ann", "bob", None]),
        "environment": st.sampled_from([None, "production", "test"]),
        "phase": st.sampled_from([None, "trial"]),
        "outcome": st.sampled_from(["complete", "complete", "failed", "aborted"]),
        "retries": st.integers(0, 1),
    }
)
customers = st.lists(st.tuples(st.sampled_from(PLANS), st.sampled_from(ZONES)), min_size=3, max_size=3)


def settle_in(shop: Shop, drawn: list[Data], known: list[tuple[str | None, str]]) -> None:
    """Apply the prices, set the customers, send the calls, each with its retries."""
    shop.price(PRICES)
    for name, (plan_name, zone) in zip("abc", known, strict=True):
        shop.customer(name, zone=zone, **({} if plan_name is None else {"plan": plan_name}))
    records = [record for call in drawn for record in attempts(shop, call)]
    if records:
        shop.send(*records)


def attempts(shop: Shop, call: Data) -> list[CallRecord]:
    """The call, and what it was retried with; a retried attempt failed."""
    start = call["edge"] + call["offset"] * SECOND
    said = {name: call[name] for name in ("customer", "feature", "user", "environment", "phase")}
    made: list[CallRecord] = []
    for attempt in range(1, call["retries"] + 2):
        last = attempt == call["retries"] + 1
        first = made[0].identity if made else None
        ids = None if first is None else identity(first.span_id, attempt, trace=first.trace_id)
        made.append(
            shop.call(
                start + attempt * SECOND,
                call["counts"] if last else None,
                request_model=call["model"],
                outcome=call["outcome"] if last else "failed",
                attempt=attempt,
                retry_of=None if first is None else first.record_id,
                **({} if ids is None else {"identity": ids}),
                **said,
            )
        )
    return made
