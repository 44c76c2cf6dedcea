"""One span in, everything that metering needs of it out: role, usage, ids, attribution. The hot path of the rater."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from itertools import chain
from typing import Any, Final

import orjson

from tollspan import semconv
from tollspan_rater.domain.call import Extracted, Rejected
from tollspan_rater.domain.fates import Role
from tollspan_rater.domain.span import ERROR, AttributeValue, Span
from tollspan_rater.domain.usage import Usage
from tollspan_rater.errors import UnusableValueError
from tollspan_rater.extract.aliases import PLACES, Said, said_by, tag_name
from tollspan_rater.extract.dialects.registry import dialect_of
from tollspan_rater.extract.dialects.table import AGGREGATE_RANK, SPAN_NAME, Dialect, RawUsage
from tollspan_rater.extract.draft import new_extracted
from tollspan_rater.extract.family import model_family, provider_name
from tollspan_rater.extract.normal import UNALLOCATED, add_left_out, fitted, inclusive, stated
from tollspan_rater.extract.numbers import cost, quantity, text, token_count, truth, whole
from tollspan_rater.extract.raw import RawReading, at, read_raw

Found = dict[str, AttributeValue]

LONGEST_RAW: Final = 64 * 1024  # a usage object is a few hundred bytes; whatever is longer is none
_ATTEMPTS_MOST: Final = (1 << 31) - 1  # the store keeps 32 bits
RETRIEVE: Final = "fetch_response"
_NOTHING: Final = Usage()
_NO_RAW: Final = RawReading(_NOTHING)
_BROKEN_OFF: Final = frozenset({"estimated", "lower_bound"})
_EXCLUSIVE_PROVIDERS: Final = frozenset({"anthropic", "aws.bedrock"})
_TEXTS: Final = frozenset(
    {
        "operation",
        "provider",
        "request_model",
        "response_model",
        "response_id",
        "record_id",
        "process_id",
        "retry_of",
        "service_tier",
        "usage_api",
        "meter",
    },
)


def extract(span: Span) -> Extracted | Rejected:
    """Read one span.

    Pure; never raises. A count or quantity that cannot be one makes the span ``Rejected("bad_usage")`` or
    ``Rejected("bad_quantity")``; every other unusable value is unknown. A span that says nothing has role NONE.
    """
    dialect = dialect_of(span)
    heard = Said()
    found = _found(dialect, span.attributes, heard)
    if dialect.inside:
        _look_inside(dialect, span.attributes, found)
    try:
        if "meter" in found or "quantity" in found:
            return _built(span, dialect, found, heard, role=Role.UNIT, unit=_unit(found))
        usage, flags, raw = _usage(dialect, span.attributes, found)
    except UnusableValueError as error:
        return Rejected(error.reason, str(error))
    role = _role(dialect, span)
    said = heard.finished()
    if role is None:
        if usage.measured:
            role, flags = Role.AGGREGATE, (*flags, "unknown_role")
        else:
            role = Role.CONTEXT if said or "response_id" in found else Role.NONE
    elif not usage.measured and (role is Role.EVIDENCE or found.get("operation") == RETRIEVE):
        role = Role.CONTEXT if said else Role.NONE
    rank = dialect.raw_rank if raw is not None and dialect.raw_rank is not None else dialect.rank
    if role is Role.AGGREGATE:
        rank = AGGREGATE_RANK
    return _built(span, dialect, found, heard, role=role, usage=usage, flags=flags, rank=rank, raw=raw)


def _found(dialect: Dialect, attributes: Mapping[str, AttributeValue], heard: Said) -> Found:
    """Sort attributes into the dialect's slots, the best name of each, and hear what they say for whom."""
    found: Found = {}
    orders: dict[str, int] = {}
    places = dialect.places
    for key, value in attributes.items():
        place = places.get(key)
        if place is not None:
            slot, order = place
            if slot in found and orders[slot] <= order:
                continue
            if type(value) is str:
                if not value or value.isspace():
                    continue
            elif slot in _TEXTS:
                value = text(value)  # noqa: PLW2901 - the same value, as the text it is
            if value is not None:
                found[slot] = value
                orders[slot] = order
        elif (place := PLACES.get(key)) is not None:
            heard.hear(place, value)
        elif key.startswith(semconv.TAG_PREFIX):
            heard.tags[tag_name(key)] = value
    return found


