"""What the rater makes of spans: its own decoding, reading and settling, without a server."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.trace import ReadableSpan
from tests.extract.spans import a_span
from tests.instrumentation.conftest import Received

from tollspan_rater.domain.call import Call, Extracted
from tollspan_rater.domain.entries import Batch
from tollspan_rater.domain.span import Span
from tollspan_rater.extract.extract import extract
from tollspan_rater.extract.settle import settle
from tollspan_rater.ingest.decode import decode


def calls(requests: Iterable[bytes]) -> list[Call]:
    """Return the calls, oldest first, that a rater sees in OTLP requests."""
    batches = [Batch(number, 0, "default", "", "otlp-proto", body) for number, body in enumerate(requests)]
    read = [extract(piece) for batch in batches for piece in decode(batch) if isinstance(piece, Span)]
    found = settle(one for one in read if isinstance(one, Extracted))
    return sorted((call for call in found if call.kind == "call"), key=lambda call: call.started_ns)


def calls_of(records: Sequence[Received]) -> list[Call]:
    """Return the calls that a rater sees in records of the sink, which come to it in the reverse order."""
    spans = [
        a_span(one.attributes, trace_id=one.trace_id, span_id=one.span_id, parent_id=one.parent_id,
               start_ns=one.start_ns, end_ns=one.end_ns, status=2 if one.error else 0)
        for one in reversed(records)
    ]  # fmt: skip
    found = settle(one for one in map(extract, spans) if isinstance(one, Extracted))
    return [call for call in found if call.kind == "call"]


def exported(spans: Iterable[ReadableSpan]) -> bytes:
    """Return the OTLP request that the application's own exporter makes of its spans."""
    return encode_spans(list(spans)).SerializeToString()
