"""One span in, everything that metering needs of it out: role, usage, ids, attribution. The hot path of the rater."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from itertools import chain
from typing import Final, cast

from tollspan import semconv
from tollspan_rater.domain.call import Extracted, Rejected
from tollspan_rater.domain.fates import Role
from tollspan_rater.domain.span import SERVER, AttributeValue, Span
from tollspan_rater.errors import UnusableValueError
from tollspan_rater.extract.aliases import Said, said_by
from tollspan_rater.extract.dialects.registry import REGISTRY, Registry
from tollspan_rater.extract.dialects.table import AGGREGATE_RANK, SPAN_NAME, Dialect
from tollspan_rater.extract.draft import new_extracted
from tollspan_rater.extract.family import operation_name, provider_name
from tollspan_rater.extract.numbers import cost, quantity, truth, whole
from tollspan_rater.extract.reading import DROPPED, NO_RAW, Reading, reading_of
from tollspan_rater.extract.slots import Found, found_in, look_inside, text_in
from tollspan_rater.extract.worth import outcome_of, quality_of

_ATTEMPTS_MOST: Final = (1 << 31) - 1  # the store keeps 32 bits
RETRIEVE: Final = "fetch_response"
_NOTHING: Final = Reading()
_TTFT: Final = (("ttft_s", 1000), ("ttft_ms", 1))
_DETAILED: Final = frozenset({"request_id", "cost"})


def extract(span: Span, registry: Registry = REGISTRY) -> Extracted | Rejected:
    """Read one span with the tables of a registry.

    Pure; never raises. A count or quantity that cannot be one makes the span ``Rejected("bad_usage")`` or
    ``Rejected("bad_quantity")``; every other unusable value is unknown. A span that says nothing has role NONE.
    """
    dialect = registry.dialect_of(span)
    heard = Said()
    found = found_in(dialect, span.attributes, heard)
    if dialect.inside:
        look_inside(dialect, span.attributes, found)
    try:
        if "meter" in found or "quantity" in found:
            return _built(span, dialect, found, heard, role=Role.UNIT, unit=_unit(found))
        reading = reading_of(dialect, span.attributes, found, dropped=span.dropped_attributes > 0)
    except UnusableValueError as error:
        return Rejected(error.reason, str(error))
    role, flags = _role(dialect, span), reading.flags
    said, measured = heard.finished(), reading.usage.measured
    if role is None:
        if measured:
            role, flags = Role.AGGREGATE, (*flags, "unknown_role")
        else:
            role = Role.CONTEXT if said or "response_id" in found else Role.NONE
    elif not measured and (role is Role.EVIDENCE or found.get("operation") == RETRIEVE):
        role = Role.CONTEXT if said else Role.NONE
    return _built(span, dialect, found, heard, role=role, reading=reading, flags=flags)


def _role(dialect: Dialect, span: Span) -> Role | None:
    for rule in dialect.roles:
        value = span.name if rule.key == SPAN_NAME else span.attributes.get(rule.key)
        if not isinstance(value, str):
            continue
        role = rule.roles.get(value)
        if role is None and (rule.prefixes or rule.suffixes):
            by_start = (of for start, of in rule.prefixes.items() if value.startswith(start))
            by_end = (of for end, of in rule.suffixes.items() if value.endswith(end))
            role = next(chain(by_start, by_end), None)
        if role is not None or rule.other is not None:
            return role or rule.other
    return None


def _unit(found: Found) -> tuple[str, Decimal]:
    meter = text_in(found, "meter")
    if meter is None:
        raise UnusableValueError("bad_quantity", semconv.METER, meter, "the name of a meter")
    return meter, quantity(semconv.QUANTITY, found.get("quantity"))


_resource_heard: tuple[Mapping[str, AttributeValue], dict[str, str]] = ({}, {})


def _resource_said(resource: Mapping[str, AttributeValue]) -> dict[str, str]:
    """Read a resource once for all spans that share it: the last one is remembered by identity."""
    global _resource_heard  # noqa: PLW0603 - one slot, replaced whole; a miss costs only time
    held, said = _resource_heard
    if held is not resource:
        said = said_by(resource)[0] if resource else {}
        _resource_heard = (resource, said)
    return said


def _milliseconds(found: Found) -> int | None:
    for slot, factor in _TTFT:
        value = found.get(slot)
        if isinstance(value, int | float) and 0 <= value * factor < 1 << 40:
            return round(value * factor)
    return None


def _attempt(found: Found) -> int | None:
    if "attempt" in found:
        attempt = whole(found["attempt"])
    else:
        resent = whole(found["resend_count"]) if "resend_count" in found else None
        attempt = None if resent is None else resent + 1
    return attempt if attempt is None or attempt <= _ATTEMPTS_MOST else None


def _provider(dialect: Dialect, found: Found) -> str | None:
    name = text_in(found, "provider")
    if name is None or name in dialect.ignored_providers:
        return None
    return provider_name(name, dialect.provider_before_dot)


def _operation(found: Found, role: Role) -> str | None:
    said = text_in(found, "operation")
    return said if said is None or role is Role.AGGREGATE else operation_name(said)


def _rank(dialect: Dialect, role: Role, reading: Reading) -> int:
    if role is Role.UNIT:
        return 0
    if role is Role.AGGREGATE:
        return AGGREGATE_RANK
    return dialect.raw_rank if reading.raw is not None and dialect.raw_rank is not None else dialect.rank


def _details(dialect: Dialect, span: Span, found: Found, reading: Reading) -> Mapping[str, str]:
    """Return what proves and explains, only what is known."""
    vantage = dialect.vantage or ("server" if span.kind == SERVER and reading.usage.measured else None)
    sampled_out = "false" if truth(found.get("trace_sampled")) is False else None
    if vantage is None and sampled_out is None and found.keys().isdisjoint(_DETAILED):
        return reading.details
    known = {"request_id": text_in(found, "request_id"), "vantage": vantage, "trace_sampled": sampled_out}
    if "cost" in found:
        known["cost_currency"] = dialect.currency
        known["cost_key"] = next((key for key in dialect.keys.get("cost", ()) if key in span.attributes), None)
    return {**reading.details, **{name: value for name, value in known.items() if value is not None}}


def _built(
    span: Span,
    dialect: Dialect,
    found: Found,
    heard: Said,
    *,
    role: Role,
    reading: Reading = _NOTHING,
    flags: tuple[str, ...] = (),
    unit: tuple[str, Decimal] | tuple[None, None] = (None, None),
) -> Extracted:
    get, raw = found.get, reading.raw or NO_RAW
    said = cast("Mapping[str, str]", found).get  # for slots that hold nothing but text
    tier = said("service_tier") or raw.tier
    # In the order of the fields: naming thirty-seven of them costs more than what most of them hold.
    return new_extracted(
        span.tenant, span.trace_id, span.span_id, span.parent_id, span.start_ns, span.end_ns, role, dialect.label,
        _rank(dialect, role, reading), not dialect.pending or _final(dialect, span), span.scope, span.name,
        _operation(found, role), _provider(dialect, found), said("request_model"), said("response_model"),
        said("response_id"), said("record_id"), said("process_id"), whole(get("seq")) if "seq" in found else None,
        _attempt(found), said("retry_of"), outcome_of(dialect, found, reading, span.status),
        quality_of(dialect, found, reading, role, flags), tier, truth(get("stream")) if "stream" in found else None,
        get("operation") == RETRIEVE, _milliseconds(found), reading.usage,
        cost(get("cost")) if raw.cost is None and "cost" in found else raw.cost, unit[0], unit[1],
        {**raw.terms, "batch": "true"} if tier == "batch" else raw.terms, _details(dialect, span, found, reading),
        heard.finished() if role is Role.UNIT else heard.said, _resource_said(span.resource),
        _flags(span, flags, heard),
    )  # fmt: skip


def _final(dialect: Dialect, span: Span) -> bool:
    return not any(span.attributes.get(key) == value for key, value in dialect.pending)


def _flags(span: Span, flags: tuple[str, ...], heard: Said) -> tuple[str, ...]:
    if heard.flags or span.dropped_attributes:
        dropped = (DROPPED,) if span.dropped_attributes else ()
        return tuple(sorted({*flags, *heard.flags, *dropped}))
    return flags
