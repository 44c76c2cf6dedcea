"""The standard client metrics of OpenTelemetry's GenAI conventions, without any customer in them.

Source: https://github.com/open-telemetry/semantic-conventions-genai, ``gen-ai-metrics.md``: names, units, buckets.
A customer, a user or a tag would make a time series each; who used what is the rater's to say.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from opentelemetry import context
from opentelemetry.metrics import Histogram, get_meter

from tollspan import semconv
from tollspan.observers import Told
from tollspan.record import CallRecord
from tollspan.suppression import covered

TOKEN_USAGE: Final = "gen_ai.client.token.usage"  # noqa: S105 - no secret
DURATION: Final = "gen_ai.client.operation.duration"
TOKEN_TYPE: Final = "gen_ai.token.type"  # noqa: S105 - no secret
TOKEN_BUCKETS: Final = tuple(4**power for power in range(14))
DURATION_BUCKETS_S: Final = tuple(0.01 * 2**power for power in range(14))
STATED: Final = ("exact", "derived")  # an estimate in a histogram cannot be told from a count

Attributes = dict[str, str]


class Metrics:
    """The two histograms on the application's global meter provider, whenever that is set."""

    def __init__(self) -> None:
        meter = get_meter(semconv.SCOPE_NAME)
        self._tokens: Histogram = meter.create_histogram(
            TOKEN_USAGE,
            unit="{token}",
            description="Number of input and output tokens used by GenAI clients.",
            explicit_bucket_boundaries_advisory=TOKEN_BUCKETS,
        )
        self._duration: Histogram = meter.create_histogram(
            DURATION,
            unit="s",
            description="Duration of GenAI client operations.",
            explicit_bucket_boundaries_advisory=DURATION_BUCKETS_S,
        )

    def observe(self) -> Told | None:
        """Return what records a call that begins now; ``None`` where another instrumentation does."""
        if covered():
            return None
        here = context.get_current()  # an exemplar shall lead to the span that made the call

        def told(record: CallRecord) -> None:
            about = _about(record)
            self._duration.record((record.end_ns - record.start_ns) / 1e9, about | _error(record), here)
            for kind, count in _tokens(record):
                self._tokens.record(count, about | {TOKEN_TYPE: kind}, here)

        return told


def _about(record: CallRecord) -> Attributes:
    named = {
        semconv.OPERATION: record.operation,
        semconv.PROVIDER: record.provider,
        semconv.REQUEST_MODEL: record.request_model,
        semconv.RESPONSE_MODEL: record.response_model,
        semconv.SERVER_ADDRESS: record.server_address,
    }
    return {name: value for name, value in named.items() if value is not None}


def _error(record: CallRecord) -> Attributes:
    return {semconv.ERROR_TYPE: record.error_type or "_OTHER"} if record.failed else {}


def _tokens(record: CallRecord) -> Iterator[tuple[str, int]]:
    if record.quality not in STATED:
        return
    for kind, count in (("input", record.counts.input), ("output", record.counts.output)):
        if count is not None:
            yield kind, count
