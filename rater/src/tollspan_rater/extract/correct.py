"""What corrections make of calls: applied over what the spans say, each time that spans are settled."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from operator import attrgetter
from typing import Any, Final

from tollspan_rater.domain.call import Call
from tollspan_rater.domain.correction import AMENDED, METER, REATTRIBUTED, TAG, Changes, Correction, in_force
from tollspan_rater.domain.usage import TOKEN_FIELDS
from tollspan_rater.extract.normal import fitted

CameAt = Callable[[str, str], int]  # tenant and member -> the journal position at which the span came

_UNFIT: Final = "unfit_parts"


@dataclass(frozen=True, slots=True)
class Corrected:
    """Calls as they count: ``calls``, void ones left out. ``settled`` is what the spans say of those that differ."""

    calls: list[Call]
    settled: list[Call]


def corrected(calls: Sequence[Call], corrections: Iterable[Correction], came_at: CameAt) -> Corrected:
    """Apply corrections to calls that were settled together.

    A void takes a call away unless the call also shows a span that stood outside every voided call when these were
    voided: that usage was never declared void, it only turned out to be the same. Of several corrections of one field
    the last one made holds.
    """
    about = by_span(in_force(corrections))
    if not about:
        return Corrected(list(calls), [])
    found = Corrected([], [])
    for call, spans in zip(calls, spans_shown(calls), strict=True):
        named = corrections_of(call, spans, about)
        result = _applied(call, named, came_at)
        if result is not call:
            found.settled.append(call)
        if result is not None:
            found.calls.append(result)
    return found


def corrections_of(call: Call, spans: Iterable[str], about: Mapping[str, Sequence[Correction]]) -> list[Correction]:
    """Return those of some corrections, by span, that are about a call which shows some spans, in their order."""
    found = {one.key: one for span in spans for one in about.get(span, ())}
    return sorted(
        (one for one in found.values() if (one.tenant, one.meter) == (call.tenant, call.meter)), key=attrgetter("order")
    )


def spans_shown(calls: Sequence[Call]) -> list[Collection[str]]:
    """Return the spans that show each call; of a unit counted beside a call, those of that call."""
    around = {member: call.members for call in calls if call.kind == "call" for member in call.members}
    return [around.get(call.members[0], call.members) for call in calls]


def by_span(corrections: Iterable[Correction]) -> dict[str, list[Correction]]:
    """Return corrections by the spans at which they are found."""
    found: dict[str, list[Correction]] = {}
    for one in corrections:
        for span in one.spans:
            found.setdefault(span, []).append(one)
    return found


def _applied(call: Call, corrections: Sequence[Correction], came_at: CameAt) -> Call | None:
    voids = [one for one in corrections if one.kind == "void"]
    if voids and (call.kind == "unit" or all(_is_covered(call.tenant, one, voids, came_at) for one in call.members)):
        return None
    for one in corrections:
        if one.kind == "amend":
            call = amended(call, one.changes)
        elif one.kind == "reattribute":
            call = reattributed(call, one.changes)
    return call


def _is_covered(tenant: str, member: str, voids: Iterable[Correction], came_at: CameAt) -> bool:
    """Tell whether a span was in a call that was voided, or came after that."""
    return any(member in one.members or came_at(tenant, member) > one.as_of for one in voids)


def amended(call: Call, changes: Changes) -> Call:
    """Return a call with other facts or quantities; a part that no longer fits into its whole becomes unknown."""
    facts = {name: _FACTS[name](call, text) for name, text in changes.items() if name in _FACTS}
    meters = {name.removeprefix(METER): text for name, text in changes.items() if name.startswith(METER)}
    if "started_ns" in facts:
        facts["ended_ns"] = facts["started_ns"] + call.ended_ns - call.started_ns
    if meters:
        facts |= _quantities(call, meters) | {"quality": AMENDED}
    flags = {*call.flags, AMENDED, *facts.pop("flags", ())}
    return replace(call, **facts, flags=tuple(sorted(flags)))


def _quantities(call: Call, meters: Mapping[str, str | None]) -> dict[str, Any]:
    if call.kind == "unit":
        stated = meters.get(call.meter or "")
        return {} if stated is None else {"quantity": Decimal(stated)}
    tokens = {name: None if text is None else int(text) for name, text in meters.items() if name in TOKEN_FIELDS}
    others = {name: text for name, text in meters.items() if name not in TOKEN_FIELDS}
    units = {name: value for name, value in call.usage.units.items() if name not in others}
    units |= {name: Decimal(text) for name, text in others.items() if text is not None}
    fits = fitted(replace(call.usage, **tokens, units=units))
    details = dict(call.details)
    if fits.unfit:
        details[_UNFIT] = ", ".join(filter(None, (details.get(_UNFIT), fits.unfit)))
    return {"usage": fits.usage, "flags": fits.flags, "details": tuple(sorted(details.items()))}


def reattributed(call: Call, changes: Changes) -> Call:
    """Return a call with another attribution."""
    keys: dict[str, Any] = {name: text for name, text in changes.items() if not name.startswith(TAG)}
    if "billable" in keys:
        keys["billable"] = None if keys["billable"] is None else keys["billable"] == "true"
    tags = dict(call.tags) | {name.removeprefix(TAG): text for name, text in changes.items() if name.startswith(TAG)}
    kept = tuple(sorted((name, text) for name, text in tags.items() if text is not None))
    return replace(call, **keys, tags=kept, flags=tuple(sorted({*call.flags, REATTRIBUTED})))


_FACTS: Final[Mapping[str, Callable[[Call, str | None], Any]]] = {
    "provider": lambda _call, text: text,
    "model": lambda _call, text: text,
    "outcome": lambda call, text: text or call.outcome,
    "service_tier": lambda _call, text: text,
    "started_ns": lambda call, text: call.started_ns if text is None else int(text),
}
