"""Prices of the tests, per million: input 2, cache read 0.5, output 8, unless a table says otherwise."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tollspan_rater.cost.book import CostBook
from tollspan_rater.cost.formula import Cost, cost, quantities
from tollspan_rater.cost.rates import MeterRate, Rates, Unknown, bucket
from tollspan_rater.domain.usage import Usage

OTHERWISE = Unknown("unpriced_meter", "the model has no listed price for it")
MILLION = Decimal(10**6)


def rates(overlaps: tuple[tuple[str, str], ...] = (), **per_million: str | dict[int, str]) -> Rates:
    """Rates of one unit from prices per million; a dict is {threshold: price}."""
    steps = {
        meter: tuple((at, Decimal(price) / MILLION) for at, price in prices.items())
        if isinstance(prices, dict)
        else ((0, Decimal(prices) / MILLION),)
        for meter, prices in per_million.items()
    }
    return Rates({meter: MeterRate(s, "USD", "test") for meter, s in steps.items()}, OTHERWISE, "cb_test", overlaps)


PLAIN = rates(input="2", cache_read="0.5", output="8")
FULL = rates(
    input="10", cache_read="1", cache_write="12.5", cache_write_1h="20", audio_in="40", image_in="15",
    output="50", audio_out="80",
)  # fmt: skip


@pytest.mark.parametrize(
    ("example", "calls", "expected"),
    [
        ("a: document summary", [(3200, 0, 740)], "0.01232"),
        ("b: the usage event", [(1200, 0, 350)], "0.0052"),
        ("d: 1,000 of the input cached", [(1200, 1000, 350)], "0.0037"),
        ("l: healthy customer", [(1_000_000, 0, 750_000)], "8"),
        ("l: unhealthy customer", [(30_000_000, 0, 10_000_000)], "140"),
        ("m: short calls", [(400, 0, 100)] * 500, "0.80"),
        ("m: long calls", [(3000, 0, 250)] * 2000, "16.00"),
        ("n: before the drift", [(1200, 0, 300)], "0.0048"),
        ("n: after the drift", [(1200, 0, 1200)], "0.0120"),
        ("o: one run of 15 calls", [(800, 0, 120)] * 15, "0.0384"),
        ("o: its last call", [(800, 0, 120)], "0.00256"),
        ("p: three attempts", [(1000, 0, 50), (1000, 0, 50), (1000, 0, 200)], "0.0084"),
        ("p: retry leakage", [(1000, 0, 50), (1000, 0, 50)], "0.0048"),
    ],
)
def test_examples_of_the_field_cost_exactly_this_with_the_catalogs_gpt_4_1(
    book: CostBook, july: datetime, example: str, calls: list[tuple[int, int, int]], expected: str
) -> None:
    total = Decimal(0)
    for used_input, cached, output in calls:
        used = quantities(Usage(input=used_input, cache_read=cached, output=output))
        answer = book.cost("openai", "gpt-4.1", july, used)
        assert isinstance(answer, Cost)
        total += answer.amount
    assert total == Decimal(expected)


@pytest.mark.parametrize(
    ("usage", "expected", "flags"),
    [
        (Usage(input=0, output=0), "0", ()),
        (
            Usage(input=100, cache_read=0, output=0),
            "0.001",
            ("cache_write_unknown", "audio_in_unknown", "image_in_unknown"),
        ),
        (  # 20x10 + 40x1 + 10x12.5 + 20x20 + 5x40 + 5x15 + 6x50 + 4x80
            Usage(
                input=100,
                cache_read=40,
                cache_write=30,
                cache_write_5m=10,
                cache_write_1h=20,
                audio_in=5,
                image_in=5,
                output=10,
                audio_out=4,
            ),
            "0.00166",
            (),
        ),
        (  # which of the writes last an hour is unknown
            Usage(input=100, cache_read=0, cache_write=30, audio_in=0, image_in=0, output=0),
            "0.001075",
            ("cache_write_1h_unknown",),
        ),
        (  # only the writes of an hour are known
            Usage(input=100, cache_read=0, cache_write_1h=20, audio_in=0, image_in=0, output=0),
            "0.0012",
            (),
        ),
        (Usage(input=0, output=100, reasoning=60, audio_out=0), "0.005", ()),  # reasoning is inside output
    ],
)
def test_a_token_costs_the_rate_of_its_most_specific_priced_meter(
    usage: Usage, expected: str, flags: tuple[str, ...]
) -> None:
    answer = cost(quantities(usage), FULL)
    assert isinstance(answer, Cost)
    assert answer.amount == Decimal(expected)
    assert set(answer.flags) == set(flags)


@pytest.mark.parametrize(
    ("units", "expected"),
    [
        ({"tool_use": 60}, "0.0002"),  # inside the input, at its rate
        ({"cache_read_audio": 4}, "0.000185"),  # (100 - 10 - 28 + 4)x2 + (28 - 4)x2 + 10x0.5
        ({"compaction_in": 40}, "0.0002"),  # so is what was read for a compaction
    ],
    ids=str,
)
def test_rare_parts_and_compactions_cost_what_their_nearest_meter_costs(units: dict[str, int], expected: str) -> None:
    audio = {"audio_in": Decimal(28)} if "cache_read_audio" in units else {}
    read = {"cache_read": Decimal(10 if audio else 0)}
    used = {"input": Decimal(100), **read, **audio, "output": Decimal(0)}
    answer = cost({**used, **{name: Decimal(count) for name, count in units.items()}}, PLAIN)
    assert isinstance(answer, Cost)
    assert answer.amount == Decimal(expected)


def test_an_advisor_is_another_model_and_costs_what_nobody_knows() -> None:
    answer = cost({"input": Decimal(1), "output": Decimal(1), "advisor_in": Decimal(5)}, PLAIN)
    assert isinstance(answer, Unknown)
    assert answer.reason == "unpriced_meter"


def test_reasoning_costs_its_own_rate_where_it_has_one() -> None:
    """output 8, reasoning 3; 100 out of which 60 reasoning"""
    answer = cost({"output": Decimal(100), "reasoning": Decimal(60)}, rates(output="8", reasoning="3"))
    assert isinstance(answer, Cost)
    assert answer.amount == Decimal("0.0005")


def test_unknown_cache_reads_stay_at_the_input_rate_and_are_flagged() -> None:
    answer = cost(quantities(Usage(input=1200, output=350)), PLAIN)
    assert isinstance(answer, Cost)
    assert (answer.amount, answer.flags) == (Decimal("0.0052"), ("cache_read_unknown",))


@pytest.mark.parametrize(
    ("used", "price", "reason"),
    [
        (quantities(Usage()), PLAIN, "unmeasured"),
        ({}, PLAIN, "unmeasured"),
        (quantities(Usage(input=5)), PLAIN, "unmeasured"),  # output costs something and is unknown
        (quantities(Usage(output=5)), PLAIN, "unmeasured"),
        (quantities(Usage(input=5, cache_read=6, output=0)), PLAIN, "inconsistent_usage"),
        (quantities(Usage(input=9, cache_read=5, audio_in=5, output=0)), PLAIN, "inconsistent_usage"),
        (quantities(Usage(input=5, output=5, units={"web_search": Decimal(1)})), PLAIN, "unpriced_meter"),
        (quantities(Usage(input=5, output=5)), rates(input="2"), "unpriced_meter"),
        (
            quantities(Usage(input=9, cache_read=2, audio_in=2, output=0)),
            rates((("cache_read", "audio_in"),), input="2", cache_read="1", audio_in="9", output="8"),
            "unsplit_usage",
        ),
    ],
)
def test_what_cannot_be_priced_is_unknown_with_a_reason(
    used: Mapping[str, Decimal | None], price: Rates, reason: str
) -> None:
    answer = cost(used, price)
    assert isinstance(answer, Unknown)
    assert answer.reason == reason
    assert answer.detail


@pytest.mark.parametrize(
    ("used", "price", "expected"),
    [
        (quantities(Usage(input=5, units={"web_search": Decimal(0)})), rates(input="2"), "0.00001"),  # embeddings
        ({"tool_call": Decimal(3)}, rates(tool_call="1000", input="2"), "0.003"),  # a unit measure has no tokens
        ({"request": Decimal(2)}, rates(request="5000"), "0.01"),
        (quantities(Usage(input=0, output=0), requests=3), rates(request="5000", input="1", output="1"), "0.015"),
        ({"gpu_second": Decimal("1.5")}, rates(gpu_second="1000000"), "1.5"),
    ],
)
def test_units_and_fees(used: Mapping[str, Decimal | None], price: Rates, expected: str) -> None:
    answer = cost(used, price)
    assert isinstance(answer, Cost)
    assert answer.amount == Decimal(expected)


def test_parts_in_two_currencies_have_no_sum() -> None:
    mixed = Rates(
        {
            "input": MeterRate(((0, Decimal(1)),), "USD", "t"),
            "output": MeterRate(((0, Decimal(1)),), "EUR", "t"),
        },
        OTHERWISE,
        "cb_test",
    )
    answer = cost({"input": Decimal(1), "output": Decimal(1)}, mixed)
    assert isinstance(answer, Unknown)
    assert answer.reason == "mixed_currency"
    alone = cost({"input": Decimal(0), "output": Decimal(1)}, mixed)
    assert isinstance(alone, Cost)
    assert alone.currency == "EUR"


@pytest.mark.parametrize(
    ("total", "expected"), [(0, 0), (199_999, 0), (200_000, 0), (200_001, 200_000), (272_001, 272_000)]
)
def test_a_bucket_begins_above_its_threshold(total: int, expected: int) -> None:
    assert bucket(total, (200_000, 272_000)) == expected


TIERED = rates(
    input={0: "3", 200_000: "6"},
    cache_read={0: "0.3", 200_000: "0.6"},
    output={0: "15", 200_000: "22.5", 272_000: "30"},
)


@st.composite
def token_usage(draw: st.DrawFn) -> dict[str, Decimal | None]:
    total = draw(st.integers(0, 500_000) | st.sampled_from([200_000, 200_001, 272_000, 272_001]))
    cached = draw(st.none() | st.integers(0, total))
    return quantities(Usage(input=total, cache_read=cached, output=draw(st.integers(0, 100_000))))


@given(st.lists(token_usage(), min_size=1, max_size=20))
def test_the_cost_of_a_bucket_is_the_sum_of_its_calls(calls: list[dict[str, Decimal | None]]) -> None:
    groups: dict[int, dict[str, Decimal]] = {}
    one_by_one = Decimal(0)
    for used in calls:
        answer = cost(used, TIERED)
        assert isinstance(answer, Cost)
        one_by_one += answer.amount
        sums = groups.setdefault(bucket(used["input"] or Decimal(0), TIERED.thresholds), {})
        for meter, quantity in used.items():
            if quantity is not None:
                sums[meter] = sums.get(meter, Decimal(0)) + quantity
    aggregated = Decimal(0)
    for at, sums in groups.items():
        answer = cost(sums, TIERED, at)
        assert isinstance(answer, Cost)
        aggregated += answer.amount
    assert aggregated == one_by_one


@given(token_usage())
def test_the_parts_add_up_to_the_amount(used: dict[str, Decimal | None]) -> None:
    answer = cost(used, TIERED)
    assert isinstance(answer, Cost)
    assert answer.amount == sum((part.amount for part in answer.parts), Decimal(0))
    assert all(part.amount == part.quantity * part.rate for part in answer.parts)
