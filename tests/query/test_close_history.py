"""Random histories: whatever came late, moved or was priced anew, and whatever was closed when, as much is paid."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from decimal import Decimal
from random import Random
from typing import Any

import pytest

from query.shop import Shop, at, card, plan
from tests.extract.spans import OTEL, a_span, chat
from tests.pipeline.rig import request
from tollspan import semconv

CUSTOMERS = ("a", "b")
MONTHS = ("2026-09", "2026-10", "2026-11")
TIERS = {"graduated": [{"up_to": "700", "price": "0.0031"}, {"price": "0.0011"}]}
CARDS = (
    card([{"input": TIERS, "output": "0.0007"}], per="1"),
    card([{"input": "0.0029", "output": "0.0013"}], per="1"),
)
PLAN = plan("pro", base_fee="9.99", included={"output": "100"})

Act = tuple[str, Any]


def history(random: Random, length: int) -> list[Act]:
    """Usage, views of calls that say more later, prices, and closes of each customer's months in their order."""
    acts: list[Act] = []
    for number in range(length):
        customer, month, day = random.choice(CUSTOMERS), random.choice(MONTHS), random.randint(1, 27)
        said = (number, customer, f"{month}-{day:02}T23:00:00Z", random.randint(1, 999))
        acts.append(random.choice((("use", said), ("use", said), ("view", said), ("price", number % len(CARDS)))))
    for number, customer, started, tokens in [said for kind, said in acts if kind == "view"]:
        other = (number, CUSTOMERS[1 - CUSTOMERS.index(customer)], started.replace("T23:00:00", "T23:00:01"), tokens)
        acts.insert(random.randint(length // 2, len(acts)), ("own", other))
    for customer in CUSTOMERS:
        places = sorted(random.randint(2, length // 2) for _month in MONTHS[:2])
        for month, place in reversed(list(zip(MONTHS, places, strict=False))):
            acts.insert(place, ("close", (customer, month)))
    return acts


def act(shop: Shop, kind: str, said: Any) -> None:
    if kind == "price":
        shop.price({"card.yaml": CARDS[said], "plan.yaml": PLAN})
    elif kind == "close":
        shop.close(said[1], customer=said[0])
    elif kind == "use":
        _number, customer, started, tokens = said
        shop.send(shop.call(started, {"input": tokens, "output": tokens // 3}, customer=customer))
    else:
        shop.put(seen(shop, kind, *said), encoding="otlp-json")


def seen(shop: Shop, kind: str, number: int, customer: str, started: str, tokens: int) -> bytes:
    """A framework's view of a call, or our own record below it, which says another customer and time."""
    said: dict[str, Any] = chat(tokens, tokens // 3) | {"tollspan.customer": customer}
    own = kind == "own"
    if own:
        said |= {semconv.RECORD_ID: f"r{number}"}
    place = {"span_id": f"{2 if own else 1:016x}", "parent_id": f"{1:016x}" if own else ""}
    times = {"start_ns": at(started), "end_ns": at(started) + 5_000_000_000}
    return request(
        [a_span(said, trace_id=f"{number + 1:032x}", scope=semconv.SCOPE_NAME if own else OTEL, **place, **times)]
    )


def begun(shop: Shop) -> Shop:
    shop.price({"card.yaml": CARDS[0], "plan.yaml": PLAN})
    for name in CUSTOMERS:
        shop.customer(name, plan="pro", **{"from": "2026-09-01"})
    return shop


def paid(shop: Shop) -> Counter[str]:
    """What each customer was billed on all statements, and what is on the bill of the running month."""
    sums: Counter[str] = Counter()
    for row in shop.ask("statements.list").rows:
        sums[str(row["customer"])] += row["amount"]  # type: ignore[assignment]
    for row in shop.ask("invoice", all="true", period="2026-12").rows:
        sums[str(row["customer"])] += row["amount"]  # type: ignore[assignment]
    return sums


def digests(shop: Shop) -> list[Any]:
    return [row["digest"] for row in shop.ask("statements.list").rows]


def at_once(shop: Shop, acts: Sequence[Act]) -> Shop:
    """The same usage and the last prices, known before anything is closed."""
    for kind, said in acts:
        if kind in {"use", "view", "own"}:
            act(shop, kind, said)
    prices = [said for kind, said in acts if kind == "price"]
    act(shop, "price", prices[-1] if prices else 0)
    return shop


@pytest.mark.parametrize("seed", range(2))
def test_the_order_of_events_and_closes_does_not_change_what_is_paid(open_shop: Callable[[], Shop], seed: int) -> None:
    acts = history(Random(seed), 12)  # noqa: S311 - drawn again from its seed
    shop, twin = begun(open_shop()), begun(open_shop())
    known: list[Any] = []
    for kind, said in acts:
        act(shop, kind, said)
        if kind != "close":
            continue
        stand = digests(shop)
        assert [digest for digest in stand if digest in known] == known
        known = stand
    at_once(twin, acts)
    for month in MONTHS:
        shop.close(month, all=True)
        twin.close(month, all=True)
    assert paid(shop) == paid(twin)
    assert all(amount >= Decimal("9.99") * 4 for amount in paid(shop).values())
    assert sum(int(str(row["adjustments"])) for row in shop.ask("statements.list").rows) > 0
    assert sum(int(str(row["adjustments"])) for row in twin.ask("statements.list").rows) == 0
    assert [row for row in shop.ask("audit").rows if not row["holds"]] == []
