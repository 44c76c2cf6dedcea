"""Providers and their tools that write spans of their own calls: Anthropic, Mistral, Claude Code, Gemini CLI."""

from __future__ import annotations

from typing import Final

from tollspan_rater.domain.fates import Role
from tollspan_rater.extract.dialects.semconv import KEYS, ROLES
from tollspan_rater.extract.dialects.table import FRAMEWORK, NATIVE, SPAN_NAME, Dialect, When, merged

# The spans that the Anthropic SDK writes by itself: one a request, retries included.
ANTHROPIC_NATIVE: Final = Dialect(
    name="anthropic.native",
    version=2,
    rank=NATIVE,
    source="PyPI anthropic 1.14.0 to 2.11.0 (recorded with 2.11.0); off by ANTHROPIC_OPEN_TELEMETRY=false",
    traps=(
        "written as soon as a tracer provider is set, beside the span of any other instrumentation of the same call",
        "the tokens of a compaction are in neither total, and billed like them",
        "of an aborted stream the output is left out",
    ),
    scopes=("com.anthropic.sdk.python",),
    scope_prefixes=("com.anthropic.sdk.",),
    keys=merged(
        KEYS,
        {
            "finish": ("anthropic.message.stop_reason",),
            "request_id": ("anthropic.request.id",),
            "compaction_in": ("anthropic.usage.compaction.input_tokens",),
            "compaction_out": ("anthropic.usage.compaction.output_tokens",),
        },
    ),
    roles=ROLES,
    beside=("compaction_in", "compaction_out"),
    vantage="client",
    stream_ends_with_finish=True,
    kept_prefixes=("anthropic.",),
)

# https://platform.claude.com/docs/en/api/opentelemetry/spans
CLAUDE_PLATFORM: Final = Dialect(
    name="anthropic.platform",
    version=1,
    rank=NATIVE + 1,
    source="https://platform.claude.com/docs/en/api/opentelemetry/spans (beta; docs)",
    traps=(
        "a SERVER span beside the client's own, in a trace of its own: only the response id ties them",
        "whether its input contains the cache is not documented",
    ),
    scopes=("com.anthropic.claude-platform",),
    keys=KEYS,
    roles=ROLES,
    cache_unsure=True,
)

MISTRAL_NATIVE: Final = Dialect(
    name="mistral.native",
    version=1,
    rank=NATIVE,
    source="PyPI mistralai 3.7, npm @mistralai/mistralai; on by configure_telemetry (code)",
    traps=("pages of an OCR request are units beside its tokens",),
    scopes=("mistralai_sdk_tracer",),
    scope_prefixes=("mistralai",),
    keys=merged(KEYS, {"unit.ocr_page": ("mistral_ai.ocr.usage.pages_processed",)}),
    roles=ROLES,
    vantage="client",
)

# Bare names, and an input without its cached parts.
CLAUDE_CODE: Final = Dialect(
    name="claude_code",
    version=2,
    rank=FRAMEWORK,
    source="https://code.claude.com/docs/en/monitoring-usage, traces (beta; docs)",
    traps=(
        "span, log event api_request and metric claude_code.token.usage state the same: only the span is read",
        "the input leaves cache reads and writes out",
    ),
    scopes=("com.anthropic.claude_code", "com.anthropic.claude_code.tracing"),
    keys=merged(
        {
            "input": ("input_tokens",),
            "output": ("output_tokens",),
            "cache_read": ("cache_read_tokens",),
            "cache_write": ("cache_creation_tokens",),
            "request_model": ("model",),
            "request_id": ("request_id",),
            "attempt": ("attempt",),
            "ttft_ms": ("ttft_ms",),
            "cost": ("cost_usd",),
        },
        KEYS,
    ),
    roles=(When(SPAN_NAME, {"claude_code.llm_request": Role.CALL}, other=Role.AGGREGATE),),
    input_excludes_cache="all",
    content=frozenset({"user_prompt", "new_context"}),
)
GEMINI_CLI: Final = Dialect(
    name="gemini_cli",
    version=1,
    rank=FRAMEWORK,
    source="https://github.com/google-gemini/gemini-cli (code)",
    traps=("the log event of the same request states its counts again under other names: only the span is read",),
    scopes=("gemini-cli",),
    keys=KEYS,
    roles=ROLES,
)

DIALECTS: Final = (ANTHROPIC_NATIVE, CLAUDE_PLATFORM, MISTRAL_NATIVE, CLAUDE_CODE, GEMINI_CLI)
