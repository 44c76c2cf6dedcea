"""Several views of one call become one usage: the best view counts, lower ones fill what it leaves unknown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from tollspan import semconv
from tollspan_rater.domain.call import Conflict, Extracted
from tollspan_rater.domain.fates import Role
from tollspan_rater.domain.meters import root
from tollspan_rater.domain.usage import TOKEN_FIELDS, Usage
from tollspan_rater.extract.family import input_only

_TOTALS: Final = frozenset({"input", "output"})
_INPUT_PARTS: Final = ("cache_read", "cache_write", "cache_write_5m", "cache_write_1h", "audio_in", "image_in")
_OUTPUT_PARTS: Final = ("reasoning", "audio_out")
_WORTH: Final = {quality: order for order, quality in enumerate(semconv.QUALITIES)}
CONFLICT: Final = "conflict:usage"
FILLED: Final = "filled"  # a total that the chosen view leaves unknown came from another view

_COMPARED: Final = ("input", "output", "cache_read", "cache_write", "reasoning")


@dataclass(frozen=True, slots=True)
class Filling:
    """A meter that the chosen view leaves unknown and ``by`` states."""

    meter: str
    by: Extracted


@dataclass(frozen=True, slots=True)
class Seen:
    """The usage that several views of one call show together.

    ``chosen`` is the view whose numbers count, ``filled`` what others add to them, ``conflicts`` where others differ.
    """

    chosen: Extracted
    usage: Usage
    quality: str
    flags: frozenset[str] = frozenset()
    filled: tuple[Filling, ...] = ()
    conflicts: tuple[Conflict, ...] = ()


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
    """Return what the views of a call, best first, show together when ``chosen``'s usage counts.

    A part of a total is taken from a lower view only when both state the same total; an unknown total is taken
    as it is, and flagged. Totals that differ are flagged, and the chosen one holds.
    """
    if len(views) == 1:
        return Seen(chosen, *worth_of(chosen))
    usage, quality = chosen.usage, _stated_worth(chosen)
    flags: set[str] = set()
    fillings: list[Filling] = []
    stated_by = dict.fromkeys(_COMPARED, chosen)
    conflicts: list[Conflict] = []
    for view in views:
        if view is chosen or not view.usage.measured:
            continue
        conflicts += _differences(usage, view, stated_by)
        if _totals_differ(usage, view.usage):
            flags.add(CONFLICT)
        filled, took_total = _filled(usage, view.usage)
        if took_total:
            flags.add(FILLED)
            quality = max(quality, view.quality or quality, key=_worth)
        news = _news(usage, filled)
        fillings += [Filling(meter, view) for meter in news]
        stated_by.update(dict.fromkeys(news, view))
        usage = filled
    return Seen(chosen, usage, _at_most(quality, usage, chosen), frozenset(flags), tuple(fillings), tuple(conflicts))


def model_conflicts(views: Sequence[Extracted]) -> tuple[Conflict, ...]:
    """Return where views, best first, name another response model than the first that names one.

    A name that contains the other one is the same model, spelt with its vendor or its date.
    """
    named = [(view, view.response_model) for view in views if view.response_model is not None]
    return tuple(
        Conflict("model", named[0][1], named[0][0].member, model, view.member)
        for view, model in named[1:]
        if model not in named[0][1] and named[0][1] not in model
    )


def _differences(usage: Usage, view: Extracted, stated_by: Mapping[str, Extracted]) -> list[Conflict]:
    pairs = [(meter, getattr(usage, meter), getattr(view.usage, meter)) for meter in _COMPARED]
    return [
        Conflict(meter, str(mine), stated_by[meter].member, str(its), view.member)
        for meter, mine, its in pairs
        if mine is not None and its is not None and mine != its
    ]


def _news(before: Usage, after: Usage) -> list[str]:
    tokens = [name for name in TOKEN_FIELDS if getattr(before, name) != getattr(after, name)]
    return tokens + sorted(after.units.keys() - before.units.keys())


def worth_of(view: Extracted) -> tuple[Usage, str]:
    """Return the usage that one view states and its quality."""
    return view.usage, _at_most(_stated_worth(view), view.usage, view)


def _stated_worth(view: Extracted) -> str:
    return view.quality or ("exact" if view.usage.measured else "unmeasured")


def _at_most(quality: str, usage: Usage, view: Extracted) -> str:
    """Bound the quality of usage of which only one half is known, where its call has both: there was more."""
    if (usage.input is None) is (usage.output is None) or view.role is not Role.CALL:
        return quality
    if input_only(view.operation, view.response_model or view.request_model):
        return quality
    return max(quality, "lower_bound", key=_worth)


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
