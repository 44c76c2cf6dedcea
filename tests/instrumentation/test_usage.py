"""Usage objects in normal form, as the rater reads them."""

from __future__ import annotations

from typing import Any

import pytest

from tollspan import semconv
from tollspan.usage import TokenCounts, normalise


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
