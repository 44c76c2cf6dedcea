"""Prices per million that stand above the catalog, and the ones that are declared unknown."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from tollspan_rater.cost.book import CostBook
from tollspan_rater.cost.corrections import CORRECTIONS
from tollspan_rater.cost.formula import Cost, quantities
from tollspan_rater.cost.rates import Unknown
from tollspan_rater.domain.usage import Usage

MILLION = 10**6


@pytest.mark.parametrize(
    ("provider", "model", "at", "expected"),
    [
        # Friday, Saturday and Monday around a peak window (06:00-10:00 UTC)
        ("deepseek", "deepseek-v4-pro", "2026-11-20T08:00", "1.32"),
        ("deepseek", "deepseek-v4-pro", "2026-11-20T10:00", "0.66"),
        ("deepseek", "deepseek-v4-pro", "2026-11-21T08:00", "0.66"),
        ("deepseek", "deepseek-v4-pro", "2026-11-22T23:59", "0.66"),
        ("deepseek", "deepseek-v4-pro", "2026-11-23T01:00", "1.32"),
        ("deepseek", "deepseek-v4-pro", "2026-08-22T08:00", "1.32"),  # the last Saturday with a peak
        ("deepseek", "deepseek-v4-pro", "2026-08-16T08:00", "0.435"),  # no peaks before 2026-08-17
        ("deepseek", "deepseek-v4-flash", "2026-08-16T08:00", "0.14"),
        ("deepseek", "deepseek-v4-flash", "2026-09-01T08:00", None),  # its peak price is not listed
        ("deepseek", "deepseek-v4-flash", "2026-09-01T09:59:59", None),
        ("deepseek", "deepseek-v4-flash", "2026-09-01T10:00", "0.22"),
        ("deepseek", "deepseek-v4-flash", "2026-09-01T04:00", "0.22"),
        ("deepseek", "deepseek-v4-flash", "2026-09-05T08:00", "0.22"),  # Saturday
        ("deepseek", "deepseek-v4-flash", "2026-09-12T08:00", "0.15"),
        ("deepseek", "deepseek-v4-flash", "2026-09-14T08:00", "0.3"),
        ("deepseek", "deepseek-flash", "2026-11-21T08:00", "0.15"),
        ("deepseek", "deepseek-flash", "2026-11-20T08:00", "0.3"),
        ("deepseek", "deepseek-chat", "2025-03-01T12:00", "0.27"),
        ("deepseek", "deepseek-chat", "2026-11-20T12:00", None),
        ("azure.ai.inference", "deepseek-chat", "2026-11-20T12:00", None),  # Azure's list leads to DeepSeek's
    ],
)
def test_a_million_input_tokens_cost(book: CostBook, provider: str, model: str, at: str, expected: str | None) -> None:
    used = quantities(Usage(input=MILLION, cache_read=0, output=0))
    answer = book.cost(provider, model, datetime.fromisoformat(at).replace(tzinfo=UTC), used)
    if expected is None:
        assert isinstance(answer, Unknown)
        assert answer.reason == "stale_price"
    else:
        assert isinstance(answer, Cost)
        assert answer.amount == Decimal(expected)


@pytest.mark.parametrize(("at", "expected"), [("2025-06-09", "2.5"), ("2025-06-10", "0.5")])
def test_cached_input_of_o3_before_its_price_cut(book: CostBook, at: str, expected: str) -> None:
    used = quantities(Usage(input=MILLION, cache_read=MILLION, output=0))
    answer = book.cost("openai", "o3", datetime.fromisoformat(at).replace(tzinfo=UTC), used)
    assert isinstance(answer, Cost)
    assert answer.amount == Decimal(expected)


@pytest.mark.parametrize(
    ("total", "expected"),
    [
        (200_000, "0.615"),  # 200,000 x 3 + 1,000 x 15
        (200_001, "1.222506"),  # 200,001 x 6 + 1,000 x 22.5
    ],
)
def test_claude_sonnet_4_above_200k(book: CostBook, total: int, expected: str) -> None:
    used = quantities(Usage(input=total, cache_read=0, cache_write=0, output=1000))
    at = datetime(2025, 10, 1, tzinfo=UTC)
    answer = book.cost("anthropic", "claude-sonnet-4-20250514", at, used)
    assert isinstance(answer, Cost)
    assert answer.amount == Decimal(expected)
    assert answer.parts[0].source.startswith("correction: ")


def test_audio_of_a_model_without_an_audio_price_is_not_sold_as_text(book: CostBook, november: datetime) -> None:
    text = book.cost("openai", "gpt-4o-audio-preview", november, quantities(Usage(input=10, audio_in=0, output=1)))
    audio = book.cost("openai", "gpt-4o-audio-preview", november, quantities(Usage(input=10, audio_in=5, output=1)))
    assert isinstance(text, Cost)
    assert isinstance(audio, Unknown)
    assert audio.reason == "stale_price"


def test_every_correction_says_where_it_comes_from_and_meets_a_listed_model(book: CostBook) -> None:
    models = {
        (provider.id, model.id) for provider in book._catalog.source.snapshot.providers for model in provider.models
    }
    for entry in CORRECTIONS:
        for row in entry:
            assert (row.provider, row.model) in models
            assert row.source.startswith("correction: ")
            assert (row.rate is None) == (row.reason is not None)
