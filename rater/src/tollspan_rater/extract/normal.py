"""Counts as they were stated become the inclusive normal form of ``Usage``: the arithmetic of all dialects."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Final, NamedTuple

from tollspan_rater.domain.meters import ALSO_IN, PARENT, TOKEN_METERS, root
from tollspan_rater.domain.usage import TOKEN_FIELDS, Usage
from tollspan_rater.extract.draft import new_usage
from tollspan_rater.extract.numbers import token_count

Counts = dict[str, int]


def _above(meter: str) -> tuple[str, ...]:
    """Return a meter and everything that contains it."""
    above = (meter,) if meter not in PARENT else (meter, *_above(PARENT[meter]))
    return (*above, ALSO_IN[meter]) if meter in ALSO_IN else above


_NO_UNITS: Final[Mapping[str, Decimal]] = {}
_ZERO: Final = Decimal(0)
_TOKENS: Final = frozenset(TOKEN_METERS)
_RARE: Final = frozenset(TOKEN_METERS) - frozenset(TOKEN_FIELDS)
_LIFETIMES: Final = ("cache_write_5m", "cache_write_1h", "cache_write_30m", "cache_write_12h")
_CACHED_MODALITIES: Final = tuple(ALSO_IN)
_CACHES: Final = (("cache_write", _LIFETIMES), ("cache_read", _CACHED_MODALITIES))

# What must fit into what, smaller wholes first: groups of parts that share nothing with the groups before them. A group
# that does not fit into what these leave is taken back, with everything inside it.
_FITS: Final[tuple[tuple[str, tuple[tuple[str, ...], ...]], ...]] = (
    *((whole, ((part,),)) for part, whole in ALSO_IN.items()),
    ("cache_read", (_CACHED_MODALITIES,)),
    ("cache_write", (_LIFETIMES,)),
    ("advisor_in", (("advisor_cache_read", "advisor_cache_write"),)),
    (
        "input",
        (
            ("cache_read", "cache_write"),
            ("tool_use",),
            ("compaction_in",),
            ("audio_in", "image_in", "video_in", "document_in"),
        ),
    ),
    (
        "output",
        (("reasoning",), ("compaction_out",), ("rejected_prediction",), ("audio_out", "image_out", "video_out")),
    ),
)
_WITHIN: Final = {
    part: tuple(meter for meter in TOKEN_METERS if part in _above(meter)) for part in (*PARENT, *ALSO_IN.values())
}


def inclusive(counts: Counts, units: Mapping[str, Decimal] = _NO_UNITS) -> Usage:
    """Build the normal form; a cache count known only by its parts is their sum.

    Rare parts go to the units. One of zero, or without a total to be a part of, says nothing and is left out.
    """
    for whole, parts in _CACHES:
        if whole not in counts and not counts.keys().isdisjoint(parts):
            counts[whole] = sum(counts.get(part, 0) for part in parts)
    if not _RARE.isdisjoint(counts):
        rare = [meter for meter, count in counts.items() if count and meter in _RARE and root(meter) in counts]
        units = {**units, **{meter: Decimal(counts[meter]) for meter in rare}} if rare else units
    get = counts.get
    return new_usage(
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


class Fitted(NamedTuple):
    """Usage whose parts fit into their wholes, with flags; ``unfit`` says as text which counts were taken back."""

    usage: Usage
    flags: tuple[str, ...] = ()
    unfit: str = ""

    @property
    def details(self) -> Mapping[str, str]:
        """What was taken back, as a detail of the call."""
        return {"unfit_parts": self.unfit} if self.unfit else {}


def fitted(usage: Usage) -> Fitted:
    """Take back what does not fit.

    Parts that are larger than what contains them cannot split it: they become unknown, the quantity stays with the
    whole, and a flag says so. So no bill ever takes more out of a total than it holds.
    """
    if _plainly_fits(usage):
        return Fitted(usage)
    known = dict(usage.units)
    known |= {name: Decimal(count) for name in TOKEN_FIELDS if (count := getattr(usage, name)) is not None}
    flags: list[str] = []
    unfit: list[str] = []
    for whole, groups in _FITS:
        left = known.get(whole)
        for parts in groups if left is not None else ():
            taken = sum((_taken(part, known, whole) for part in parts), _ZERO)
            if taken <= (left or _ZERO):
                left = (left or _ZERO) - taken
                continue
            flags.append(f"{parts[0]}_exceeds_{whole}")
            lost = known.keys() & {meter for part in parts for meter in _WITHIN[part]}
            unfit += [f"{meter} {known.pop(meter)}" for meter in sorted(lost)]
    if not flags:
        return Fitted(usage)
    counts = {name: int(known.pop(name)) for name in TOKEN_FIELDS if name in known}
    return Fitted(Usage(**counts, units=known), tuple(flags), ", ".join(unfit))


def _plainly_fits(usage: Usage) -> bool:
    """Tell at once what holds for nearly every call: no rare parts, and all others fit."""
    if usage.units and not _RARE.isdisjoint(usage.units):
        return False
    read, written = usage.cache_read or 0, usage.cache_write or 0
    return (
        (usage.input is None or read + written + (usage.audio_in or 0) + (usage.image_in or 0) <= usage.input)
        and (usage.output is None or (usage.reasoning or 0) + (usage.audio_out or 0) <= usage.output)
        and (usage.cache_write is None or (usage.cache_write_5m or 0) + (usage.cache_write_1h or 0) <= written)
    )


def _taken(part: str, known: Mapping[str, Decimal], whole: str) -> Decimal:
    """Return how much a part takes of what the groups before it left: what was cached of a modality is gone already."""
    amount = known.get(part, _ZERO)
    if whole != "input":
        return amount
    return amount - sum((known.get(shared, _ZERO) for shared, also in ALSO_IN.items() if also == part), _ZERO)


def stated(counts: Mapping[str, object], *, nan_is_missing: bool) -> Counts:
    """Read the token fields among what was found on a span."""
    read: Counts = {}
    for field, value in counts.items():
        if field in _TOKENS:
            count = token_count(field, value, nan_is_missing=nan_is_missing)
            if count is not None:
                read[field] = count
    return read
