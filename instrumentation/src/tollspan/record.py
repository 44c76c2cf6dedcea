"""The metering records and the span attributes that they become."""

from __future__ import annotations

from dataclasses import dataclass
from operator import attrgetter
from typing import TYPE_CHECKING, Final, TypeAlias

from tollspan import semconv
from tollspan.attribution import NOBODY, Attribution
from tollspan.process import Identity
from tollspan.protobuf import Value
from tollspan.usage import UNKNOWN, TokenCounts

if TYPE_CHECKING:
    from tollspan.event import Event

# The attributes of a call, each with the field of its record. What one call says of itself another seldom does not,
# so that it is encoded once for many; then what is a call's own.
LASTING: Final = {
    semconv.PROCESS_ID: "process_id",
    semconv.TRACE_SAMPLED: "identity.trace_sampled",
    semconv.OPERATION: "operation",
    semconv.PROVIDER: "provider",
    semconv.REQUEST_MODEL: "request_model",
    semconv.RESPONSE_MODEL: "response_model",
    semconv.SERVICE_TIER: "service_tier",
    semconv.FINISH_REASONS: "finish_reasons",
    semconv.ATTEMPT: "attempt",
    semconv.OUTCOME: "outcome",
    semconv.QUALITY: "quality",
    semconv.STREAM: "stream",
    semconv.SERVER_ADDRESS: "server_address",
    semconv.HTTP_STATUS: "http_status",
    semconv.ERROR_TYPE: "error_type",
    semconv.USAGE_API: "api",
}
OWN: Final = {
    semconv.RECORD_ID: "identity.record_id",
    semconv.SEQ: "seq",
    semconv.RETRY_OF: "retry_of",
    semconv.RESPONSE_ID: "response_id",
    semconv.PROVIDER_REQUEST_ID: "provider_request_id",
    semconv.REQUEST_FINGERPRINT: "request_fingerprint",
    semconv.CUSTOM_ID: "custom_id",
    semconv.TTFT_SECONDS: "ttft_seconds",
    semconv.OUTPUT_RATE: "output_rate",
    semconv.USAGE_RAW: "usage_raw",
    semconv.INPUT_TOKENS: "counts.input",
    semconv.CACHE_READ_TOKENS: "counts.cache_read",
    semconv.CACHE_WRITE_TOKENS: "counts.cache_write",
    semconv.OUTPUT_TOKENS: "counts.output",
    semconv.REASONING_TOKENS: "counts.reasoning",
}
lasting_of, own_of = attrgetter(*LASTING.values()), attrgetter(*OWN.values())  # their values, of a record


@dataclass(slots=True)  # freezing it would take four times as long as making it
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
        said = (*zip(LASTING, lasting_of(self), strict=True), *zip(OWN, own_of(self), strict=True))
        found = {key: value for key, value in said if value is not None and value != ()}
        return {**found, **self.attribution.attributes()}


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
            semconv.RECORD_ID: self.identity.record_id,
            semconv.PROCESS_ID: self.process_id,
            semconv.SEQ: self.seq,
            semconv.TRACE_SAMPLED: self.identity.trace_sampled,
            semconv.METER: self.meter,
            semconv.QUANTITY: self.quantity,
            **self.attribution.attributes(),
        }


Record: TypeAlias = "CallRecord | UnitRecord | Event"
