"""Counts as they were stated become the inclusive normal form of ``Usage``: the arithmetic of all dialects."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from tollspan_rater.domain.usage import TOKEN_FIELDS, Usage
from tollspan_rater.extract.numbers import quantity, token_count
from tollspan_rater.extract.proofs import Counts
from tollspan_rater.extract.raw import APIS, UsageApi, api_of, at

_NO_UNITS: Final[Mapping[str, Decimal]] = {}


def usage_of_raw(raw: Mapping[str, Any], api: str | None) -> Usage | None:
    """Read a provider's usage object, named or told by its members; None when nothing is known of its API.

    Raises ``UnusableValueError("bad_usage")`` for a count that cannot be one.
    """
    reading = APIS.get(api or "") or APIS.get(api_of(raw) or "")
    if reading is None:
        return None
    counts: Counts = {}
    for field, member, inner in reading.steps:
        value = raw.get(member)
        if inner is not None:
            value = value.get(inner) if isinstance(value, dict) else None
        if value is not None and field not in counts:
            count = token_count(member, value)
            if count is not None:
                counts[field] = count
    units = _units(raw, reading) if reading.units else _NO_UNITS
    _include(counts, reading, raw)
    counts.pop("tool_use", None)
    return inclusive(counts, units)


def _units(raw: Mapping[str, Any], reading: UsageApi) -> Mapping[str, Decimal]:
    found = {meter: at(raw, path) for meter, paths in reading.units.items() for path in paths}
    return {meter: quantity(meter, value, "bad_usage") for meter, value in found.items() if value}


def _include(counts: Counts, reading: UsageApi, raw: Mapping[str, Any]) -> None:
    if "input" in counts:
        counts["input"] += sum(counts.get(part, 0) for part in reading.add_to_input)
    if "output" in counts and reading.add_to_output:
        total = at(raw, reading.inclusive_if_total)
        if counts.get("input", 0) + counts["output"] != total:
            counts["output"] += sum(counts.get(part, 0) for part in reading.add_to_output)


def inclusive(counts: Counts, units: Mapping[str, Decimal] = _NO_UNITS) -> Usage:
    """Build the normal form; a cache write known only by its parts is their sum."""
    if "cache_write" not in counts and ("cache_write_5m" in counts or "cache_write_1h" in counts):
        counts["cache_write"] = counts.get("cache_write_5m", 0) + counts.get("cache_write_1h", 0)
    get = counts.get
    return Usage(
        get("input"),
        get("cache_read"),
        get("cache_write"),
        get("cache_write_5m"),
        get("cache_write_1h"),
        get("audio_in"),
        get("image_in"),
        get("output"),
        get("reasoning"),
        get("audio_out"),
        units,
    )


def broken_invariants(usage: Usage) -> tuple[str, ...]:
    """Name every part that is larger than its whole: such usage is flagged and no longer called exact."""
    broken = []
    if usage.input is not None and (usage.cache_read or 0) + (usage.cache_write or 0) > usage.input:
        broken.append("cache_exceeds_input")
    if usage.output is not None and (usage.reasoning or 0) > usage.output:
        broken.append("reasoning_exceeds_output")
    if usage.cache_write is not None and (usage.cache_write_5m or 0) + (usage.cache_write_1h or 0) > usage.cache_write:
        broken.append("cache_parts_exceed_write")
    return tuple(broken)


def stated(counts: Mapping[str, object], *, nan_is_missing: bool) -> Counts:
    """Read the token fields among what was found on a span."""
    read: Counts = {}
    for field in TOKEN_FIELDS:
        value = counts.get(field)
        if value is not None:
            count = token_count(field, value, nan_is_missing=nan_is_missing)
            if count is not None:
                read[field] = count
    return read