def _text(found: Found, slot: str) -> str | None:
    """Return what stands in a text slot: ``_found`` puts nothing but text there."""
    value = found.get(slot)
    return value if isinstance(value, str) else None


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
    meter = _text(found, "meter")
    if meter is None:
        raise UnusableValueError("bad_quantity", semconv.METER, meter, "the name of a meter")
    return meter, quantity(semconv.QUANTITY, found.get("quantity"))


def _usage(
    dialect: Dialect, attributes: Mapping[str, AttributeValue], found: Found
) -> tuple[Usage, tuple[str, ...], RawReading | None]:
    """Return the usage in normal form, flags, and the reading of the provider's own object, if there is one."""
    flags: tuple[str, ...] = ()
    for raw in dialect.raw:
        value = attributes.get(raw.key)
        if value is not None:
            reading, flags = _from_raw(raw, value, found)
            if reading is not None and reading.usage.measured:
                usage = reading.usage
                if dialect.attributes_fill_raw and found.get("quality") in _BROKEN_OFF:
                    usage = _totals_filled(usage, stated(found, nan_is_missing=dialect.nan_is_missing))
                fit = fitted(usage)
                if fit.flags:
                    reading = reading._replace(details={**reading.details, **fit.details})
                return fit.usage, reading.flags + fit.flags, reading
    counts = stated(found, nan_is_missing=dialect.nan_is_missing)
    if not counts:
        return _NOTHING, flags, None
    if dialect.zero_is_unknown and not counts.get("input", 0) and not counts.get("output", 0):
        return _NOTHING, (*flags, "zero_usage"), None
    cached = counts.get("cache_read", 0) + counts.get("cache_write", 0)
    flags += add_left_out(
        counts,
        cache=bool(cached) and _leaves_cache_out(dialect, attributes, found),
        reasoning=dialect.output_excludes_reasoning,
        total=token_count("total", found.get("total"), nan_is_missing=dialect.nan_is_missing),
    )
    if cached and dialect.scope_unknown and not flags and found.get("provider") in _EXCLUSIVE_PROVIDERS:
        flags = ("ambiguous_input",)
    fit = fitted(inclusive(counts, _units(dialect, found)))
    return fit.usage, flags + fit.flags, None


def _totals_filled(usage: Usage, said: Mapping[str, int]) -> Usage:
    return replace(
        usage,
        input=said.get("input") if usage.input is None else usage.input,
        output=said.get("output") if usage.output is None else usage.output,
    )


def _from_raw(raw: RawUsage, value: AttributeValue, found: Found) -> tuple[RawReading | None, tuple[str, ...]]:
    tree = _tree(raw, value)
    if tree is None:
        return None, () if raw.path else ("unreadable_raw_usage",)
    if raw.path:
        tree = at(tree, raw.path)
        if not isinstance(tree, dict):
            return None, ()
    reading = read_raw(tree, raw.api or _text(found, "usage_api"))
    return reading, () if reading is not None else ("unknown_raw_usage",)


def _tree(raw: RawUsage, value: AttributeValue) -> dict[str, Any] | None:
    if isinstance(value, dict):
        return value
    if not isinstance(value, str) or len(value) > LONGEST_RAW:
        return None
    try:
        tree = orjson.loads(value) if raw.notation == "json" else ast.literal_eval(value)
    except (ValueError, SyntaxError, RecursionError, MemoryError, TypeError):
        return None
    return tree if isinstance(tree, dict) else None


def _leaves_cache_out(dialect: Dialect, attributes: Mapping[str, AttributeValue], found: Found) -> bool:
    if dialect.input_excludes_cache == "never":
        return False
    if dialect.inclusive_if is not None and dialect.inclusive_if in attributes:
        return False
    if dialect.input_excludes_cache == "always":
        return True
    model = _text(found, "response_model") or _text(found, "request_model")
    return model_family(model) == "claude"


def _units(dialect: Dialect, found: Found) -> Mapping[str, Decimal]:
    return {meter: quantity(slot, found[slot], "bad_usage") for slot, meter in dialect.unit_slots if found.get(slot)}


