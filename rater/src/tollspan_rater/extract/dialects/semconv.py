"""OpenTelemetry's GenAI conventions: the names of all their versions, the roles of their operations, their content."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from tollspan_rater.domain.fates import Role
from tollspan_rater.extract.dialects.table import UNKNOWN_SCOPE, Dialect, When, merged

CALL_OPERATIONS: Final = (
    "chat",
    "text_completion",
    "completion",
    "responses",
    "generate_content",
    "generate",
    "embeddings",
    "embedding",
    "realtime_inference",
    "image_generation",
    "transcription",
    "text_to_speech",
    "moderation",
    "ocr",
    "rerank",
    "fetch_response",
    "llm_call",
)
CONTAINER_OPERATIONS: Final = (
    "invoke_agent",
    "create_agent",
    "invoke_workflow",
    "agent_step",
    "plan",
    "execute_event_loop_cycle",
    "orchestrate_tools",
    "execute_tool",
    "framework",
)
# A retrieval is a call only when a model was asked for it, which its tokens show.
CALL_IF_MEASURED: Final = ("retrieval",)

ROLES: Final = (
    When("traceloop.span.kind", other=Role.AGGREGATE),
    When(
        "gen_ai.operation.name",
        dict.fromkeys(CALL_OPERATIONS, Role.CALL)
        | dict.fromkeys(CONTAINER_OPERATIONS, Role.AGGREGATE)
        | dict.fromkeys(CALL_IF_MEASURED, Role.EVIDENCE),
    ),
    When("langsmith.span.kind", {"llm": Role.CALL}, other=Role.AGGREGATE),
    When("gen_ai.span.kind", {"LLM": Role.CALL, "EMBEDDING": Role.CALL}, other=Role.AGGREGATE),
)

# Texts: what a span tells beside its usage.
TEXTS: Final[Mapping[str, tuple[str, ...]]] = {
    "operation": ("gen_ai.operation.name",),
    "provider": ("gen_ai.provider.name", "gen_ai.system"),
    "request_model": ("gen_ai.request.model",),
    "response_model": ("gen_ai.response.model",),
    "response_id": ("gen_ai.response.id",),
    "service_tier": (
        "tollspan.service_tier",
        "openai.response.service_tier",
        "gen_ai.openai.response.service_tier",
        "anthropic.response.service_tier",
    ),
    "stream": ("gen_ai.request.stream", "gen_ai.is_streaming", "llm.is_streaming"),
    "ttft_s": ("gen_ai.response.time_to_first_chunk",),
    "finish": ("gen_ai.response.finish_reasons", "gen_ai.response.finish_reason"),
    "resend_count": ("http.request.resend_count",),
    "cost": ("gen_ai.usage.cost", "gen_ai.cost.total_cost"),
}

# Counts, newest name first. Names were renamed in v1.27, v1.40 and by the genai repository after v1.41:
# https://github.com/open-telemetry/semantic-conventions-genai
COUNTS: Final[Mapping[str, tuple[str, ...]]] = {
    "input": ("gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens", "llm.usage.prompt_tokens"),
    "output": ("gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens", "llm.usage.completion_tokens"),
    "cache_read": (
        "gen_ai.usage.cache_read.input_tokens",
        "gen_ai.usage.cache_read_input_tokens",
        "gen_ai.usage.details.cache_read_tokens",
        "gen_ai.usage.input_tokens.cached",
    ),
    "cache_write": (
        "gen_ai.usage.cache_write.input_tokens",
        "gen_ai.usage.cache_creation.input_tokens",
        "gen_ai.usage.cache_creation_input_tokens",
        "gen_ai.usage.cache_write_input_tokens",
        "gen_ai.usage.details.cache_write_tokens",
        "gen_ai.usage.input_tokens.cache_write",
    ),
    "cache_write_5m": (
        "anthropic.usage.cache_creation.ephemeral_5m_input_tokens",
        "gen_ai.usage.details.ephemeral_5m_input_tokens",
    ),
    "cache_write_1h": (
        "anthropic.usage.cache_creation.ephemeral_1h_input_tokens",
        "gen_ai.usage.details.ephemeral_1h_input_tokens",
    ),
    "reasoning": (
        "gen_ai.usage.reasoning.output_tokens",
        "gen_ai.usage.reasoning_tokens",
        "gen_ai.usage.details.reasoning_tokens",
        "gen_ai.usage.details.thinking_tokens",
        "gen_ai.usage.details.thoughts_tokens",
        "llm.usage.reasoning_tokens",
        "gen_ai.usage.output_tokens.reasoning",
    ),
    "audio_in": ("gen_ai.usage.audio.input_tokens", "gen_ai.usage.audio_input_tokens"),
    "audio_out": ("gen_ai.usage.audio.output_tokens", "gen_ai.usage.audio_output_tokens"),
    "image_in": ("gen_ai.usage.image.input_tokens",),
    "total": ("gen_ai.usage.total_tokens", "llm.usage.total_tokens"),
    "text_in": ("gen_ai.usage.text.input_tokens",),
    "text_out": ("gen_ai.usage.text.output_tokens",),
    "image_out": ("gen_ai.usage.image.output_tokens",),
    "cache_read_audio": ("gen_ai.usage.audio.cache_read.input_tokens",),
    "cache_read_image": ("gen_ai.usage.image.cache_read.input_tokens",),
    "unit.web_search": ("gen_ai.usage.details.web_search_requests",),
}
KEYS: Final = merged(COUNTS, TEXTS)

# Names within the same namespace that hold no usage of the span they stand on.
IGNORED: Final[Mapping[str, str]] = {
    "gen_ai.client.token.usage": "the value of a metric, in places with reasoning counted twice",
    "gen_ai.usage.partial.*": "counts of a message that was not finished; the finished one is a span of its own",
    "logfire.metrics": "sums over the spans below",
}

# Content in the conventions' own attributes, and the names that older releases and forks gave it.
CONTENT: Final = frozenset(
    {
        "gen_ai.input.messages",
        "gen_ai.output.messages",
        "gen_ai.system_instructions",
        "gen_ai.tool.definitions",
        "gen_ai.prompt",
        "gen_ai.completion",
        "gen_ai.tool.call.arguments",
        "gen_ai.tool.call.result",
        "gen_ai.event.content",
        "gen_ai.input",
        "gen_ai.output",
        "gen_ai.retrieval.documents",
        "gen_ai.retrieval.query.text",
        "gen_ai.evaluation.explanation",
        "gen_ai.user.message",
        "gen_ai.system.message",
        "gen_ai.assistant.message",
        "gen_ai.tool.message",
        "gen_ai.choice",
        "gen_ai.headers",
        "gen_ai.request.messages",
        "gen_ai.response.text",
        "gen_ai.response.tool_calls",
        "gen_ai.tool.input",
        "gen_ai.tool.output",
        "gen_ai.tool.args",
        "gen_ai.task.input",
        "gen_ai.task.output",
    },
)
CONTENT_PREFIXES: Final = ("gen_ai.prompt.", "gen_ai.completion.", "gen_ai.content.")

# Spans of any other scope that follow the conventions: an app of its own, a framework not known here.
PLAIN: Final = Dialect(
    name="semconv",
    version=2,
    rank=UNKNOWN_SCOPE,
    source="https://github.com/open-telemetry/semantic-conventions-genai, and v1.26 to v1.41 before it",
    traps=(
        "the schema URL names no version: packages with URL 1.37 write attributes that came after 1.41",
        "whether the input contains the cache only a scope tells: for Anthropic and Bedrock both readings are kept",
        "provider names of gateways name the API that was spoken, not who answered",
    ),
    keys=KEYS,
    roles=ROLES,
    ignored=IGNORED,
    cache_unsure=True,
    content=CONTENT,
    content_prefixes=CONTENT_PREFIXES,
)
