"""The fields of a usage event, version 1: what they mean, what else they are called, and where they go on a span."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from tollspan import semconv

SCHEMA_ID: Final = "urn:tollspan:usage-event:1"
SCOPE_NAME: Final = "tollspan.events"
VERSION: Final = "1"
UNSPLIT_TOKENS: Final = "tollspan.tokens"  # tokens of which nobody said whether they are input or output
COST_USD: Final = "tollspan.reported_cost_usd"  # what the application worked out; kept beside, never used

Kind = Literal["text", "count", "decimal", "truth", "time", "milliseconds", "outcome", "tags"]


@dataclass(frozen=True, slots=True)
class Field:
    """One field: its name, what its value is, the attribute it becomes (``None``: it is read apart), other names."""

    name: str
    kind: Kind
    meaning: str
    attribute: str | None = None
    aliases: tuple[str, ...] = ()


def _attribution() -> tuple[Field, ...]:
    other = {
        "customer": ("customer_id", "external_customer_id"),
        "user": ("user_id",),
        "organization": ("organization_id", "org_id"),
        "project": ("project_id",),
        "workspace": ("workspace_id",),
        "feature": ("feature_name",),
        "workflow": ("workflow_id", "workflow_name"),
        "run": ("run_id", "session", "session_id"),
        "prompt": ("prompt_name", "prompt_id"),
        "environment": ("env",),
        "agent": ("agent_type", "agent_name"),
        "phase": ("account_phase", "account_type"),
        "subscription": ("subscription_id", "plan", "plan_id"),
    }
    return tuple(
        Field(
            key,
            "truth" if key == "billable" else "text",
            "false: not to be charged" if key == "billable" else f"the {key.replace('_', ' ')} it was for",
            semconv.attribution_attribute(key),
            other.get(key, ()),
        )
        for key in semconv.ATTRIBUTION_KEYS
    )


FIELDS: Final[tuple[Field, ...]] = (
    Field("id", "text", "names the event for good: sent again it counts once", None, ("event_id", "transaction_id")),
    Field("source", "text", "who made the id, where several senders may draw the same one"),
    Field("time", "time", "when the use ended: RFC 3339 with an offset", None, ("timestamp", "occurred_at")),
    Field("type", "text", "what happened, in your own words", None, ("event_type", "event")),
    *_attribution(),
    Field("tags", "tags", "further dimensions: names and texts"),
    Field("provider", "text", "who answered, for example openai", semconv.PROVIDER, ("vendor",)),
    Field("model", "text", "the model that answered", semconv.RESPONSE_MODEL, ("model_name",)),
    Field("operation", "text", "chat (the default for tokens), embeddings ...", semconv.OPERATION),
    Field("response_id", "text", "the provider's id of the answer", semconv.RESPONSE_ID),
    Field("service_tier", "text", "the tier that was billed, for example batch", semconv.SERVICE_TIER),
    Field(
        "input_tokens",
        "count",
        "all input, cache reads and writes included",
        semconv.INPUT_TOKENS,
        ("tokens_in", "prompt_tokens"),
    ),
    Field(
        "output_tokens",
        "count",
        "all output, reasoning included",
        semconv.OUTPUT_TOKENS,
        ("tokens_out", "completion_tokens"),
    ),
    Field(
        "cache_read_tokens",
        "count",
        "the part of the input that came from a cache",
        semconv.CACHE_READ_TOKENS,
        ("cached_tokens", "cached_input_tokens"),
    ),
    Field(
        "cache_write_tokens",
        "count",
        "the part of the input that was written to a cache",
        semconv.CACHE_WRITE_TOKENS,
        ("cache_creation_tokens",),
    ),
    Field("reasoning_tokens", "count", "the part of the output that was reasoning", semconv.REASONING_TOKENS),
    Field("total_tokens", "count", "input and output together; alone it has no split", None, ("tokens",)),
    Field("cost_usd", "decimal", "your own figure: kept beside ours, never used", COST_USD, ("cost",)),
    Field("meter", "text", "a unit that is no LLM call, for example gpu_second", semconv.METER),
    Field("quantity", "decimal", "how much of the meter", semconv.QUANTITY),
    Field("outcome", "outcome", "complete, aborted, failed, timeout or cache_hit", semconv.OUTCOME, ("status",)),
    Field("attempt", "count", "1 for the first attempt of a call", semconv.ATTEMPT),
    Field("retry_of", "text", "the id of the first attempt", None),
    Field("duration_ms", "milliseconds", "how long it took", None, ("latency_ms",)),
    Field("ttft_ms", "milliseconds", "how long until the first piece of the answer"),
)
OUTCOMES: Final[dict[str, str]] = {
    **{outcome: outcome for outcome in semconv.OUTCOMES},
    "success": "complete",
    "succeeded": "complete",
    "ok": "complete",
    "error": "failed",
    "failure": "failed",
    "cancelled": "aborted",
    "canceled": "aborted",
    "cached": "cache_hit",
}
NAMES: Final[dict[str, Field]] = {name: field for field in FIELDS for name in (field.name, *field.aliases)}
REQUIRED: Final = ("id", "time")
