"""The compiled catalog answers as the catalog's own calculator does, except where it says that it does not know."""

import warnings
from datetime import UTC, datetime, timedelta
from decimal import Decimal, localcontext

import genai_prices
import pytest
from genai_prices.types import ClauseEquals, ModelInfo, ModelPrice, Provider
from hypothesis import given, settings
from hypothesis import strategies as st

from tollspan_rater.cost.book import CostBook
from tollspan_rater.cost.catalog import Catalog, Source, bundled, compile_model
from tollspan_rater.cost.formula import Cost, cost, quantities
from tollspan_rater.cost.names import PROVIDERS
from tollspan_rater.cost.rates import Rates, Unknown
from tollspan_rater.domain.usage import Usage

CONTEXT = {
    "batch": {"processing": "batch"},
    "flex": {"service_tier": "flex"},
    "priority": {"service_tier": "priority"},
    "speed": {"speed": "fast"},
}
NAMES = {
    "input": "input_tokens",
    "cache_read": "cache_read_tokens",
    "cache_write": "cache_write_tokens",
    "cache_write_5m": "cache_write_5m_tokens",
    "cache_write_1h": "cache_write_1h_tokens",
    "audio_in": "input_audio_tokens",
    "image_in": "input_image_tokens",
    "output": "output_tokens",
    "reasoning": "output_reasoning_tokens",
    "audio_out": "output_audio_tokens",
    "web_search": "web_searches",
    "audio_second": "audio_seconds",
}


@pytest.fixture(scope="module")
def bare(catalog: Catalog) -> CostBook:
    """The catalog alone, without corrections."""
    return CostBook(catalog, corrections=())


def theirs(provider: str, model: str, at: datetime, usage: Usage, tier: str | None = None) -> Decimal:
    """What genai-prices itself computes, with enough digits to be exact."""
    counts: dict[str, int | Decimal] = {
        NAMES[name]: count for name in NAMES if (count := getattr(usage, name, None)) is not None
    }
    counts |= {NAMES[name]: count for name, count in usage.units.items()}
    with localcontext() as context, warnings.catch_warnings():
        context.prec = 80
        warnings.simplefilter("ignore")
        return genai_prices.calc_price(
            genai_prices.Usage(**counts),
            model,
            provider_id=provider,
            genai_request_timestamp=at,
            price_context=CONTEXT[tier] if tier else None,
        ).total_price


