"""Quantiles of what calls took, held against the list of calls and a definition of one line."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_FLOOR, Decimal
from math import ceil
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from query.shop import SECOND, Shop, at, card, plan
from tollspan_rater.domain.clock import from_ns, to_ns
from tollspan_rater.query.latency import length_class
from tollspan_rater.query.quantile import MEASURES, QUANTILES

MS = 1_000_000
START = "2026-11-02T10:00:00Z"


def lasting(shop: Shop, ms: float, output: int | None = None, *, ttft: int | None = None, **said: Any) -> Any:
    """A call of so many milliseconds."""
    started = at(said.pop("started", START))
    counts = None if output is None else {"input": 10, "output": output}
    seconds = None if ttft is None else ttft / 1000
    return shop.call(started, counts, end_ns=started + int(ms * MS), ttft_seconds=seconds, **said)


def test_a_quantile_is_the_smallest_value_that_so_many_calls_do_not_exceed(shop: Shop) -> None:
    shop.send(*(lasting(shop, ms, 100, ttft=ms // 10, customer="acme") for ms in range(100, 2_100, 100)))
    [row] = shop.ask("latency", by="customer", quantiles="p10,p50,p95,p99,p999").rows
    assert row == {
        "customer": "acme", "calls": 20,
        "ttft_ms_p10": 20, "ttft_ms_p50": 100, "ttft_ms_p95": 190, "ttft_ms_p99": 200, "ttft_ms_p999": 200,
        "unknown_ttft": 0,
        "duration_ms_p10": 200, "duration_ms_p50": 1_000, "duration_ms_p95": 1_900, "duration_ms_p99": 2_000,
        "duration_ms_p999": 2_000, "unknown_duration": 0,
        **{f"output_tokens_{name}": 100 for name in ("p10", "p50", "p95", "p99", "p999")}, "unknown_output": 0,
        # 100 tokens in 2.0 s ... 0.1 s: 50, 52.63, ... 500, 1000 tokens a second
        "output_tokens_per_second_p10": Decimal("52.63"), "output_tokens_per_second_p50": Decimal("90.9"),
        "output_tokens_per_second_p95": Decimal(500), "output_tokens_per_second_p99": Decimal(1_000),
        "output_tokens_per_second_p999": Decimal(1_000), "unknown_rate": 0,
    }  # fmt: skip


def test_what_is_not_stated_is_counted_and_is_no_zero(shop: Shop) -> None:
    shop.send(lasting(shop, 0, 7), lasting(shop, 400), lasting(shop, 200, 0, ttft=0), lasting(shop, 0.9, 5))
    answer = shop.ask("latency", by="provider", quantiles="p10,p999")
    [row] = answer.rows
    assert (row["ttft_ms_p10"], row["ttft_ms_p999"], row["unknown_ttft"]) == (0, 0, 3)
    assert (row["duration_ms_p10"], row["duration_ms_p999"], row["unknown_duration"]) == (0, 400, 1)
    assert (row["output_tokens_p10"], row["output_tokens_p999"], row["unknown_output"]) == (0, 7, 1)
    assert (row["output_tokens_per_second_p10"], row["unknown_rate"]) == (0, 2)
    assert list(answer.notes) == [
        "3 of 4 calls do not state a time to first token; they are not counted as 0",
        "1 of 4 calls do not state a duration; they are not counted as 0",
        "1 of 4 calls do not state output tokens; they are not counted as 0",
        "2 of 4 calls do not state output tokens and a duration; they are not counted as 0",
    ]


def test_nothing_known_is_unknown(shop: Shop) -> None:
    shop.send(lasting(shop, 0, customer="acme"), shop.unit(START, "page", "3", customer="acme"))
    [row] = shop.ask("latency", by="customer").rows
    assert {name for name, value in row.items() if value is None} == {
        f"{measure}_{name}"
        for measure in ("ttft_ms", "duration_ms", "output_tokens", "output_tokens_per_second")
        for name in ("p50", "p95")
    }
    assert row["calls"] == 1


@pytest.mark.parametrize("asked", [{}, {"customer": "acme", "from": "2026-12-01"}, {"model": "no such"}])
def test_where_there_are_no_calls_a_note_says_so(shop: Shop, asked: dict[str, str]) -> None:
    if asked:
        shop.send(lasting(shop, 10, 10, customer="acme"))
    answer = shop.ask("latency", **asked)
    assert (list(answer.rows), answer.totals, list(answer.notes)) == ([], None, ["there are no calls"])


@pytest.mark.parametrize(
    ("first", "name"), [(None, None), (0, "0"), (1, "1"), (2, "2-3"), (256, "256-511"), (1 << 20, "1048576-2097151")]
)
def test_classes_of_output_lengths(first: int | None, name: str | None) -> None:
    assert length_class(first) == name


def test_longer_answers_take_longer(shop: Shop) -> None:
    shop.send(*(lasting(shop, 10 * tokens, tokens) for tokens in (0, 1, 2, 3, 255, 256, 511, 512)), lasting(shop, 9))
    answer = shop.ask("latency", by="output_length", sort="output_tokens", quantiles="p50")
    assert [(row["output_length"], row["calls"], row["duration_ms_p50"]) for row in answer.rows] == [
        ("512-1023", 1, 5_120),
        ("256-511", 2, 2_560),
        ("128-255", 1, 2_550),
        ("2-3", 2, 20),
        ("1", 1, 10),
        ("0", 1, None),
        (None, 1, 9),
    ]


@pytest.mark.parametrize(
    ("sort", "models"),
    [("calls", ["fast", "slow"]), ("duration_ms", ["slow", "fast"]), ("output_tokens_per_second", ["fast", "slow"]),
     ("model", ["fast", "slow"])],
)  # fmt: skip
def test_rows_are_sorted_by_the_last_quantile_of_a_measure(shop: Shop, sort: str, models: list[str]) -> None:
    shop.send(lasting(shop, 900, 9, request_model="slow"), lasting(shop, 100, 9, request_model="fast"))
    shop.send(lasting(shop, 200, 9, request_model="fast"))
    assert [row["model"] for row in shop.ask("latency", sort=sort).rows] == models
    assert [row["model"] for row in shop.ask("latency", sort=sort, top="1").rows] == models[:1]


ZONE = "America/New_York"
DAY = 86_400 * SECOND
DIMENSIONS = ("customer", "feature", "model", "outcome", "environment", "plan", "segment", "day", "output_length")
ONLY = {
    "customer": "acme",
    "model": "b",
    "outcome": "aborted",
    "environment": "test",
    "from": "2026-11-04",
    "segment": "small",
}


@dataclass(frozen=True)
class Spec:
    """One call as it was made: its dimensions, and what it took."""

    started_ns: int
    lasted_ns: int | None
    ttft_ms: int | None
    output: int | None
    said: dict[str, str | None]

    def dimension(self, name: str) -> str | None:
        if name == "day":
            return from_ns(self.started_ns).astimezone(ZoneInfo(ZONE)).strftime("%Y-%m-%d")
        if name == "output_length":
            return length_class(self.output and 2 ** (self.output.bit_length() - 1))
        return self.said[name]

    def wanted(self, only: Mapping[str, str]) -> bool:
        since = to_ns(datetime.fromisoformat(only["from"]).replace(tzinfo=ZoneInfo(ZONE))) if "from" in only else 0
        equal = all(self.said[name] == value for name, value in only.items() if name != "from")
        return self.started_ns >= since and equal

    @property
    def figures(self) -> tuple[int | None, int | None, int | None, Decimal | None]:
        lasted = self.lasted_ns
        rate = None
        if lasted is not None and self.output is not None:
            exact = Decimal(self.output * SECOND) / lasted
            rate = exact.quantize(Decimal("0.01"), ROUND_FLOOR)
        return self.ttft_ms, None if lasted is None else lasted // MS, self.output, rate


def spec(number: int) -> Spec:
    """Return a call of a series in which everything changes at its own pace."""
    started_ns = at(START) + number * DAY // 40
    length = (number * number * 7919) % 900 * MS + number + 1
    customer = (None, "acme", "globex")[number % 3]
    weekly = customer == "globex" or (customer == "acme" and started_ns >= at("2026-11-04T00:00Z"))
    return Spec(
        started_ns,
        None if number % 11 == 0 else length,
        None if number % 4 == 0 else length // (4 * MS),
        None if number % 7 == 0 else (number * 37) % 600,
        {
            "customer": customer,
            "feature": (None, "chat", "search")[number % 5 % 3],
            "model": ("a", "b")[number % 5 % 2],
            "outcome": ("complete", "aborted")[number % 9 == 0],
            "environment": ("production", "test")[number % 8 == 0],
            "plan": None if customer is None else ("pro", "weekly")[weekly],
            "segment": {"acme": "big", "globex": "small"}.get(customer or ""),
        },
    )


SPECS = [spec(number) for number in range(200)]


@pytest.fixture(scope="module")
def busy(open_shop: Callable[[], Shop]) -> Shop:
    """Two hundred calls of two customers with other plans, over days and a change of plan."""
    shop = open_shop()
    prices = card([{"input": "1"}], per="1M")
    shop.price({"card.yaml": prices, "p.yaml": plan("pro"), "w.yaml": plan("weekly", every="week")})
    shop.customer("acme", plan="pro", segment="big")
    shop.customer("acme", plan="weekly", **{"from": "2026-11-04"})
    shop.customer("globex", plan="weekly", segment="small")
    kept = ("customer", "feature", "environment", "outcome")
    shop.send(
        *(
            shop.call(
                one.started_ns,
                None if one.output is None else {"input": 10, "output": one.output},
                end_ns=one.started_ns + (one.lasted_ns or 0),
                ttft_seconds=None if one.ttft_ms is None else one.ttft_ms / 1000,
                request_model=one.said["model"],
                **{name: one.said[name] for name in kept},
            )
            for one in SPECS
        )
    )
    return shop


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.sampled_from(DIMENSIONS), min_size=1, max_size=3, unique=True),
    st.lists(st.sampled_from(sorted(QUANTILES)), min_size=1, max_size=3, unique=True),
    st.sets(st.sampled_from(sorted(ONLY)), max_size=2),
)
def test_quantiles_of_any_grouping_are_those_of_the_calls_that_were_made(
    busy: Shop, by: list[str], quantiles: list[str], filtered: set[str]
) -> None:
    only = {name: ONLY[name] for name in filtered}
    answer = busy.ask("latency", by=",".join(by), quantiles=",".join(quantiles), zone=ZONE, **only)
    made = [one for one in SPECS if one.wanted(only)]
    groups: dict[tuple[str | None, ...], list[Spec]] = {}
    for one in made:
        groups.setdefault(tuple(dimension(one, name) for name in by), []).append(one)
    assert {tuple(row[name] for name in by): figures_of(row, by) for row in answer.rows} == {
        key: figures(calls, quantiles) for key, calls in groups.items()
    }
    assert answer.totals == (figures(made, quantiles) if made else None)


def dimension(one: Spec, name: str) -> str | None:
    return one.dimension(name) or {"customer": "unattributed"}.get(name)


def figures_of(row: Mapping[str, object], by: Sequence[str]) -> dict[str, object]:
    return {name: value for name, value in row.items() if name not in {*by, "begins_at"}}


def figures(calls: Sequence[Spec], quantiles: Sequence[str]) -> dict[str, object]:
    found: dict[str, object] = {"calls": len(calls)}
    for place, (measure, unknown) in enumerate(MEASURES.items()):
        known = sorted(value for value in (one.figures[place] for one in calls) if value is not None)
        for name in quantiles:
            at_most = ceil(Decimal(QUANTILES[name]) * len(known))
            found[f"{measure}_{name}"] = known[at_most - 1] if known else None
        found[unknown] = len(calls) - len(known)
    return found
