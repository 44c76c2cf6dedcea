"""OpenLLMetry by Traceloop, in Python and JavaScript; its scope names look like OpenTelemetry's own."""

from __future__ import annotations

from typing import Final

from tollspan_rater.extract.dialects.semconv import IGNORED, KEYS, ROLES
from tollspan_rater.extract.dialects.table import SDK_WRAPPER, Dialect

_T: Final = "opentelemetry.instrumentation."
_SOURCE: Final = "PyPI opentelemetry-instrumentation-{} {}"
_RENAMED: Final = (
    "renamed twice: llm.usage.* until 2024-04, gen_ai.usage.prompt_tokens until 2025-10; cache keys with underscores "
    "until 2026-03"
)

TRACELOOP: Final = Dialect(
    name="traceloop",
    version=2,
    rank=SDK_WRAPPER,
    source=_SOURCE.format("{openai,cohere,mistralai,groq,ollama,together,writer,...}", "0.62.4 (openai recorded)"),
    traps=(
        _RENAMED,
        "OpenAI cache writes are never stated, reasoning not for streams",
        "workflow, task, agent and tool spans carry traceloop.span.kind and are no calls",
        "replicate, sagemaker, haystack and transformers write no usage",
    ),
    scopes=tuple(
        _T + name
        for name in (
            "openai.v1",
            "openai.v0",
            "cohere",
            "mistralai",
            "groq",
            "ollama",
            "together",
            "writer",
            "alephalpha",
            "watsonx",
            "openai_agents",
            "llamaindex",
            "haystack",
            "replicate",
            "sagemaker",
            "transformers",
            "agno",
            "mcp",
        )
    ),
    scope_prefixes=("traceloop.",),
    markers=("traceloop.span.kind",),
    families=("llm.usage.total_tokens",),
    keys=KEYS,
    roles=ROLES,
    ignored=IGNORED,
    content=frozenset(
        {
            "traceloop.entity.input",
            "traceloop.entity.output",
            "llm.prompts",
            "llm.completions",
            "llm.content.completion.chunk",
            "llm.request.functions",
            "llm.headers",
            "llm.user",
        },
    ),
    content_prefixes=("llm.prompts.", "llm.completions.", "llm.request.functions.", "traceloop.prompt.template"),
    kept_prefixes=("traceloop.",),
)
ANTHROPIC: Final = Dialect(
    name="traceloop.anthropic",
    version=2,
    rank=SDK_WRAPPER,
    source=_SOURCE.format("anthropic", "0.33.4 to 0.62.4 (recorded)"),
    traps=(
        "the output of a stream is the placeholder of its first event plus the count of its last: 207 for 200",
        "a stream by the SDK's helper does not say that it is one",
        "of an aborted stream there is no span",
    ),
    scopes=(_T + "anthropic",),
    keys=KEYS,
    roles=ROLES,
    answer_quality="derived",
)
ANTHROPIC_BEFORE_CACHE: Final = Dialect(
    name="traceloop.anthropic_0.33.3",
    version=1,
    rank=SDK_WRAPPER,
    source=_SOURCE.format("anthropic", "up to 0.33.3 (code)"),
    traps=("the input leaves cache reads and writes out and nothing states them: a lower bound",),
    scopes=(_T + "anthropic",),
    before="0.33.4",
    keys=KEYS,
    roles=ROLES,
    input_excludes_cache="all",
    cache_untold="all",
)
BEDROCK: Final = Dialect(
    name="traceloop.bedrock",
    version=2,
    rank=SDK_WRAPPER,
    source=_SOURCE.format("bedrock", "0.62.4 (recorded)"),
    traps=("the input leaves the cache out, and the total is computed from it: 300 where 1,200 were billed",),
    scopes=(_T + "bedrock",),
    keys=KEYS,
    roles=ROLES,
    input_excludes_cache="all",
)
# Candidates only: thoughts and tool use are in the total, but cannot be told apart there.
GOOGLE: Final = Dialect(
    name="traceloop.google",
    version=2,
    rank=SDK_WRAPPER,
    source=_SOURCE.format("google-generativeai", "0.62.4 (recorded)"),
    traps=("the output is the candidates alone; thoughts and tool use are one gap between the total and the rest",),
    scopes=(_T + "google_generativeai",),
    keys=KEYS,
    roles=ROLES,
    output_excludes_reasoning="all",
)
LANGCHAIN: Final = Dialect(
    name="traceloop.langchain",
    version=1,
    rank=SDK_WRAPPER,
    source=_SOURCE.format("langchain", "0.62.4 (recorded)"),
    traps=("cache writes are 0 where LangChain states them by time to live: a zero there says nothing",),
    scopes=(_T + "langchain",),
    keys=KEYS,
    roles=ROLES,
    unsure_zeros=frozenset({"cache_write"}),
)
CREWAI: Final = Dialect(
    name="traceloop.crewai",
    version=1,
    rank=SDK_WRAPPER,
    source=_SOURCE.format("crewai", "0.62.4 (code)"),
    traps=("the agent's span states a counter that goes on from task to task: never added where a call is seen",),
    scopes=(_T + "crewai",),
    keys=KEYS,
    roles=ROLES,
    aggregate_quality="estimated",
)
JAVASCRIPT: Final = Dialect(
    name="traceloop.js",
    version=1,
    rank=SDK_WRAPPER,
    source="npm @traceloop/instrumentation-* (code)",
    traps=(
        "cache keys with underscores",
        "whether the input contains the cache differs by package: the numbers must prove it",
    ),
    scope_prefixes=("@traceloop/",),
    keys=KEYS,
    roles=ROLES,
    cache_unsure=True,
)

DIALECTS: Final = (TRACELOOP, ANTHROPIC, ANTHROPIC_BEFORE_CACHE, BEDROCK, GOOGLE, LANGCHAIN, CREWAI, JAVASCRIPT)
