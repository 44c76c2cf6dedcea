"""What one request may cost the receiver; every limit is checked before the thing it limits is built."""

from __future__ import annotations

from dataclasses import dataclass

from tollspan_rater.errors import ConfigError

MIB = 1024 * 1024
MESSAGE_BYTES_LEAST = 1024
MESSAGE_BYTES_MOST = 64 * MIB  # the size OTLP recommends to accept at most


@dataclass(frozen=True, slots=True)
class Limits:
    """Sizes in bytes, counts as plain numbers, times in seconds.

    The bound on customer ids and other attribution values belongs to the wire contract:
    ``tollspan.semconv.MAX_ATTRIBUTION_VALUE_BYTES``.
    """

    message_bytes: int = 16 * MIB  # a request after decompression
    in_flight_bytes: int = 256 * MIB  # requests that are being worked on, together
    spans: int = 20_000  # in one request
    attributes: int = 512  # of one span or resource; beyond, the span is quarantined
    value_bytes: int = 64 * 1024  # kept of one attribute value; the rest is cut and counted
    nesting: int = 16  # levels of arrays and maps inside an attribute value
    json_objects: int = 2_000_000  # braces and brackets in an OTLP/JSON request
    commit_seconds: float = 30.0  # wait for the journal
    body_seconds: float = 30.0  # wait for the bytes of an HTTP request
    retry_seconds: int = 5  # told to a sender that shall come again

    def __post_init__(self) -> None:
        if not MESSAGE_BYTES_LEAST <= self.message_bytes <= MESSAGE_BYTES_MOST:
            raise ConfigError(
                "limits.message_bytes",
                self.message_bytes,
                "configuration",
                f"give a number of bytes from {MESSAGE_BYTES_LEAST} to {MESSAGE_BYTES_MOST}",
            )


DEFAULT_LIMITS = Limits()