def _look_inside(dialect: Dialect, attributes: Mapping[str, AttributeValue], found: Found) -> None:
    for inner in dialect.inside:
        value = attributes.get(inner.key)
        if inner.slot in found or not isinstance(value, str) or not value.startswith("{"):
            continue
        try:
            tree = orjson.loads(value)
        except orjson.JSONDecodeError:
            continue
        ids = (text(at(tree, path)) for path in inner.paths)
        identity = next((one for one in ids if one is not None), None)
        if identity is not None:
            found[inner.slot] = identity


def _quality(dialect: Dialect, found: Found, usage: Usage, role: Role, flags: tuple[str, ...]) -> str | None:
    """Return what the numbers are worth: as stated by tollspan's own span, else by the rules of the dialect."""
    said = found.get("quality")
    if said in semconv.QUALITIES:
        return str(said)
    if role not in {Role.CALL, Role.EVIDENCE, Role.AGGREGATE}:
        return None
    if not usage.measured:
        return "unmeasured"
    of_stream = _stream_quality(dialect, found, usage) if truth(found.get("stream")) else None
    if UNALLOCATED in flags:
        return "lower_bound"
    return of_stream or ("derived" if role is Role.AGGREGATE or flags else "exact")


def _stream_quality(dialect: Dialect, found: Found, usage: Usage) -> str | None:
    if dialect.stream_ends_with_finish and "finish" not in found:
        return "lower_bound"
    uncached = dialect.uncached_stream_quality if usage.cache_read is None else None
    return uncached or dialect.stream_quality


def _outcome(dialect: Dialect, found: Found, status: int) -> str | None:
    said = found.get("outcome")
    if said in semconv.OUTCOMES:
        return str(said)
    if status == ERROR:
        return "failed"
    broke_off = dialect.stream_ends_with_finish and "finish" not in found and truth(found.get("stream"))
    return "aborted" if broke_off else None


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
    for slot, factor in (("ttft_s", 1000), ("ttft_ms", 1)):
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
    name = _text(found, "provider")
    if name is None or name in dialect.ignored_providers:
        return None
    return provider_name(name, dialect.provider_before_dot)


def _built(
    span: Span,
    dialect: Dialect,
    found: Found,
    heard: Said,
    *,
    role: Role,
    usage: Usage = _NOTHING,
    flags: tuple[str, ...] = (),
    rank: int = 0,
    unit: tuple[str, Decimal] | tuple[None, None] = (None, None),
    raw: RawReading | None = None,
) -> Extracted:
    get = found.get
    said = heard.finished() if role is Role.UNIT else heard.said
    raw = raw or _NO_RAW
    tier = _text(found, "service_tier") or raw.tier
    return new_extracted(
        tenant=span.tenant,
        trace_id=span.trace_id,
        span_id=span.span_id,
        parent_id=span.parent_id,
        start_ns=span.start_ns,
        end_ns=span.end_ns,
        role=role,
        dialect=dialect.label,
        rank=rank,
        final=not any(span.attributes.get(key) == value for key, value in dialect.pending),
        scope=span.scope,
        name=span.name,
        operation=_text(found, "operation"),
        provider=_provider(dialect, found),
        request_model=_text(found, "request_model"),
        response_model=_text(found, "response_model"),
        response_id=_text(found, "response_id"),
        record_id=_text(found, "record_id"),
        process_id=_text(found, "process_id"),
        seq=whole(get("seq")) if "seq" in found else None,
        attempt=_attempt(found),
        retry_of=_text(found, "retry_of"),
        outcome=_outcome(dialect, found, span.status),
        quality=_quality(dialect, found, usage, role, flags),
        service_tier=tier,
        stream=truth(get("stream")) if "stream" in found else None,
        retrieve=get("operation") == RETRIEVE,
        ttft_ms=_milliseconds(found),
        usage=usage,
        reported_cost=cost(get("cost")) if raw.cost is None and "cost" in found else raw.cost,
        terms={**raw.terms, "batch": "true"} if tier == "batch" else raw.terms,
        details=raw.details,
        unit_meter=unit[0],
        unit_quantity=unit[1],
        said=said,
        resource_said=_resource_said(span.resource),
        flags=_flags(span, flags, heard),
    )


def _flags(span: Span, flags: tuple[str, ...], heard: Said) -> tuple[str, ...]:
    if heard.flags or span.dropped_attributes:
        dropped = ("dropped_attributes",) if span.dropped_attributes else ()
        return tuple(sorted({*flags, *heard.flags, *dropped}))
    return flags
