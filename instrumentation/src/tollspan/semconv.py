"""The wire contract: every attribute name that tollspan writes on a span, and what its values mean.

The rater imports these names from here, so that both sides can never disagree.
Standard ``gen_ai.*`` names are used where OpenTelemetry defines one; token totals are inclusive
(input contains cache reads and writes, output contains reasoning).
"""

from __future__ import annotations

from typing import Final, Literal, get_args

SCOPE_NAME: Final = "tollspan"
SCHEMA_VERSION: Final = "1"

# --- tollspan's own -------------------------------------------------------------------------
RECORD_ID: Final = "tollspan.record.id"  # UUIDv7 of the record; a resend carries the same one
PROCESS_ID: Final = "tollspan.process.id"  # random id of the sending process
SEQ: Final = "tollspan.seq"  # int, 1, 2, 3 ... per process: a gap is a loss
ATTEMPT: Final = "tollspan.attempt"  # int, 1 for the first HTTP attempt of a logical call
RETRY_OF: Final = "tollspan.retry_of"  # record id of the first attempt of the same logical call
OUTCOME: Final = "tollspan.outcome"  # one of the closed list of outcomes
USAGE_RAW: Final = (
    "tollspan.usage.raw"  # JSON: the provider's usage object verbatim, plus a member tollspan with what it omits
)
USAGE_API: Final = "tollspan.usage.api"  # which API's usage object it is, of a closed list
CUSTOM_ID: Final = "tollspan.batch.custom_id"  # the caller's own name for a request of a batch
QUALITY: Final = "tollspan.quality"  # one of the closed list of qualities
METER: Final = "tollspan.meter"  # a unit that is no LLM call: the meter's name
QUANTITY: Final = "tollspan.quantity"  # decimal string
PROCESS_ENDED: Final = "process ended"  # name of the span about a killed process: its seq is the highest expected one
TRACE_SAMPLED: Final = "tollspan.trace.sampled"  # bool: was the application's trace sampled
# On a span of the application's own, on request: what the calls made under it used. Nothing is billed by them.
SPAN_CALLS: Final = "tollspan.span.calls"  # int, HTTP attempts so far
SPAN_INPUT_TOKENS: Final = "tollspan.span.input_tokens"  # int, inclusive; absent where no call has stated it
SPAN_CACHE_READ_TOKENS: Final = "tollspan.span.cache_read_tokens"
SPAN_CACHE_WRITE_TOKENS: Final = "tollspan.span.cache_write_tokens"
SPAN_OUTPUT_TOKENS: Final = "tollspan.span.output_tokens"  # int, inclusive
SPAN_REASONING_TOKENS: Final = "tollspan.span.reasoning_tokens"
SPAN_RECORD_IDS: Final = "tollspan.span.record_ids"  # strings, the records of these calls, the first 64
# On a span of another instrumentation that makes response ids up: the id that the provider gave.
SHOWN_RESPONSE_ID: Final = "tollspan.response_id"
STREAM: Final = "gen_ai.request.stream"
TTFT_SECONDS: Final = "gen_ai.response.time_to_first_chunk"  # double, seconds
OUTPUT_RATE: Final = "tollspan.output_tokens_per_second"  # double, of a whole stream after its first chunk

# --- attribution ----------------------------------------------------------------------------
AttributionKey = Literal[
    "customer",
    "user",
    "organization",
    "project",
    "workspace",
    "feature",
    "feature_flag",
    "workflow",
    "run",
    "prompt",
    "prompt_version",
    "environment",
    "region",
    "agent",
    "request_type",
    "phase",
    "subscription",
    "billable",
]
ATTRIBUTION_KEYS: Final[tuple[str, ...]] = get_args(AttributionKey)
ATTRIBUTION_PREFIX: Final = "tollspan."
TAG_PREFIX: Final = "tollspan.tags."
MAX_TAGS: Final = 16
MAX_ATTRIBUTION_VALUE_BYTES: Final = 256


