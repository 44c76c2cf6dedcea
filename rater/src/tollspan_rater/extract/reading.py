"""The usage that a span states, in normal form: out of the provider's own object, else out of its attributes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any, Final, NamedTuple

from tollspan_rater.domain.meters import root
from tollspan_rater.domain.span import AttributeValue
from tollspan_rater.domain.usage import Usage
from tollspan_rater.extract.dialects.table import Dialect, Models, RawUsage
from tollspan_rater.extract.family import model_family, provider_name
from tollspan_rater.extract.normal import Counts, fitted, inclusive, stated
from tollspan_rater.extract.numbers import quantity, truth, whole
from tollspan_rater.extract.proofs import SHORT_TOTAL, UNALLOCATED, Stated, add_left_out, cached_in
from tollspan_rater.extract.raw import RawReading, at, read_raw
from tollspan_rater.extract.slots import Found, text_in, tree_of

AMBIGUOUS: Final = "ambiguous_input"  # both readings of the input are possible; the other stands in the details
CACHE_UNTOLD: Final = "cache_untold"  # the input leaves the cache out, and nothing says how much was cached
TOOL_USE_UNTOLD: Final = "tool_use_untold"  # tokens of tool-use prompts would not show
DROPPED: Final = "dropped_attributes"  # the sender's limits cut attributes off, of those that are left these are read
ZERO: Final = "zero_usage"

NO_RAW: Final = RawReading(Usage())

_NOTHING: Final = Usage()
_NOT_SAID: Final[Mapping[str, str]] = {}
_BROKEN_OFF: Final = frozenset({"estimated", "lower_bound"})
_CACHE_APART: Final = frozenset({"anthropic", "aws.bedrock"})  # providers whose own input leaves the cache out
_CACHE_INSIDE: Final = frozenset({"openai", "azure.ai.openai", "openrouter"})  # APIs whose own input contains it
_THOUGHTS_APART: Final = frozenset({"gemini", "grok"})  # families whose provider states reasoning beside the output
_PROOFS: Final = ("total", "text_in", "text_out", "image_out")
_NO_PROOF: Final = Stated()
_CACHE_COUNTS: Final = frozenset({"cache_read", "cache_write"})
_TOTALS: Final = frozenset({UNALLOCATED, SHORT_TOTAL})


class Reading(NamedTuple):
    """``usage`` in normal form with its ``flags`` and ``details``; ``raw`` when it is the provider's own object."""

    usage: Usage = _NOTHING
    flags: tuple[str, ...] = ()
    raw: RawReading | None = None
    details: Mapping[str, str] = _NOT_SAID


def reading_of(
    dialect: Dialect, attributes: Mapping[str, AttributeValue], found: Found, *, dropped: bool = False
) -> Reading:
    """Read the usage of a span; ``dropped`` when its sender left attributes out, which may have held some of it.

    Raises:
        UnusableValueError: a count that cannot be one.
    """
    flags: tuple[str, ...] = ()
    for raw in dialect.raw:
        value = attributes.get(raw.key)
        if value is not None:
            said, flags = _of_raw(raw, value, found)
            if said is not None and said.usage.measured:
                usage = said.usage
                if dialect.attributes_fill_raw and found.get("quality") in _BROKEN_OFF:
                    usage = _totals_filled(usage, stated(found, nan_is_missing=dialect.nan_is_missing))
                return _fitted(usage, said.flags, said.details, said)
    return _of_attributes(dialect, attributes, found, (*flags, DROPPED) if dropped else flags)


def holds_for(models: Models, found: Found) -> bool:
    """Tell whether a rule of a dialect holds for the model of a span; ``claude`` only where Anthropic's API spoke."""
    if models in {"none", "all"}:
        return models == "all"
    if family_in(found) != models:
        return False
    said = text_in(found, "provider")
    return models != "claude" or said is None or provider_name(said, True) not in _CACHE_INSIDE  # noqa: FBT003 - a table's column


def family_in(found: Found) -> str | None:
    """Return the family of the model that a span names."""
    return model_family(text_in(found, "response_model") or text_in(found, "request_model"))