def day(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


CASES = [
    ("openai", "gpt-4.1", "2026-07-05T10:30", None),
    ("openai", "gpt-4.1", "2026-10-12T00:00", "priority"),
    ("openai", "gpt-4.1", "2026-10-14T00:00", "batch"),
    ("openai", "gpt-4o-2024-08-06", "2024-09-01", None),
    ("openai", "gpt-4o-mini", "2025-01-01", None),
    ("openai", "gpt-5-20250807", "2026-01-01", None),
    ("openai", "gpt-5", "2026-11-20", "flex"),
    ("openai", "gpt-5", "2026-11-20", "batch"),
    ("openai", "gpt-5.6-sol", "2026-08-20T23:59:59", None),
    ("openai", "gpt-5.6-sol", "2026-08-21T00:00", None),
    ("openai", "gpt-5.6-sol", "2026-11-20", "priority"),
    ("openai", "o3", "2025-06-10", None),
    ("openai", "o3", "2025-06-09T23:59", None),
    ("openai", "o4-mini", "2026-11-20", "flex"),
    ("openai", "ft:gpt-4o-mini-2024-07-18:acme::x", "2026-01-01", None),
    ("openai", "text-embedding-3-small", "2026-01-01", None),
    ("anthropic", "claude-sonnet-4-5-20250929", "2026-01-01", None),
    ("anthropic", "claude-sonnet-4-5", "2026-11-20", "batch"),
    ("anthropic", "claude-opus-4-6", "2026-03-12", None),
    ("anthropic", "claude-opus-4-6", "2026-03-13", None),
    ("anthropic", "claude-opus-4-8", "2026-11-20", "speed"),
    ("anthropic", "claude-3-5-sonnet-20241022", "2025-01-01", None),
    ("anthropic", "claude-3-5-haiku-latest", "2025-05-01", None),
    ("aws", "us.anthropic.claude-sonnet-4-5-20250929-v1:0", "2026-11-20", None),
    ("aws", "eu.anthropic.claude-sonnet-4-6", "2026-03-13", None),
    ("azure", "gpt-4o", "2026-11-20", None),
    ("azure", "claude-opus-4-6", "2026-11-20", None),
    ("google", "gemini-2.5-pro", "2026-11-20", None),
    ("google", "gemini-2.5-flash", "2026-11-20", None),
    ("google", "claude-sonnet-4-5@20250929", "2026-11-20", None),
    ("deepseek", "deepseek-v4-pro", "2026-11-20T00:59", None),
    ("deepseek", "deepseek-v4-pro", "2026-11-20T01:00", None),
    ("deepseek", "deepseek-v4-pro", "2026-11-20T09:59:59", None),
    ("deepseek", "deepseek-chat", "2025-03-01T00:29:59", None),
    ("deepseek", "deepseek-chat", "2025-03-01T00:30", None),
    ("mistral", "mistral-large-latest", "2026-11-20", None),
    ("x-ai", "grok-4", "2026-11-20", None),
    ("groq", "llama-3.3-70b-versatile", "2026-11-20", None),
    ("cohere", "command-r-plus", "2026-11-20", None),
    ("perplexity", "sonar-pro", "2026-11-20", None),
    ("openrouter", "anthropic/claude-sonnet-4.5", "2026-11-20", None),
    ("openai", "gpt-realtime", "2026-11-20", None),
]


@st.composite
def usages(draw: st.DrawFn) -> Usage:
    """Consistent usage; totals lie on both sides of every threshold of the catalog."""
    edges = [100_000, 128_000, 200_000, 272_000]
    total = draw(st.integers(0, 400_000) | st.sampled_from([edge + more for edge in edges for more in (0, 1)]))
    read = draw(st.integers(0, total))
    write = draw(st.integers(0, total - read))
    hour = draw(st.integers(0, write))
    output = draw(st.integers(0, 100_000))
    return Usage(
        input=total,
        cache_read=read,
        cache_write=write,
        cache_write_5m=write - hour,
        cache_write_1h=hour,
        audio_in=draw(st.sampled_from([0, 0, total - read - write])),
        image_in=0,
        output=output,
        reasoning=draw(st.integers(0, output)),
        audio_out=0,
    )


@settings(max_examples=400)
@given(case=st.sampled_from(CASES), usage=usages())
def test_a_call_costs_what_the_catalogs_own_calculator_says(
    bare: CostBook, case: tuple[str, str, str, str | None], usage: Usage
) -> None:
    provider, model, at, tier = case
    rates = bare.rates(provider, model, day(at), "fast" if tier == "speed" else tier)
    assert isinstance(rates, Rates)
    answer = cost(quantities(usage), rates)
    if isinstance(answer, Unknown):
        # only what cannot be told apart may be refused: cached audio with its own rate, output of an embedding
        assert (answer.reason == "unsplit_usage" and usage.audio_in and usage.cache_read and rates.overlaps) or (
            answer.reason == "unpriced_meter" and "output" not in rates.meters and usage.output
        )
        return
    assert answer.amount == theirs(provider, model, day(at), usage, tier)


@pytest.mark.parametrize(("provider", "model", "at", "tier"), CASES)
def test_every_case_of_the_comparison_is_priced(
    bare: CostBook, provider: str, model: str, at: str, tier: str | None
) -> None:
    rates = bare.rates(provider, model, day(at), "fast" if tier == "speed" else tier)
    assert isinstance(rates, Rates)
    usage = Usage(input=250_000, cache_read=0, output=1_000 if "output" in rates.meters else None)
    answer = cost(quantities(usage), rates)
    assert isinstance(answer, Cost)
    assert answer.amount == theirs(provider, model, day(at), usage, tier) > 0


@pytest.mark.parametrize("at", ["2024-06-01T12:00", "2026-09-15T02:00", "2026-11-20T12:00"])
def test_every_model_of_the_catalog_costs_the_same_or_is_unknown(bare: CostBook, at: str) -> None:
    usage = Usage(input=250_000, cache_read=100_000, cache_write=50_000, output=2_000)
    unknown: dict[str, str] = {}
    compared = 0
    for provider in bare._catalog.source.snapshot.providers:
        for model in provider.models:
            answer = bare.cost(provider.id, model.id, day(at), quantities(usage))
            if isinstance(answer, Unknown):
                unknown[f"{provider.id}/{model.id}"] = answer.reason
                if answer.reason == "unknown_model":  # an id that its own match clause does not take
                    with pytest.raises(LookupError):
                        theirs(provider.id, model.id, day(at), usage)
                continue
            compared += 1
            assert answer.amount == theirs(provider.id, model.id, day(at), usage), (provider.id, model.id)
    assert compared > 1900
    assert set(unknown.values()) <= {"unknown_model", "unsplit_usage", "unpriced_meter"}, unknown
    assert "openai/gpt-4.1" not in unknown


@pytest.mark.parametrize(
    ("provider", "model", "reason"),
    [
        ("openai", "ft:gpt-4.1-2025-04-14:acme::abc", "unknown_model"),
        ("openai", "gpt-5-20300101", "unknown_model"),
        ("openai", "gpt-5.9", "unknown_model"),
        ("openai", "o3-2099-01-01", "unknown_model"),
        ("openai", "my-deployment", "unknown_model"),
        ("openai", None, "unknown_model"),
        ("anthropic", "claude-opus-9", "unknown_model"),
        ("azure.ai.openai", "prod-chat", "unknown_model"),
        ("aws.bedrock", "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc", "unknown_model"),
        ("gcp.vertex_ai", "text-embedding-005", "unknown_model"),
        ("gcp.vertex_ai", "imagen-4.0-generate-001", "unknown_model"),
        ("gcp.vertex_ai", "meta/llama-3.3-70b-instruct-maas", "unknown_model"),
        ("cohere", "rerank-v3.5", "unknown_model"),
        ("openrouter", "openai/gpt-4o:online", "unknown_model"),
        ("openrouter", "openrouter/auto", "unknown_model"),
        ("ollama", "llama3.1", "unknown_provider"),
        ("vllm", "meta-llama/Llama-3.1-8B", "unknown_provider"),
        ("ibm.watsonx.ai", "granite-13b", "unknown_provider"),
        ("huggingface", "gpt-4o", "unknown_provider"),
        ("my-openai-proxy", "gpt-4o", "unknown_provider"),  # the catalog would take it for OpenAI
        (None, "gpt-4o", "unknown_provider"),
        ("", "gpt-4o", "unknown_provider"),
    ],
)
def test_what_no_list_names_is_unknown_and_never_zero(
    book: CostBook, november: datetime, provider: str | None, model: str | None, reason: str
) -> None:
    answer = book.cost(provider, model, november, quantities(Usage(input=10, output=10)))
    assert isinstance(answer, Unknown)
    assert answer.reason == reason


@pytest.mark.parametrize(
    ("provider", "model", "same_as"),
    [
        ("OpenAI", "GPT-4.1", ("openai", "gpt-4.1")),
        ("azure.ai.openai", "gpt-4o", ("azure", "gpt-4o")),
        ("azure.ai.inference", "azure/gpt-4o", ("azure", "gpt-4o")),
        ("gcp.gen_ai", "models/gemini-2.5-pro", ("google", "gemini-2.5-pro")),
        ("gcp.gemini", "gemini-2.5-pro", ("google", "gemini-2.5-pro")),
        (
            "gcp.vertex_ai",
            "projects/p/locations/eu/publishers/anthropic/models/claude-sonnet-4-5",
            ("google", "claude-sonnet-4-5"),
        ),
        ("gcp.vertex_ai", "publishers/google/models/gemini-2.5-flash", ("google", "gemini-2.5-flash")),
        ("aws.bedrock", "anthropic.claude-3-haiku-20240307-v1:0", ("aws", "anthropic.claude-3-haiku-20240307-v1:0")),
        ("x_ai", "grok-4", ("x-ai", "grok-4")),
        ("mistral_ai", "mistral-large-latest", ("mistral", "mistral-large-latest")),
        ("moonshot_ai", "kimi-k2-0711-preview", ("moonshotai", "kimi-k2-0711-preview")),
        ("litellm", "azure.ai.openai/gpt-4o", ("azure", "gpt-4o")),
        ("litellm", "openai/gpt-4.1", ("openai", "gpt-4.1")),
    ],
)
def test_other_names_of_a_model_find_the_same_rates(
    book: CostBook, november: datetime, provider: str, model: str, same_as: tuple[str, str]
) -> None:
    rates, expected = book.rates(provider, model, november), book.rates(*same_as, november)
    assert isinstance(rates, Rates)
    assert rates == expected


def test_every_provider_alias_leads_to_a_price_list(catalog: Catalog) -> None:
    assert set(PROVIDERS.values()) <= {provider.id for provider in catalog.source.snapshot.providers}


@pytest.mark.parametrize(
    ("provider", "model", "at", "tier"),
    [
        ("openai", "gpt-5", "2026-09-01", "batch"),  # listed since 2026-10-14 only; half price before is not known
        ("openai", "gpt-5", "2026-10-11", "flex"),
        ("openai", "gpt-4.1", "2026-11-20", "flex"),
        ("openai", "gpt-4.1", "2026-11-20", "scale"),
        ("azure.ai.openai", "gpt-5", "2026-11-20", "batch"),  # OpenAI's tiers say nothing about Azure's
    ],
)
def test_a_tier_without_a_listed_price_is_unknown_not_standard(
    book: CostBook, provider: str, model: str, at: str, tier: str
) -> None:
    answer = book.cost(provider, model, day(at), quantities(Usage(input=10, output=10)), tier)
    assert isinstance(answer, Unknown)
    assert answer.reason == "unknown_tier"


@pytest.mark.parametrize("tier", [None, "", "default", "standard", "auto", "Default"])
def test_names_of_the_standard_tier(book: CostBook, november: datetime, tier: str | None) -> None:
    assert book.rates("openai", "gpt-4.1", november, tier) == book.rates("openai", "gpt-4.1", november)


@pytest.mark.parametrize(
    ("total", "expected"),
    [(199_999, "0.25"), (200_000, "0.25"), (200_001, "0.5")],
)
def test_the_whole_call_moves_above_the_threshold(
    book: CostBook, november: datetime, total: int, expected: str
) -> None:
    """gemini-2.5-pro: input 1.25 up to 200,000 tokens, 2.50 above; 200,000 cost 0.25"""
    rates = book.rates("google", "gemini-2.5-pro", november)
    assert isinstance(rates, Rates)
    answer = cost({"input": Decimal(total), "output": Decimal(0)}, rates)
    assert isinstance(answer, Cost)
    assert round(answer.amount, 4) == Decimal(expected)


@pytest.mark.parametrize(
    ("provider", "model", "meter", "reason"),
    [
        ("google", "gemini-2.5-flash-image", "output", "unsplit_usage"),
        ("openai", "gpt-image-1.5", "output", "unsplit_usage"),
        ("google", "gemini-3.8-live", "input", "unsplit_usage"),
        ("perplexity", "sonar-deep-research", "output", "unsplit_usage"),
        ("groq", "whisper-large-v3", "audio_second", "unpriced_meter"),
    ],
)
def test_a_price_that_no_row_can_say_is_unknown(
    book: CostBook, november: datetime, provider: str, model: str, meter: str, reason: str
) -> None:
    rates = book.rates(provider, model, november)
    assert isinstance(rates, Rates)
    answer = cost({meter: Decimal(10)}, rates)
    assert isinstance(answer, Unknown)
    assert answer.reason == reason


@pytest.mark.parametrize(
    ("provider", "model", "used", "expected"),
    [
        ("openai", "whisper-1", {"audio_second": "60"}, "0.006"),
        ("openai", "gpt-transcribe", {"audio_second": "40"}, "0.003"),
        ("openai", "gpt-5", {"web_search": "3"}, "0.03"),
        ("openai", "tts-1", {"character": "1000"}, "0.015"),
        ("perplexity", "sonar", {"request": "1", "input": "1000", "output": "0"}, "0.013"),
    ],
)
def test_units_of_the_catalog(
    book: CostBook, november: datetime, provider: str, model: str, used: dict[str, str], expected: str
) -> None:
    answer = book.cost(provider, model, november, {meter: Decimal(count) for meter, count in used.items()})
    assert isinstance(answer, Cost)
    assert answer.amount == Decimal(expected)


def test_a_free_variant_costs_zero_and_an_empty_price_list_is_unknown(book: CostBook, november: datetime) -> None:
    used = quantities(Usage(input=10, output=10))
    free = book.cost("openrouter", "deepseek/deepseek-r1:free", november, used)
    assert isinstance(free, Cost)
    assert free.amount == 0
    assert isinstance(book.cost("google", "gemma-3-27b-it", november, used), Unknown)


def test_every_price_key_of_the_catalog_is_understood(catalog: Catalog) -> None:
    """A price in a new unit would come out as a row of its own key without a rate."""
    for provider in catalog.source.snapshot.providers:
        for model in provider.models:
            rows = compile_model(provider, provider.id, model, "v").rows
            assert not [row for row in rows if row.reason and "is in no meter" in row.reason.detail]


def test_a_price_in_a_unit_that_no_meter_counts_is_unknown() -> None:
    clause = ClauseEquals(equals="m")
    model = ModelInfo(id="m", match=clause, prices=ModelPrice(input_mtok=Decimal(1), moon_phases=Decimal(2)))
    provider = Provider(id="p", name="P", api_pattern="", models=[model])
    known, moon = compile_model(provider, "p", model, "v").rows
    assert (known.rate, known.reason) == (Decimal("0.000001"), None)
    assert moon.rate is None
    assert moon.reason is not None
    assert moon.reason.reason == "unpriced_meter"


def test_a_catalog_is_loaded_by_the_first_question_and_once() -> None:
    loads = []

    def load() -> Source:
        loads.append(1)
        return bundled()

    book = CostBook(Catalog(load))
    assert loads == []
    for hour in range(3):
        book.rates("openai", "gpt-4.1", datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=hour))
    assert loads == [1]
