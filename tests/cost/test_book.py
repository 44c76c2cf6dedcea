"""Layers of the book: contract over corrections over catalog. gpt-4.1 is listed at 2 / 0.50 / 8 per million."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from textwrap import dedent

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tollspan_rater.cost.book import CostBook
from tollspan_rater.cost.catalog import Catalog
from tollspan_rater.cost.contract import parse_contract
from tollspan_rater.cost.formula import Cost, cost, quantities
from tollspan_rater.cost.rates import Rates, Unknown, bucket
from tollspan_rater.domain.clock import to_ns
from tollspan_rater.domain.usage import Usage

CALL = quantities(Usage(input=1_000_000, cache_read=0, output=1_000_000))


def with_contract(catalog: Catalog, text: str) -> CostBook:
    return CostBook(catalog, parse_contract(dedent(text), "costs.yaml"))


def amount(
    book: CostBook, at: datetime, provider: str = "openai", model: str = "gpt-4.1", tier: str | None = None
) -> Decimal:
    answer = book.cost(provider, model, at, CALL, tier)
    assert isinstance(answer, Cost), answer
    return answer.amount


def test_the_catalog_lists_gpt_4_1_at_2_and_050_and_8(book: CostBook, july: datetime) -> None:
    rates = book.rates("openai", "gpt-4.1", july)
    assert isinstance(rates, Rates)
    per_million = {meter: rate.at(0) for meter, rate in rates.meters.items()}
    assert per_million["input"] == Decimal("0.000002")
    assert per_million["cache_read"] == Decimal("0.0000005")
    assert per_million["output"] == Decimal("0.000008")


def test_a_negotiated_rate_stands_above_the_list_for_its_meter_model_and_time(
    catalog: Catalog, july: datetime, november: datetime
) -> None:
    """
    costs: openai gpt-4.1, input 1.60 per 1M, 2026-07-01 to 2026-08-01
    usage 1M in, 1M out
    """
    book = with_contract(
        catalog,
        """
        costs:
          - {provider: openai, model: gpt-4.1, from: 2026-07-01, to: 2026-08-01, rates: {input: {per_1m: 1.60}}}
        """,
    )
    assert amount(book, july) == Decimal("9.60")
    assert amount(book, november) == 10
    assert amount(book, datetime(2026, 7, 1, tzinfo=UTC)) == Decimal("9.60")
    assert amount(book, datetime(2026, 7, 1, tzinfo=UTC) - timedelta(microseconds=1)) == 10
    assert amount(book, datetime(2026, 8, 1, tzinfo=UTC)) == 10
    assert amount(book, july, model="gpt-4.1-2025-04-14") == Decimal("9.60")  # another id of the same listed model
    assert amount(book, july, model="gpt-4.1-mini") == Decimal("2.0")


def test_a_negotiated_rate_stands_above_a_correction(catalog: Catalog) -> None:
    book = with_contract(
        catalog,
        """
        costs:
          - {provider: deepseek, model: deepseek-chat, rates: {input: {per_1m: 0.28}, output: {per_1m: 0.42}}}
        """,
    )
    assert amount(book, datetime(2026, 3, 1, tzinfo=UTC), "deepseek", "deepseek-chat") == Decimal("0.70")


def test_the_first_entry_that_has_a_meter_wins(catalog: Catalog, july: datetime) -> None:
    book = with_contract(
        catalog,
        """
        costs:
          - {provider: openai, model: gpt-4.1, rates: {input: {per_1m: 1}}}
          - {provider: openai, model: "gpt-*", rates: {input: {per_1m: 9}, output: {per_1m: 9}}}
        """,
    )
    assert amount(book, july) == 10


def test_a_rate_without_a_tier_is_for_the_standard_tier(catalog: Catalog, november: datetime) -> None:
    """gpt-4.1 batch is listed at half price"""
    rates = "{{input: {{per_1m: 0.5}}, output: {{per_1m: 0.5}}}}"
    text = "costs: [{{provider: openai, model: gpt-4.1, {tier}rates: " + rates + "}}]"
    assert amount(with_contract(catalog, text.format(tier="")), november) == 1
    assert amount(with_contract(catalog, text.format(tier="")), november, tier="batch") == 5
    assert amount(with_contract(catalog, text.format(tier="tier: batch, ")), november) == 10
    assert amount(with_contract(catalog, text.format(tier="tier: batch, ")), november, tier="batch") == 1
    assert amount(with_contract(catalog, text.format(tier="tier: '*', ")), november, tier="flex") == 1


def test_a_discount_is_taken_off_the_list_but_not_off_a_negotiated_rate(catalog: Catalog, july: datetime) -> None:
    """10 % off; input negotiated at 2: 2 + 8 x 0.9 = 9.20"""
    text = """
        costs:
          - {provider: openai, model: gpt-4.1, rates: {input: {per_1m: 2}}}
          - {provider: openai, from: 2026-07-01, discount_percent: 10}
          - {provider: openai, discount_percent: 50}
        """
    book = with_contract(catalog, text)
    assert amount(book, july) == Decimal("9.20")
    assert amount(book, datetime(2026, 6, 30, tzinfo=UTC)) == 6
    assert amount(book, july, "anthropic", "claude-3-5-haiku-latest") == Decimal("4.8")


def test_any_meter_may_have_a_cost_also_without_a_provider(catalog: Catalog, july: datetime) -> None:
    book = with_contract(
        catalog,
        """
        costs:
          - rates: {tool_call: {per_1: 0.001}, retrieval: {per_1k: 0.4}}
          - {provider: vllm, model: "llama-*", rates: {gpu_second: {per_1: 0.0007}}, currency: EUR}
        """,
    )
    tool = book.cost(None, None, july, {"tool_call": Decimal(7)})
    gpu = book.cost("vllm", "llama-3", july, {"gpu_second": Decimal("12.5")})
    assert isinstance(tool, Cost)
    assert isinstance(gpu, Cost)
    assert (tool.amount, tool.currency) == (Decimal("0.007"), "USD")
    assert (gpu.amount, gpu.currency) == (Decimal("0.00875"), "EUR")
    tokens = book.cost("vllm", "llama-3", july, CALL)
    assert isinstance(tokens, Unknown)
    assert tokens.reason == "unknown_provider"


def test_a_currency_that_is_not_used_by_a_call_does_not_disturb_it(catalog: Catalog, july: datetime) -> None:
    book = with_contract(catalog, "costs: [{currency: EUR, rates: {tool_call: {per_1: 1}}}]")
    assert amount(book, july) == 10


def test_a_book_is_named_by_everything_that_makes_its_prices(catalog: Catalog) -> None:
    plain = CostBook(catalog)
    cheaper = with_contract(catalog, "costs: [{provider: openai, rates: {input: {per_1m: 1}}}]")
    same = with_contract(catalog, "costs: [{provider: openai, rates: {input: {per_1m: 1}}}]")
    discount = with_contract(catalog, "costs: [{discount_percent: 1}]")
    versions = [book.version for book in (plain, cheaper, same, discount, CostBook(catalog, corrections=()))]
    assert all(version.startswith("cb_") and len(version) == 19 for version in versions)
    assert versions[1] == versions[2]
    assert len(set(versions)) == 4


def test_an_instant_may_be_given_in_nanoseconds(book: CostBook, july: datetime) -> None:
    assert book.rates("openai", "gpt-4.1", to_ns(july)) is book.rates("openai", "gpt-4.1", july)


def test_where_rates_may_change(book: CostBook) -> None:
    assert book.boundaries("openai", "o3") is not None
    assert to_ns(datetime(2025, 6, 10, tzinfo=UTC)) in (book.boundaries("openai", "o3") or ())
    assert book.boundaries("deepseek", "deepseek-v4-pro") is None
    assert book.thresholds("google", "gemini-2.5-pro") == (200_000,)
    assert book.thresholds("openai", "gpt-4.1") == ()
    assert book.thresholds("nobody", "nothing") == ()


MODELS = [
    ("openai", "gpt-4.1"),
    ("openai", "gpt-5.6-sol"),
    ("openai", "o3"),
    ("anthropic", "claude-sonnet-4-20250514"),
    ("anthropic", "claude-opus-4-6"),
    ("google", "gemini-2.5-pro"),
]


@st.composite
def calls(draw: st.DrawFn) -> list[tuple[int, dict[str, Decimal | None]]]:
    day = st.integers(0, 700).map(lambda days: to_ns(datetime(2025, 1, 1, tzinfo=UTC) + timedelta(days=days)))
    total = st.sampled_from([0, 1, 200_000, 200_001, 272_000, 272_001]) | st.integers(0, 400_000)
    return [
        (at, quantities(Usage(input=size, cache_read=cached and min(cached, size), output=output)))
        for at, size, cached, output in draw(
            st.lists(
                st.tuples(day, total, st.none() | st.integers(0, 9_999), st.integers(0, 9_999)), min_size=1, max_size=12
            )
        )
    ]


@given(st.sampled_from(MODELS), calls())
def test_usage_added_up_by_period_and_bucket_costs_the_sum_of_its_calls(
    book: CostBook, name: tuple[str, str], made: list[tuple[int, dict[str, Decimal | None]]]
) -> None:
    boundaries, thresholds = book.boundaries(*name) or (), book.thresholds(*name)
    groups: dict[tuple[int, int], tuple[int, dict[str, Decimal | None]]] = {}
    one_by_one = Decimal(0)
    for at, used in made:
        answer = book.cost(*name, at, used)
        assert isinstance(answer, Cost)
        one_by_one += answer.amount
        key = (sum(boundary <= at for boundary in boundaries), bucket(used["input"] or Decimal(0), thresholds))
        _, sums = groups.setdefault(key, (at, {}))
        for meter, quantity in used.items():
            sums[meter] = (sums.get(meter) or Decimal(0)) + (quantity or Decimal(0))
    total = Decimal(0)
    for (_, step), (at, sums) in groups.items():
        rates = book.rates(*name, at)
        assert isinstance(rates, Rates)
        assert rates.linear
        answer = cost(sums, rates, step)
        assert isinstance(answer, Cost)
        total += answer.amount
    assert total == one_by_one


def test_no_float_is_anywhere_near_a_rate(book: CostBook, november: datetime) -> None:
    for name in [*MODELS, ("openrouter", "anthropic/claude-sonnet-4.5")]:
        rates = book.rates(*name, november)
        assert isinstance(rates, Rates)
        assert all(type(rate) is Decimal for entry in rates.meters.values() for _, rate in entry.steps)


@pytest.mark.parametrize("tier", [None, "batch"])
def test_an_unknown_model_stays_unknown_whatever_the_tier(book: CostBook, july: datetime, tier: str | None) -> None:
    answer = book.rates("openai", "gpt-99", july, tier)
    assert isinstance(answer, Unknown)
    assert "gpt-99" in answer.detail
