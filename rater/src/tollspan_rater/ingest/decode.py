"""From a journal entry to pieces: every span of a batch, in its order, or why it is none."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any, Final

from tollspan_rater.domain.entries import Batch, Encoding
from tollspan_rater.domain.span import Piece, Span
from tollspan_rater.ingest import otlp_json, wire
from tollspan_rater.ingest.limits import DEFAULT_LIMITS, Limits
from tollspan_rater.ingest.protobuf import SpanReader
from tollspan_rater.ingest.undecodable import PieceError, described, undecodable

_PLACE_BYTES_MOST: Final = 4096  # of resource and scope together; many bad spans may share a large one


def decode(batch: Batch, limits: Limits = DEFAULT_LIMITS, *, also: frozenset[str] = frozenset()) -> list[Piece]:
    """Decode a batch; never raises for anything that its bytes hold.

    A span that cannot be read becomes an Undecodable and leaves its neighbours alone. A resource or scope that
    cannot be read makes its spans Undecodable, for what they mean and whose they are stands there. Damaged bytes
    in which no span is found are one piece. The same batch always gives the same pieces. ``also`` names attributes to
    keep beside those that extraction reads; content stays out whatever it names.
    """
    return _DECODERS[batch.encoding](batch, limits, also)


@lru_cache(maxsize=64)
def _reader(limits: Limits, also: frozenset[str]) -> SpanReader:
    return SpanReader(limits, also)


def _protobuf(batch: Batch, limits: Limits, also: frozenset[str]) -> list[Piece]:
    reader, tenant = _reader(limits, also), batch.tenant
    pieces: list[Piece] = []
    last: tuple[bytes, Mapping[str, Any]] | None = None
    # The journal holds only what reception let pass, so the number of spans is bounded by the body's size here.
    for cut in wire.cut(batch.body, spans_most=len(batch.body)):
        if isinstance(cut, wire.Damage):
            pieces.append(undecodable("malformed", cut.error, cut.raw))
            continue
        try:
            if last is None or last[0] != cut.resource:
                last = cut.resource, reader.resource(cut.resource)
            scope, version = reader.scope(cut.scope)
        except PieceError as error:
            pieces.extend(_in_place(undecodable(error.reason, error, raw), cut) for raw in cut.spans)
            continue
        resource, span = last[1], reader.span
        found = [span(raw, tenant, resource, scope, version) for raw in cut.spans]
        pieces.extend([piece if isinstance(piece, Span) else _in_place(piece, cut) for piece in found])
    return pieces


def _in_place(piece: Piece, group: wire.Group) -> Piece:
    """Keep a span that cannot be read as a request of its own: without resource and scope it would say nothing."""
    if isinstance(piece, Span) or piece.reason == "undecodable":
        return piece
    fits = len(group.resource) + len(group.scope) <= _PLACE_BYTES_MOST
    resource, scope = (group.resource, group.scope) if fits else (b"", b"")
    scoped = wire.frame(1, scope) + wire.frame(2, piece.raw)
    return replace(piece, raw=wire.frame(1, wire.frame(1, resource) + wire.frame(2, scoped)))


def _json(batch: Batch, limits: Limits, also: frozenset[str]) -> list[Piece]:
    try:
        request = otlp_json.parse(batch.body)
    except PieceError as error:
        return [undecodable(error.reason, error, batch.body)]
    return list(json_pieces(request, batch.tenant, limits, also))


def json_pieces(
    request: Mapping[str, Any], tenant: str, limits: Limits, also: frozenset[str] = frozenset()
) -> Iterator[Piece]:
    """Yield the pieces of a parsed OTLP/JSON request, in order."""
    for raw_resource, raw_scope, spans in otlp_json.groups(request):
        try:
            resource, scope = otlp_json.resource_of(raw_resource, limits, also), otlp_json.scope_of(raw_scope)
        except PieceError as error:
            pieces: list[Piece] = [undecodable(error.reason, error, otlp_json.dump(raw)) for raw in spans]
        else:
            pieces = [otlp_json.span_of(raw, tenant, resource, scope, limits, also) for raw in spans]
        for piece, raw in zip(pieces, spans, strict=True):
            yield piece if isinstance(piece, Span) else _in_json_place(piece, raw_resource, raw_scope, raw)


def _in_json_place(piece: Piece, resource: Any, scope: Any, span: Any) -> Piece:
    """As ``_in_place``, for OTLP/JSON."""
    if isinstance(piece, Span) or piece.reason == "undecodable":
        return piece
    if len(otlp_json.dump([resource, scope])) > _PLACE_BYTES_MOST:
        resource = scope = None
    scoped = {"scope": scope, "spans": [span]}
    return replace(piece, raw=otlp_json.dump({"resourceSpans": [{"resource": resource, "scopeSpans": [scoped]}]}))


def _kept_as_digest(batch: Batch, _limits: Limits, _also: frozenset[str]) -> list[Piece]:
    return [undecodable("undecodable", described(batch.body).get("error", ""), batch.body)]


_DECODERS: dict[Encoding, Callable[[Batch, Limits, frozenset[str]], list[Piece]]] = {
    "otlp-proto": _protobuf,
    "otlp-json": _json,
    "undecodable": _kept_as_digest,
}
