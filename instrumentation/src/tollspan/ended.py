"""What is told of a process that was killed: how many records it expected to make, so that the missing ones show."""

from __future__ import annotations

from hashlib import sha256
from typing import Final

from tollspan import semconv
from tollspan.frame import SPAN, Frame
from tollspan.protobuf import span
from tollspan.segment import Batch, Expected, Segment

_INTERNAL: Final = 1  # SPAN_KIND_INTERNAL of opentelemetry/proto/trace/v1/trace.proto
_TRACE_ID_DIGITS, _SPAN_ID_DIGITS = 32, 16


def encoded(expected: Expected) -> Frame:
    """Encode it as a span without usage, the same one however often it is told; its ids tell it from records."""
    said = f"{semconv.PROCESS_ENDED} {expected.process_id} {expected.records}"
    ids = sha256(said.encode()).hexdigest()
    payload = span(
        ids=(ids[:_TRACE_ID_DIGITS], ids[_TRACE_ID_DIGITS:][:_SPAN_ID_DIGITS], ""),
        name=semconv.PROCESS_ENDED,
        kind=_INTERNAL,
        times_ns=(expected.at_ns, expected.at_ns),
        attributes={
            semconv.RECORD_ID: said,
            semconv.PROCESS_ID: expected.process_id,
            semconv.SEQ: expected.records,
        },
        failed=False,
        sampled=True,
    )
    return Frame(SPAN, payload)


class Ended:
    """The last thing that is read of the file of a process that was killed."""

    def __init__(self, segment: Segment) -> None:
        self._segment = segment

    def batch(self) -> Batch:
        """Return what is to be sent."""
        segment = self._segment
        return Batch(self, segment.resource, (encoded(segment.expected),), segment.size(), own=False, ended=True)

    def acknowledge(self, _end: int) -> None:
        """Tell it no more."""
        self._segment.expect(0, 0)
