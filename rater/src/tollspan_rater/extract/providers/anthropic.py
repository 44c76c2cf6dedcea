"""Anthropic's usage object: both cache counts stand beside the input tokens."""

from __future__ import annotations

from typing import Final

from tollspan_rater.extract.providers.table import Iterations, UsageApi

# https://platform.claude.com/docs/en/api/messages and /docs/en/build-with-claude/compaction: the totals leave out the
# iterations in which a compaction ran or an advisor was asked, and both are billed.
MESSAGES: Final = UsageApi(
    name="anthropic.messages",
    title="Anthropic Messages",
    keys={
        "input": ("input_tokens",),
        "cache_read": ("cache_read_input_tokens",),
        "cache_write": ("cache_creation_input_tokens",),
        "cache_write_5m": ("cache_creation.ephemeral_5m_input_tokens",),
        "cache_write_1h": ("cache_creation.ephemeral_1h_input_tokens",),
        "output": ("output_tokens",),
        "reasoning": ("output_tokens_details.thinking_tokens",),
        "unit.web_search": ("server_tool_use.web_search_requests",),
        "unit.web_fetch": ("server_tool_use.web_fetch_requests",),
        "tier.": ("service_tier",),
        "term.geo": ("inference_geo",),
        "term.speed": ("speed",),
        "cost.": ("pydantic_ai_gateway.cost_estimate",),
    },
    beside=("cache_read", "cache_write"),
    iterations=Iterations("iterations", inside={"compaction": "compaction"}, other={"advisor_message": "advisor"}),
)

APIS: Final = (MESSAGES,)
