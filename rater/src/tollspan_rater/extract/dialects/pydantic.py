"""Pydantic's pydantic-ai and Logfire."""

from __future__ import annotations

from typing import Final

from tollspan_rater.domain.fates import Role
from tollspan_rater.extract.dialects.semconv import IGNORED, KEYS, ROLES
from tollspan_rater.extract.dialects.table import (
    FOREIGN_RAW,
    FRAMEWORK_OTEL,
    SPAN_NAME,
    Dialect,
    RawUsage,
    When,
    merged,
)

_SUM: Final = "gen_ai.aggregated_usage."
_PENDING: Final = (("logfire.span_type", "pending_span"),)

PYDANTIC_AI: Final = Dialect(
    name="pydantic_ai",
    version=2,
    rank=FRAMEWORK_OTEL,
    source="PyPI pydantic-ai 1 (code), 2.68.0 (recorded)",
    traps=(
        "gen_ai.usage.details.* repeats parts of the totals, and adds nothing to them",
        "the agent's span repeats its calls: under gen_ai.usage.* before version 2, gen_ai.aggregated_usage.* since",
        "beside Claude calls stands the Anthropic SDK's own span of the same call",
    ),
    scopes=("pydantic-ai",),
    keys=merged(
        KEYS,
        {
            "cost": ("operation.cost",),
            "input": (_SUM + "input_tokens",),
            "output": (_SUM + "output_tokens",),
            "cache_read": (_SUM + "cache_read.input_tokens",),
            "cache_write": (_SUM + "cache_write.input_tokens", _SUM + "cache_creation.input_tokens"),
        },
    ),
    roles=ROLES,
    ignored=IGNORED,
    pending=_PENDING,
    content=frozenset(
        {
            "pydantic_ai.all_messages",
            "inputs",
            "embeddings",
            "all_messages_events",
            "final_result",
            "tool_arguments",
            "tool_response",
            "events",
            "model_request_parameters",
        },
    ),
)
LOGFIRE: Final = Dialect(
    name="logfire",
    version=2,
    rank=FRAMEWORK_OTEL,
    raw_rank=FOREIGN_RAW,
    source="PyPI logfire: instrument_openai, instrument_anthropic, Claude agent SDK (run)",
    traps=(
        "a stream's usage stands on a span of no length beside the request's, without a response id",
        "a Claude stream that broke off has the output of its first event, and no stream has a finish reason",
        "pending spans are versions that the final span replaces",
    ),
    scopes=("logfire.openai", "logfire.anthropic"),
    scope_prefixes=("logfire.",),
    markers=("gen_ai.usage.raw",),
    keys=merged(KEYS, {"cost": ("operation.cost",)}),
    roles=(When(SPAN_NAME, prefixes={"streaming response from": Role.EVIDENCE}), *ROLES),
    evidence_of_sibling=True,
    placeholder=10,
    raw=(RawUsage("gen_ai.usage.raw"),),
    ignored=IGNORED,
    pending=_PENDING,
    content=frozenset(
        {
            "request_data",
            "response_data",
            "raw_input",
            "raw_response",
            "logfire.msg",
            "logfire.msg_template",
            "logfire.json_schema",
        },
    ),
)

DIALECTS: Final = (PYDANTIC_AI, LOGFIRE)