def attribution_attribute(key: str) -> str:
    """Return the span attribute that carries an attribution key, e.g. ``tollspan.customer``."""
    return ATTRIBUTION_PREFIX + key


# --- enumerations ---------------------------------------------------------------------------
Outcome = Literal["complete", "aborted", "failed", "timeout", "cache_hit"]
OUTCOMES: Final[tuple[str, ...]] = get_args(Outcome)
Quality = Literal["exact", "derived", "estimated", "lower_bound", "unmeasured"]
QUALITIES: Final[tuple[str, ...]] = get_args(Quality)
BatchUsage = Literal["lines", "total"]  # what a batch is metered by: its result file, or its own total
UsageApi = Literal[
    "openai.chat",
    "openai.responses",
    "openai.embeddings",
    "perplexity.chat",
    "anthropic.messages",
    "gemini.generate_content",
    "gemini.interactions",
    "vertex.predict",
    "bedrock.converse",
    "bedrock.invoke_model",
    "cohere",
    "ollama",
    "watsonx.generation",
    "aleph_alpha.complete",
    "voyage.embeddings",
    "mistral.ocr",
]
USAGE_APIS: Final[tuple[str, ...]] = get_args(UsageApi)

# --- OpenTelemetry's names that both sides use -----------------------------------------------
OPERATION: Final = "gen_ai.operation.name"
PROVIDER: Final = "gen_ai.provider.name"
REQUEST_MODEL: Final = "gen_ai.request.model"
RESPONSE_MODEL: Final = "gen_ai.response.model"
RESPONSE_ID: Final = "gen_ai.response.id"
FINISH_REASONS: Final = "gen_ai.response.finish_reasons"
INPUT_TOKENS: Final = "gen_ai.usage.input_tokens"
OUTPUT_TOKENS: Final = "gen_ai.usage.output_tokens"
CACHE_READ_TOKENS: Final = "gen_ai.usage.cache_read.input_tokens"
CACHE_WRITE_TOKENS: Final = "gen_ai.usage.cache_write.input_tokens"
REASONING_TOKENS: Final = "gen_ai.usage.reasoning.output_tokens"
SERVICE_TIER: Final = "tollspan.service_tier"  # the tier that the provider served and billed, e.g. batch
REQUEST_FINGERPRINT: Final = "tollspan.request_fingerprint"  # keyed digest, equal when the same is asked again
PROVIDER_REQUEST_ID: Final = "tollspan.provider_request_id"  # x-request-id / request-id header
SERVER_ADDRESS: Final = "server.address"
ERROR_TYPE: Final = "error.type"
HTTP_STATUS: Final = "http.response.status_code"

# --- the money span, which the rater adds below a call's span --------------------------------
# It has the scope tollspan.money and is named money, or tollspan.adjustment for a later difference, with signs.
COST: Final = "tollspan.cost"  # double, what the provider charges
CHARGE: Final = "tollspan.charge"  # double, what the customer is charged
MARGIN: Final = (
    "tollspan.margin"  # double, charge less cost; absent where one of them is not known or currencies differ
)
CURRENCY: Final = "tollspan.currency"  # ISO 4217 code of charge and margin
COST_CURRENCY: Final = "tollspan.cost_currency"  # ISO 4217 code of the cost
AS_OF: Final = "tollspan.as_of"  # int, the journal position at which they were computed
PRICE_VERSION: Final = "tollspan.price_version"  # the version of the prices in force
CALL_ID: Final = "tollspan.call_id"  # the call's name in every answer: tollspan explain takes it
MODEL: Final = "tollspan.model"  # beside gen_ai.*, so that sums over calls do not meet them twice
PROVIDER_OF_CALL: Final = "tollspan.provider"  # as the model
PLAN: Final = "tollspan.plan"  # the plan that the charge comes from
