"""SDKs and exporters of observability platforms: Langfuse, LangSmith, MLflow, Sentry, Dify."""

from __future__ import annotations

from typing import Final

from tollspan_rater.domain.fates import Role
from tollspan_rater.extract.dialects.semconv import KEYS, ROLES
from tollspan_rater.extract.dialects.table import (
    FRAMEWORK,
    OPENINFERENCE,
    Dialect,
    Inside,
    RawUsage,
    When,
    merged,
)

_LANGFUSE: Final = "langfuse.observation."
LANGFUSE: Final = Dialect(
    name="langfuse",
    version=2,
    rank=OPENINFERENCE + 1,
    source="PyPI langfuse 5.0.4 (recorded)",
    traps=(
        "usage_details is the provider's own object, or a short form of an app's own",
        "only generations and embeddings are calls; no response id",
    ),
    scopes=("langfuse-sdk",),
    markers=(_LANGFUSE + "type",),
    keys=merged(
        {
            "operation": (_LANGFUSE + "type",),
            "request_model": (_LANGFUSE + "model.name",),
            "response_model": (_LANGFUSE + "model.name",),
            "finish": (_LANGFUSE + "metadata.finish_reason",),
        },
        KEYS,
    ),
    roles=(
        When(_LANGFUSE + "type", {"generation": Role.CALL, "embedding": Role.CALL}, other=Role.AGGREGATE),
        *ROLES,
    ),
    raw=(RawUsage(_LANGFUSE + "usage_details"),),
    inside=(Inside("cost", _LANGFUSE + "cost_details", (("total",),)),),
    content=frozenset(
        {
            _LANGFUSE + "input",
            _LANGFUSE + "output",
            _LANGFUSE + "status_message",
            "langfuse.trace.input",
            "langfuse.trace.output",
        },
    ),
)

_IN_DETAILS, _OUT_DETAILS = "gen_ai.usage.input_token_details", "gen_ai.usage.output_token_details"
LANGSMITH: Final = Dialect(
    name="langsmith",
    version=1,
    rank=FRAMEWORK,
    source="PyPI langsmith with its OpenTelemetry exporter (code)",
    traps=(
        "runs of every kind may carry usage; only kind llm is a call",
        "details stand in a text, as JSON or as the repr of a Python dict",
    ),
    scopes=("langsmith",),
    markers=("langsmith.span.kind",),
    keys=KEYS,
    roles=(When("langsmith.span.kind", {"llm": Role.CALL}, other=Role.AGGREGATE), *ROLES),
    inside=(
        *(
            Inside(slot, _IN_DETAILS, ((member,),), notation="python")
            for slot, member in (
                ("cache_read", "cache_read"),
                ("cache_write", "cache_creation"),
                ("cache_write_5m", "ephemeral_5m_input_tokens"),
                ("cache_write_1h", "ephemeral_1h_input_tokens"),
                ("audio_in", "audio"),
            )
        ),
        Inside("reasoning", _OUT_DETAILS, (("reasoning",),), notation="python"),
        Inside("audio_out", _OUT_DETAILS, (("audio",),), notation="python"),
    ),
)

# Every value that MLflow writes is JSON: texts stand in quotes, and so do the kinds of its spans.
_MLFLOW_CALLS: Final = ("CHAT_MODEL", "LLM", "EMBEDDING")
_MLFLOW_USAGE: Final = "mlflow.chat.tokenUsage"
MLFLOW: Final = Dialect(
    name="mlflow",
    version=1,
    rank=FRAMEWORK,
    source="PyPI mlflow 3.4 and later (code)",
    traps=(
        "parents may repeat the usage of the spans below them",
        "whether the input contains the cache is what the traced library says: the numbers must prove it",
    ),
    markers=("mlflow.spanType",),
    families=(_MLFLOW_USAGE,),
    keys=KEYS,
    roles=(
        When(
            "mlflow.spanType",
            dict.fromkeys((*_MLFLOW_CALLS, *(f'"{kind}"' for kind in _MLFLOW_CALLS)), Role.CALL),
            other=Role.AGGREGATE,
        ),
        *ROLES,
    ),
    inside=(
        *(
            Inside(slot, _MLFLOW_USAGE, ((member,),))
            for slot, member in (
                ("input", "input_tokens"),
                ("output", "output_tokens"),
                ("total", "total_tokens"),
                ("cache_read", "cache_read_input_tokens"),
                ("cache_write", "cache_creation_input_tokens"),
            )
        ),
        Inside("request_model", "mlflow.llm.model", ((),)),
        Inside("provider", "mlflow.llm.provider", ((),)),
        Inside("cost", "mlflow.llm.cost", (("total_cost",),)),
    ),
    cache_unsure=True,
    content=frozenset({"mlflow.spanInputs", "mlflow.spanOutputs", "mlflow.chat.messages"}),
)
SENTRY: Final = Dialect(
    name="sentry",
    version=1,
    rank=FRAMEWORK,
    source="PyPI sentry-sdk, npm @sentry/node (code)",
    traps=("details hang below the totals' names: gen_ai.usage.input_tokens.cached",),
    scope_prefixes=("sentry.", "@sentry/"),
    markers=("gen_ai.operation.type",),
    keys=merged(KEYS, {"cost": ("gen_ai.usage.total_cost",)}),
    roles=(When("gen_ai.operation.type", {"ai_client": Role.CALL}, other=Role.AGGREGATE), *ROLES),
)
DIFY: Final = Dialect(
    name="dify",
    version=1,
    rank=FRAMEWORK,
    source="https://github.com/langgenius/dify, extensions/otel (code)",
    traps=("no operation: a span with usage counts only where no call below or above it is seen",),
    scopes=("dify-sdk",),
    scope_prefixes=("dify",),
    markers=("dify.app_id", "dify.workflow_id"),
    keys=KEYS,
    roles=ROLES,
    cache_unsure=True,
)

DIALECTS: Final = (LANGFUSE, LANGSMITH, MLFLOW, SENTRY, DIFY)