def _of_attributes(
    dialect: Dialect, attributes: Mapping[str, AttributeValue], found: Found, flags: tuple[str, ...]
) -> Reading:
    counts = stated(found, nan_is_missing=dialect.nan_is_missing)
    if dialect.unsure_zeros or dialect.unsure_zeros_of_streams:
        _drop_unsure_zeros(dialect, found, counts)
    if dialect.zero_is_unknown and not counts.get("input", 0) and not counts.get("output", 0):
        return Reading(Usage(units=_units(dialect, found)), (*flags, *([ZERO] if counts else [])))
    before = counts.get("input")
    excluded = _cache_excluded(dialect, attributes, found)
    cached = cached_in(counts)
    sure = True
    if cached or "reasoning" in counts or "total" in found:
        beside, apart = _stated_beside(found, counts), holds_for(dialect.output_excludes_reasoning, found)
        proved, sure = add_left_out(counts, beside, cache=excluded, reasoning=apart)
        flags += proved
    if excluded and not counts.keys() & _CACHE_COUNTS and (DROPPED in flags or holds_for(dialect.cache_untold, found)):
        flags += (CACHE_UNTOLD,)
    if dialect.tool_use_untold and "output" in counts and "total" not in found:
        flags += (TOOL_USE_UNTOLD,)
    details = {} if _TOTALS.isdisjoint(flags) else {"stated_total": str(whole(found["total"]))}
    if not sure and before is not None and dialect.cache_unsure and _cache_apart(found):
        flags, details = (*flags, AMBIGUOUS), {**details, "other_input": str(before + cached)}
    for part in dialect.beside:
        if part in counts and root(part) in counts:
            counts[root(part)] += counts[part]
    return _fitted(inclusive(counts, _units(dialect, found)), flags, details)


def _fitted(usage: Usage, flags: tuple[str, ...], details: Mapping[str, str], raw: RawReading | None = None) -> Reading:
    fit = fitted(usage)
    return Reading(fit.usage, flags + fit.flags, raw, {**details, **fit.details} if fit.flags else details)


def _drop_unsure_zeros(dialect: Dialect, found: Found, counts: Counts) -> None:
    streamed = dialect.unsure_zeros_of_streams if truth(found.get("stream")) else frozenset()
    for part in dialect.unsure_zeros | streamed:
        if counts.get(part) == 0:
            del counts[part]


def _cache_excluded(dialect: Dialect, attributes: Mapping[str, AttributeValue], found: Found) -> bool:
    if dialect.input_excludes_cache == "none" or (dialect.inclusive_if or "") in attributes:
        return False
    return holds_for(dialect.input_excludes_cache, found)


def _cache_apart(found: Found) -> bool:
    said = text_in(found, "provider")
    if said is None:
        return family_in(found) == "claude"
    return provider_name(said, True) in _CACHE_APART  # noqa: FBT003 - a table's column


def _stated_beside(found: Found, counts: Counts) -> Stated:
    """Read what can prove something; what is unusable proves nothing."""
    if found.keys().isdisjoint(_PROOFS):
        return _NO_PROOF
    total, text_tokens_in, text_tokens_out, image_out = (whole(found.get(slot)) for slot in _PROOFS)
    apart = bool(counts.get("reasoning")) and family_in(found) in _THOUGHTS_APART
    return Stated(total, text_tokens_in, text_tokens_out, image_out or 0, apart)


def _units(dialect: Dialect, found: Found) -> Mapping[str, Decimal]:
    return {meter: quantity(slot, found[slot], "bad_usage") for slot, meter in dialect.unit_slots if found.get(slot)}


def _totals_filled(usage: Usage, said: Mapping[str, int]) -> Usage:
    return replace(
        usage,
        input=said.get("input") if usage.input is None else usage.input,
        output=said.get("output") if usage.output is None else usage.output,
    )


def _of_raw(raw: RawUsage, value: AttributeValue, found: Found) -> tuple[RawReading | None, tuple[str, ...]]:
    tree: Any = tree_of(value, raw.notation)
    if not isinstance(tree, dict):
        return None, () if raw.path else ("unreadable_raw_usage",)
    if raw.path:
        tree = at(tree, raw.path)
        if not isinstance(tree, dict):
            return None, ()
    said = read_raw(tree, raw.api or text_in(found, "usage_api"))
    return said, () if said is not None else ("unknown_raw_usage",)
