"""OpenInference by Arize, in Python and JavaScript, and the gateway that writes its attributes."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from tollspan_rater.domain.fates import Role
from tollspan_rater.extract.dialects.semconv import KEYS, ROLES
from tollspan_rater.extract.dialects.table import OPENINFERENCE, Dialect, Inside, RawUsage, When, merged

_I: Final = "openinference.instrumentation."
_NO_USAGE: Final = {
    "llm.cost.completion_details.output": "in the litellm package the count of text tokens, no cost",
    "llm.token_count.prompt_details.cache_input": "in the litellm package the count of text tokens, no cache",
}

_RESPONSE_ID: Final = Inside(
    "response_id", "output.value", (("id",), ("responseId",), ("response_id",), ("llm_output", "id"))
)

# https://github.com/Arize-ai/openinference/blob/main/spec/semantic_conventions.md
OPENINFERENCE_SPANS: Final = Dialect(
    name="openinference",
    version=2,
    rank=OPENINFERENCE,
    source="PyPI openinference-instrumentation-{openai 0.1.66,anthropic 3.1.0,langchain 0.1.80,google-genai 1.4.14,"
    "bedrock 0.1.61} (recorded); npm @arizeai/openinference-*",
    traps=(
        "no response id: it stands inside output.value, if that is written",
        "smolagents' AGENT span repeats its sums and its LLM span holds the SDK's: 6,000 where 2,000 were billed",
        "LangChain's and the SDK's span of one call are siblings",
        "older bedrock releases read the wrong cache keys of streams",
        "of an aborted Anthropic stream the output is the first event's placeholder, without a finish reason",
    ),
    scope_prefixes=(_I, "@arizeai/openinference-"),
    markers=("openinference.span.kind",),
    families=("llm.token_count.prompt",),
    keys=merged(
        {
            "input": ("llm.token_count.prompt",),
            "output": ("llm.token_count.completion",),
            "cache_read": ("llm.token_count.prompt_details.cache_read",),
            "cache_write": ("llm.token_count.prompt_details.cache_write",),
            "audio_in": ("llm.token_count.prompt_details.audio",),
            "reasoning": ("llm.token_count.completion_details.reasoning",),
            "audio_out": ("llm.token_count.completion_details.audio",),
            "total": ("llm.token_count.total",),
            "operation": ("openinference.span.kind",),
            "provider": ("llm.provider", "llm.system"),
            "request_model": (
                "llm.request.model_name",
                "llm.model_name",
                "embedding.model_name",
                "reranker.model_name",
            ),
            "response_model": ("llm.response.model_name", "llm.model_name", "embedding.model_name"),
            "finish": ("llm.finish_reason",),
            "cost": ("llm.cost.total",),
        },
        KEYS,
    ),
    roles=(
        When(
            "openinference.span.kind",
            {"LLM": Role.CALL, "EMBEDDING": Role.CALL, "RERANKER": Role.CALL},
            other=Role.AGGREGATE,
        ),
        *ROLES,
    ),
    raw=(RawUsage("output.value", ("usage",)),),
    inside=(_RESPONSE_ID, Inside("finish", "output.value", (("stop_reason",),))),
    ignored=_NO_USAGE,
    raw_has_finish="claude",
    content=frozenset(
        {
            "input.value",
            "output.value",
            "llm.invocation_parameters",
            "llm.prompt_template.template",
            "llm.prompt_template.variables",
            "embedding.text",
            "tool.parameters",
            "tool_call.function.arguments",
            "metadata",
            "reranker.query",
            "retrieval.documents",
        },
    ),
    content_prefixes=(
        "llm.input_messages.",
        "llm.output_messages.",
        "message.tool_calls.",
        "llm.prompts.",
        "llm.choices.",
        "llm.tools.",
        "embedding.embeddings.",
        "reranker.input_documents.",
        "reranker.output_documents.",
        "retrieval.documents.",
    ),
    reduced=frozenset({"output.value"}),
)
CLAUDE_AGENT_SDK: Final = replace(
    OPENINFERENCE_SPANS,
    name="openinference.claude_agent_sdk",
    version=1,
    source="PyPI openinference-instrumentation-claude-agent-sdk (code)",
    traps=("only an AGENT span, with the raw input that leaves the cache out",),
    scopes=(_I + "claude_agent_sdk",),
    scope_prefixes=(),
    markers=(),
    families=(),
    raw=(),
    inside=(),
    input_excludes_cache="all",
    raw_has_finish="none",
)
# https://github.com/envoyproxy/ai-gateway: spans of the hop between client and provider.
ENVOY_AI_GATEWAY: Final = replace(
    OPENINFERENCE_SPANS,
    name="envoy_ai_gateway",
    version=1,
    source="https://github.com/envoyproxy/ai-gateway (issues 2449, 2450)",
    traps=("beside the client's span of the same call, below it or in a trace of its own",),
    scopes=(),
    scope_prefixes=("envoyproxy/ai-gateway",),
    markers=(),
    families=(),
    inside=(_RESPONSE_ID,),
    vantage="gateway",
    raw_has_finish="none",
)

DIALECTS: Final = (OPENINFERENCE_SPANS, CLAUDE_AGENT_SDK, ENVOY_AI_GATEWAY)
