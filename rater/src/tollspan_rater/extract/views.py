"""Several views of one call become one usage: the best view counts, lower ones fill what it leaves unknown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from tollspan import semconv
from tollspan_rater.domain.call import Extracted
from tollspan_rater.domain.meters import root
from tollspan_rater.domain.usage import Usage

_TOTALS: Final = frozenset({"input", "output"})
_INPUT_PARTS: Final = ("cache_read", "cache_write", "cache_write_5m", "cache_write_1h", "audio_in", "image_in")
_OUTPUT_PARTS: Final = ("reasoning", "audio_out")
_WORTH: Final = {quality: order for order, quality in enumerate(semconv.QUALITIES)}
CONFLICT: Final = "conflict:usage"
FILLED: Final = "filled"  # a total that the chosen view leaves unknown came from another view

Seen = tuple[Usage, str, tuple[str, ...]]


def by_rank(members: Sequence[Extracted]) -> list[Extracted]:
    """Return the views of a call, best first: by rank, what was fetched later behind what was made."""
    return sorted(members, key=lambda m: (m.rank, m.retrieve, m.start_ns, m.end_ns, m.trace_id, m.span_id))


def evidence_of(views: Sequence[Extracted]) -> Extracted:
    """Return the view whose usage counts: the best one with any, a complete one before a broken one of its rank."""
    measured = [view for view in views if view.usage.measured]
    if not measured:
        return views[0]
    best = min(view.rank for view in measured)
    return min((view for view in measured if view.rank == best), key=lambda view: _worth(view.quality))


def seen_together(views: Sequence[Extracted], chosen: Extracted) -> Seen:
    """Return usage, quality and flags of a call whose usage is ``chosen``'s.

    A part of a total is taken from a lower view only when both state the same total; an unknown total is taken
    as it is, and flagged. Totals that differ are flagged, and the chosen one holds.
    """
    usage, quality = worth_of(chosen)
    flags: set[str] = set()
    for view in views:
        if view is chosen or not view.usage.measured:
            continue
        filled, took_total = _filled(usage, view.usage)
        if took_total:
            flags.add(FILLED)
            quality = max(quality, view.quality or quality, key=_worth)
        if _totals_differ(usage, view.usage):
            flags.add(CONFLICT)
        usage = filled
    return usage, quality, tuple(sorted(flags))


def worth_of(view: Extracted) -> tuple[Usage, str]:
    """Return the usage that one view states and its quality."""
    return view.usage, view.quality or ("exact" if view.usage.measured else "unmeasured")


def _worth(quality: str | None) -> int:
    return _WORTH.get(quality or "", len(_WORTH))


def _totals_differ(one: Usage, other: Usage) -> bool:
    return (one.input is not None and other.input is not None and one.input != other.input) or (
        one.output is not None and other.output is not None and one.output != other.output
    )


def _filled(usage: Usage, lower: Usage) -> tuple[Usage, bool]:
    news: dict[str, int] = {}
    took_total = False
    agreed = set()
    for total, parts in (("input", _INPUT_PARTS), ("output", _OUTPUT_PARTS)):
        mine, its = getattr(usage, total), getattr(lower, total)
        if its is None or mine not in {None, its}:
            continue
        agreed.add(total)
        if mine is None:
            news[total] = its
            took_total = True
        for part in parts:
            if getattr(usage, part) is None and getattr(lower, part) is not None:
                news[part] = getattr(lower, part)
    missing = {
        meter: amount
        for meter, amount in lower.units.items()
        if meter not in usage.units and (root(meter) not in _TOTALS or root(meter) in agreed)
    }
    if not news and not missing:
        return usage, False
    filled = replace(usage, units={**usage.units, **missing}, **news)
    return (filled, took_total) if _parts_fit(filled) else (usage, False)


def _parts_fit(usage: Usage) -> bool:
    cached = (usage.cache_read or 0) + (usage.cache_write or 0)
    written = (usage.cache_write_5m or 0) + (usage.cache_write_1h or 0)
    return (
        (usage.input is None or cached <= usage.input)
        and (usage.output is None or (usage.reasoning or 0) <= usage.output)
        and (usage.cache_write is None or written <= usage.cache_write)
    )
