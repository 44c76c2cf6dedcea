"""Usage objects in normal form, as the rater reads them."""

from __future__ import annotations

from typing import Any

import pytest
from tests.extract.provider_cases import EXACT, PROVED

from tollspan import semconv
from tollspan.usage import TokenCounts, api_of, has_units, normalise
from tollspan_rater.extract.providers.registry import APIS
from tollspan_rater.extract.providers.registry import api_of as rater_api_of
from tollspan_rater.extract.raw import read_raw


@pytest.mark.parametrize(
    ("api", "raw", "expected"),
    [
        (
            "openai.chat",
            {"prompt_tokens": 10, "completion_tokens": 5, "prompt_tokens_details": {"cached_tokens": 4}},
            TokenCounts(10, 4, None, 5, None),
        ),
        (
            "openai.chat",  # xAI: reasoning beside the completion, proved by the total
            {
                "prompt_tokens": 10,
                "completion_tokens": 5,
                "total_tokens": 22,
                "completion_tokens_details": {"reasoning_tokens": 7},
            },
            TokenCounts(10, None, None, 12, 7),
        ),
        (
            "openai.responses",
            {
                "input_tokens": 10,
                "output_tokens": 9,
                "total_tokens": 19,
                "input_tokens_details": {"cached_tokens": 3, "cache_write_tokens": 2},
                "output_tokens_details": {"reasoning_tokens": 8},
            },
            TokenCounts(10, 3, 2, 9, 8),
        ),
        ("openai.embeddings", {"prompt_tokens": 4, "total_tokens": 4}, TokenCounts(4)),
        (
            "anthropic.messages",
            {"input_tokens": 1, "cache_read_input_tokens": 20, "cache_creation_input_tokens": 300, "output_tokens": 2},
            TokenCounts(321, 20, 300, 2, None),
        ),
        ("anthropic.messages", {"output_tokens": 2}, TokenCounts(None, None, None, 2, None)),
        ("openai.chat", {"prompt_tokens": True, "completion_tokens": -1}, TokenCounts()),
        ("openai.chat", {"prompt_tokens": "10", "prompt_tokens_details": 3}, TokenCounts(10)),
    ],
)
def test_usage_in_normal_form(api: semconv.UsageApi, raw: dict[str, Any], expected: TokenCounts) -> None:
    assert normalise(api, raw) == expected


def test_every_api_of_the_contract_is_the_rater_s() -> None:
    assert {*semconv.USAGE_APIS} == APIS.keys() - {"short"}


def named(api: str | None, raw: dict[str, Any]) -> Any:
    table = rater_api_of(raw, api)
    assert table is not None
    return table.name


# No wire sees ``short`` nor snake case, which are applications' own; Titan's list is added up where it is read.
STATED: dict[str, tuple[str | None, dict[str, Any]]] = {case: row[:2] for case, row in EXACT.items()}
STATED |= {case: (None, row[0]) for case, row in PROVED.items()}
OBJECTS = {
    case: (named(api, raw), raw)
    for case, (api, raw) in STATED.items()
    if named(api, raw) != "short" and not {"prompt_token_count", "results"} & raw.keys()
}


@pytest.mark.parametrize("case", OBJECTS)
def test_the_totals_are_those_that_the_rater_reads(case: str) -> None:
    api, raw = OBJECTS[case]
    counts, reading = normalise(api, raw), read_raw(raw, api)
    assert reading is not None
    stated = {name: getattr(reading.usage, name) for name in ("input", "output", "cache_read", "reasoning")}
    assert {name: getattr(counts, name) for name in stated} == stated


@pytest.mark.parametrize(
    ("api", "raw", "told"),
    [
        ("openai.chat", {"prompt_tokens": 1, "num_search_queries": 2}, "perplexity.chat"),
        ("openai.responses", {"prompt_tokens": 1}, "openai.chat"),
        ("bedrock.invoke_model", {"inputTokens": 1, "outputTokens": 2}, "bedrock.converse"),
        ("bedrock.invoke_model", {"prompt_tokens": 1}, "openai.chat"),
        ("bedrock.invoke_model", {"inputTokens": 1, "x-amzn-bedrock-input-token-count": "1"}, "bedrock.invoke_model"),
        ("cohere", {"total_tokens": 1}, "voyage.embeddings"),
        ("anthropic.messages", {"input_tokens": 1}, "anthropic.messages"),
    ],
)
def test_whose_object_it_is_told_by_its_members(api: semconv.UsageApi, raw: dict[str, Any], told: str) -> None:
    assert api_of(api, raw) == told


def test_what_is_billed_by_other_units_is_stated_too() -> None:
    assert has_units("openai.responses", {"type": "duration", "seconds": 7})
    assert has_units("cohere", {"billed_units": {"search_units": 1}})
    assert has_units("mistral.ocr", {"pages_processed": 3})
    assert not has_units("openai.chat", {"seconds": 7})
