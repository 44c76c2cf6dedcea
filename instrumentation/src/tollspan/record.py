"""The metering records and the span attributes that they become."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from tollspan import semconv
from tollspan.attribution import NOBODY, Attribution
from tollspan.process import Identity
from tollspan.protobuf import Value
from tollspan.usage import UNKNOWN, TokenCounts

if TYPE_CHECKING:
    from tollspan.event import Event

# Attributes that hardly ever have the same value twice.
OWN: Final = frozenset(
    {
        *(semconv.RECORD_ID, semconv.SEQ, semconv.RETRY_OF, semconv.RESPONSE_ID, semconv.PROVIDER_REQUEST_ID),
        *(semconv.REQUEST_FINGERPRINT, semconv.TTFT_SECONDS, semconv.USAGE_RAW, semconv.QUANTITY),
        *(semconv.INPUT_TOKENS, semconv.CACHE_READ_TOKENS, semconv.CACHE_WRITE_TOKENS),
        *(semconv.OUTPUT_TOKENS, semconv.REASONING_TOKENS),
    }
)


@dataclass(frozen=True, slots=True)
class CallRecord:
    """One HTTP attempt of an LLM call.

    Times are nanoseconds since the epoch; ``seq`` counts 1, 2, 3 ... within ``process_id``. ``usage_raw`` is the
    provider's usage object as JSON, read by the rules of ``api``; ``counts`` is its inclusive normal form.
    ``None`` is unknown.
    """

    identity: Identity
    process_id: str
    seq: int
    start_ns: int
    end_ns: int
    operation: str
    provider: str
    api: semconv.UsageApi
    quality: semconv.Quality
    outcome: semconv.Outcome
    attribution: Attribution = NOBODY
    counts: TokenCounts = UNKNOWN
    usage_raw: str | None = None
    request_model: str | None = None
    response_model: str | None = None
    response_id: str | None = None
    provider_request_id: str | None = None
    service_tier: str | None = None
    finish_reasons: tuple[str, ...] = ()
    attempt: int = 1
    retry_of: str | None = None
    stream: bool = False
    ttft_seconds: float | None = None
    output_rate: float | None = None
    server_address: str | None = None
    http_status: int | None = None
    error_type: str | None = None
    request_fingerprint: str | None = None
    custom_id: str | None = None

    @property
    def name(self) -> str:
        """The span's name, ``{operation} {model}`` as OTel's GenAI conventions want it."""
        return f"{self.operation} {self.request_model}" if self.request_model else self.operation

    @property
    def failed(self) -> bool:
        """Whether the span's status is an error."""
        return self.outcome in ("failed", "timeout")

    def attributes(self) -> dict[str, Value]:
        """Return the span's attributes; unknown values are left out."""
        found = {
            **_identity(self.identity, self.process_id, self.seq),
            semconv.OPERATION: self.operation,
            semconv.PROVIDER: self.provider,
            semconv.REQUEST_MODEL: self.request_model,
            semconv.RESPONSE_MODEL: self.response_model,
            semconv.RESPONSE_ID: self.response_id,
            semconv.PROVIDER_REQUEST_ID: self.provider_request_id,
            semconv.REQUEST_FINGERPRINT: self.request_fingerprint,
            semconv.CUSTOM_ID: self.custom_id,
            semconv.SERVICE_TIER: self.service_tier,
            semconv.FINISH_REASONS: self.finish_reasons or None,
            semconv.ATTEMPT: self.attempt,
            semconv.RETRY_OF: self.retry_of,
            semconv.OUTCOME: self.outcome,
            semconv.QUALITY: self.quality,
            semconv.STREAM: self.stream,
            semconv.TTFT_SECONDS: self.ttft_seconds,
            semconv.OUTPUT_RATE: self.output_rate,
            semconv.SERVER_ADDRESS: self.server_address,
            semconv.HTTP_STATUS: self.http_status,
            semconv.ERROR_TYPE: self.error_type,
            semconv.USAGE_API: self.api,
            semconv.USAGE_RAW: self.usage_raw,
            semconv.INPUT_TOKENS: self.counts.input,
            semconv.CACHE_READ_TOKENS: self.counts.cache_read,
            semconv.CACHE_WRITE_TOKENS: self.counts.cache_write,
            semconv.OUTPUT_TOKENS: self.counts.output,
            semconv.REASONING_TOKENS: self.counts.reasoning,
            **self.attribution.attributes(),
        }
        return {key: value for key, value in found.items() if value is not None}


@dataclass(frozen=True, slots=True)
class UnitRecord:
    """A unit that is no LLM call: a meter's name and an exact quantity as a decimal string."""

    identity: Identity
    process_id: str
    seq: int
    start_ns: int
    meter: str
    quantity: str
    attribution: Attribution = NOBODY

    failed = False

    @property
    def name(self) -> str:
        """The span's name."""
        return f"record {self.meter}"

    @property
    def end_ns(self) -> int:
        """A unit takes no time."""
        return self.start_ns

    def attributes(self) -> dict[str, Value]:
        """Return the span's attributes."""
        return {
            **_identity(self.identity, self.process_id, self.seq),
            semconv.METER: self.meter,
            semconv.QUANTITY: self.quantity,
            **self.attribution.attributes(),
        }


Record: TypeAlias = "CallRecord | UnitRecord | Event"


def _identity(identity: Identity, process_id: str, seq: int) -> dict[str, Value]:
    return {
        semconv.RECORD_ID: identity.record_id,
        semconv.PROCESS_ID: process_id,
        semconv.SEQ: seq,
        semconv.TRACE_SAMPLED: identity.trace_sampled,
    }
