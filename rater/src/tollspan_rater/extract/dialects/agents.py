"""Agent frameworks that write after the conventions: Strands, Microsoft's, Google's, Spring AI, Mastra and kin."""

from __future__ import annotations

from typing import Final

from tollspan_rater.domain.fates import Role
from tollspan_rater.extract.dialects.semconv import KEYS, ROLES
from tollspan_rater.extract.dialects.table import (
    FRAMEWORK,
    SPAN_NAME,
    Dialect,
    Inside,
    RawUsage,
    When,
    merged,
)

# Real provider only in the model's name. The older releases with underscore names alone leave the cache out.
STRANDS: Final = Dialect(
    name="strands",
    version=2,
    rank=FRAMEWORK,
    source="PyPI strands-agents, before (code) and from 1.62 (recorded)",
    traps=(
        "releases with underscore cache keys alone leave the cache out of the input; dotted keys mean it is inside",
        "execute_event_loop_cycle and invoke_agent repeat the sums of the chats below them",
        "the provider is written strands-agents; reasoning is not stated; no response id",
    ),
    scopes=("strands.telemetry.tracer",),
    keys=merged(KEYS, {"ttft_ms": ("gen_ai.server.time_to_first_token",)}),
    roles=ROLES,
    input_excludes_cache="all",
    inclusive_if="gen_ai.usage.cache_read.input_tokens",
    ignored_providers=frozenset({"strands-agents"}),
    content=frozenset({"system_prompt", "agent.system_prompt", "gen_ai.agent.tools"}),
)
AGENT_FRAMEWORK: Final = Dialect(
    name="agent_framework",
    version=2,
    rank=FRAMEWORK,
    source="PyPI agent-framework (run); NuGet Microsoft.Agents.AI (code)",
    traps=(
        "of Claude models the input leaves the cache out; cache counts need the opt-in for the latest conventions",
        "invoke_agent repeats the sums of the chats below it",
    ),
    scopes=("agent_framework",),
    scope_prefixes=("Experimental.Microsoft.Agents.AI",),
    keys=KEYS,
    roles=ROLES,
    input_excludes_cache="claude",
    cache_untold="claude",
    ignored_providers=frozenset({"microsoft.agent_framework"}),
)
SEMANTIC_KERNEL: Final = Dialect(
    name="semantic_kernel",
    version=1,
    rank=FRAMEWORK,
    source="PyPI semantic-kernel (run); NuGet Microsoft.SemanticKernel (code)",
    traps=("the provider's own input, without any cache count: for Claude models a lower bound",),
    scope_prefixes=("semantic_kernel.", "Microsoft.SemanticKernel"),
    keys=KEYS,
    roles=(When("gen_ai.operation.name", prefixes={"chat.": Role.CALL, "text.": Role.CALL}), *ROLES),
    input_excludes_cache="claude",
    cache_untold="claude",
)
ADK: Final = Dialect(
    name="adk",
    version=1,
    rank=FRAMEWORK,
    source="PyPI google-adk: 2.13 (run), older (code)",
    traps=(
        "older releases state cached tokens and tool use only inside gcp.vertex.agent.llm_response",
        "the provider is written gcp.vertex.agent, whoever answered",
    ),
    scopes=("gcp.vertex.agent",),
    keys=KEYS,
    roles=(When(SPAN_NAME, {"call_llm": Role.CALL}), *ROLES),
    raw=(RawUsage("gcp.vertex.agent.llm_response", ("usage_metadata",), "gemini.generate_content"),),
    ignored_providers=frozenset({"gcp.vertex.agent"}),
    content=frozenset({"gcp.vertex.agent.llm_request", "gcp.vertex.agent.llm_response", "gcp.vertex.agent.data"}),
    content_prefixes=("gcp.vertex.agent.tool_",),
    reduced=frozenset({"gcp.vertex.agent.llm_response"}),
)
SPRING_AI: Final = Dialect(
    name="spring_ai",
    version=1,
    rank=FRAMEWORK,
    source="https://docs.spring.io/spring-ai/reference/observability, by Micrometer (code)",
    traps=(
        "all numbers are strings",
        "input as the provider states it: Claude models leave the cache out",
        "chat_client and advisor spans have the operation `framework` and are no calls",
    ),
    scopes=("org.springframework.boot",),
    markers=("spring.ai.kind",),
    keys=KEYS,
    roles=(When("spring.ai.kind", other=Role.AGGREGATE), *ROLES),
    input_excludes_cache="claude",
    cache_untold="claude",
    ignored_providers=frozenset({"spring_ai"}),
    content=frozenset({"spring.ai.chat.client.user.text", "spring.ai.chat.client.system.text"}),
)
MASTRA: Final = Dialect(
    name="mastra",
    version=1,
    rank=FRAMEWORK,
    source="npm @mastra/otel-exporter, @mastra/otel-bridge (code)",
    traps=("only model_generation and rag_embedding are calls; agents and workflows have none of their usage",),
    scope_prefixes=("@mastra/",),
    markers=("mastra.span.type",),
    keys=KEYS,
    roles=ROLES,
    cache_unsure=True,
    content_prefixes=("mastra.",),
    kept_prefixes=(),
)
VOLTAGENT: Final = Dialect(
    name="voltagent",
    version=1,
    rank=FRAMEWORK,
    source="npm @voltagent/core (code)",
    traps=("names without the conventions' prefix; the agent's span repeats its calls",),
    scope_prefixes=("@voltagent/", "voltagent"),
    families=("usage.prompt_tokens",),
    keys=merged(
        {
            "input": ("usage.prompt_tokens",),
            "output": ("usage.completion_tokens",),
            "cache_read": ("usage.cached_tokens",),
            "reasoning": ("usage.reasoning_tokens",),
            "total": ("usage.total_tokens",),
            "request_model": ("llm.model", "ai.model.name"),
        },
        KEYS,
    ),
    roles=(When("span.type", {"llm": Role.CALL}, other=Role.AGGREGATE), *ROLES),
    cache_unsure=True,
)
_GENKIT: Final = "genkit:output"
GENKIT: Final = Dialect(
    name="genkit",
    version=1,
    rank=FRAMEWORK,
    source="npm genkit, PyPI genkit (code)",
    traps=(
        "usage only inside genkit:output, so that switching content off switches metering off",
        "of Gemini models the output is the candidates alone",
    ),
    scopes=("genkit-tracer",),
    markers=("genkit:type",),
    keys=merged({"request_model": ("genkit:name",)}, KEYS),
    roles=(When("genkit:metadata:subtype", {"model": Role.CALL}), When("genkit:type", other=Role.AGGREGATE), *ROLES),
    inside=tuple(
        Inside(slot, _GENKIT, (("usage", member),))
        for slot, member in (
            ("input", "inputTokens"),
            ("output", "outputTokens"),
            ("reasoning", "thoughtsTokens"),
            ("cache_read", "cachedContentTokens"),
            ("total", "totalTokens"),
        )
    ),
    output_excludes_reasoning="gemini",
    content=frozenset({"genkit:input", _GENKIT}),
    reduced=frozenset({_GENKIT}),
)
CREWAI: Final = Dialect(
    name="crewai",
    version=1,
    rank=FRAMEWORK,
    source="PyPI crewai: its own telemetry (code)",
    traps=("no tokens at all: its calls show only where another instrumentation runs beside it",),
    scopes=("crewai.telemetry",),
    keys=KEYS,
    roles=ROLES,
    content=frozenset({"crewai.crew.result"}),
)

DIALECTS: Final = (
    STRANDS,
    AGENT_FRAMEWORK,
    SEMANTIC_KERNEL,
    ADK,
    SPRING_AI,
    MASTRA,
    VOLTAGENT,
    GENKIT,
    CREWAI,
)
