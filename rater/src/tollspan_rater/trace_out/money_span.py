"""Money as OTLP spans: a child of the call's span, the same bytes whenever it is made again."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from hashlib import blake2b
from typing import Final

from tollspan import protobuf, semconv
from tollspan.protobuf import Value, field, fields
from tollspan_rater.trace_out.money import Difference, Place

SCOPE: Final = "tollspan.money"
MONEY: Final = "money"
ADJUSTMENT: Final = "tollspan.adjustment"
_OWN: Final = frozenset({semconv.COST, semconv.CHARGE, semconv.MARGIN, semconv.AS_OF, semconv.CALL_ID})
# Field numbers of opentelemetry/proto/trace/v1/trace.proto.
_RESOURCE_SPANS, _RESOURCE, _SCOPE_SPANS, _SCOPE, _SPANS = 1, 1, 2, 1, 2


def span_id(tenant: str, call_id: str, number: int) -> str:
    """Return the id of the span with a number below a call: 0 is its money, 1, 2, ... are its adjustments."""
    return blake2b(f"{tenant}\x00{call_id}\x00{number}".encode(), digest_size=8).hexdigest()


def money_span(tenant: str, call_id: str, number: int, place: Place, said: Difference, as_of: int) -> bytes:
    """Encode one span of OTLP: an instant at the call's service time, amounts as the nearest doubles.

    Amounts that are not known have no attribute, so that no sum takes them for nothing.
    """
    attributes: dict[str, Value] = {semconv.CALL_ID: call_id}
    amounts: dict[str, Decimal | None] = {
        semconv.COST: said.cost,
        semconv.CHARGE: said.charge,
        semconv.MARGIN: said.margin,
    }
    attributes |= {name: float(amount) for name, amount in amounts.items() if amount is not None}
    words = {
        semconv.CURRENCY: said.money.currency,
        semconv.COST_CURRENCY: said.money.cost_currency,
        semconv.PRICE_VERSION: said.money.price_version,
        **said.money.dimensions,
    }
    attributes |= {name: word for name, word in words.items() if word is not None}
    attributes[semconv.AS_OF] = as_of
    return protobuf.span(
        ids=(place.trace_id, span_id(tenant, call_id, number), place.span_id),
        name=ADJUSTMENT if number else MONEY,
        kind=protobuf.INTERNAL,
        times_ns=(place.started_ns, place.started_ns),
        attributes=attributes,
        own=_OWN,
        sampled=True,
    )


def request(spans: Iterable[bytes]) -> bytes:
    """Put encoded spans together to one serialized ``ExportTraceServiceRequest``."""
    scoped = field(_SCOPE, protobuf.scope(SCOPE, semconv.SCHEMA_VERSION)) + fields(_SPANS, spans)
    resource = field(_RESOURCE, protobuf.resource({"service.name": "tollspan"}))
    return field(_RESOURCE_SPANS, resource + field(_SCOPE_SPANS, scoped))
