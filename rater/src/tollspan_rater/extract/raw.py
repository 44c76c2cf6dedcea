"""Reads a provider's usage object by the table of its API: one interpreter for all of them.

Nothing is estimated, and nothing but what the provider states is added or left out: system prompts, tool schemas and
whatever else it counts into its input stay in it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

from tollspan_rater.domain.meters import TOKEN_METERS, root
from tollspan_rater.domain.usage import Usage
from tollspan_rater.extract.normal import Counts, inclusive
from tollspan_rater.extract.numbers import cost, quantity, text, token_count
from tollspan_rater.extract.providers.registry import api_of
from tollspan_rater.extract.providers.table import (
    COST,
    TERM,
    TIER,
    TOTAL,
    UNIT,
    Iterations,
    Listed,
    Slot,
    Tree,
    UsageApi,
)

TOTAL_DISAGREES: Final = "total_disagrees"  # the provider's own total is no sum of its parts
OUTPUT_FROM_TOTAL: Final = "output_from_total"  # the provider's total holds output that no count of its own states
_COUNTED: Final = frozenset({*TOKEN_METERS, TOTAL})
_CACHE: Final = ("cache_read", "cache_write", "cache_write_5m", "cache_write_1h")
_NO_UNITS: Final[Mapping[str, Decimal]] = {}

Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RawReading:
    """What a usage object says: ``usage`` in normal form with its ``flags``, and what stands beside the counts.

    ``tier`` is the service tier, ``terms`` and ``details`` as in ``Extracted``; ``cost`` is the provider's own, in
    US dollars.
    """

    usage: Usage
    flags: tuple[str, ...] = ()
    tier: str | None = None
    terms: Mapping[str, str] = field(default_factory=dict)
    details: Mapping[str, str] = field(default_factory=dict)
    cost: Decimal | None = None


@dataclass(slots=True)
class _Found:
    """What was found in an object so far; ``ranks`` are those of the places that filled the slots."""

    counts: Counts = field(default_factory=dict)
    listed: Counts = field(default_factory=dict)
    others: dict[str, Any] = field(default_factory=dict)
    ranks: dict[str, int] = field(default_factory=dict)
    paths: dict[str, str] = field(default_factory=dict)


def read_raw(raw: Mapping[str, Any], name: str | None) -> RawReading | None:
    """Read a usage object of the API ``name``, else of the one that its members tell; None for an unknown one.

    Raises:
        UnusableValueError: a count or quantity that cannot be one (``bad_usage``).
    """
    api = api_of(raw, name)
    if api is None:
        return None
    found = _Found()
    _walk(api.tree, raw, found)
    counts, others = {**found.listed, **found.counts}, found.others
    flags, details = _made_inclusive(counts, api)
    units = _units(others) if others else _NO_UNITS
    if api.iterations is not None and api.iterations.path in raw:
        units = {**units, **_iterated(counts, raw[api.iterations.path], api, api.iterations)}
    usage = inclusive(counts, units)
    if not others:
        return RawReading(usage, flags, details=details)
    amount = cost(others[COST]) if COST in others else None
    if amount is not None:
        details |= {"cost_currency": "USD", "cost_key": found.paths[COST]}
    return RawReading(usage, flags, text(others.get(TIER)), _terms(others), details, amount)


def at(tree: Mapping[str, Any], path: Path) -> Any:
    """Return what stands at a path of a JSON object; None when the path ends early."""
    found: Any = tree
    for step in path:
        if not isinstance(found, dict):
            return None
        found = found.get(step)
    return found


def _walk(tree: Tree, raw: Mapping[str, Any], found: _Found) -> None:
    """Put every number that the table knows into its slot, the best place of each."""
    for member, value in raw.items():
        place = tree.get(member)
        if place is None or value is None:
            continue
        if type(place) is Slot:
            _put(place, value, found)
        elif type(place) is Listed:
            for slot, entry in _listed(place, value):
                found.listed[slot] = found.listed.get(slot, 0) + entry
        elif isinstance(value, dict):
            _walk(place, value, found)


def _put(place: Slot, value: Any, found: _Found) -> None:
    slot = place.name
    if found.ranks.get(slot, place.rank) < place.rank:
        return
    if slot in _COUNTED:
        count = token_count(place.path, value)
        if count is None:
            return
        found.counts[slot] = count
    else:
        found.others[slot] = value
        found.paths[slot] = place.path
    found.ranks[slot] = place.rank


def _listed(place: Listed, value: Any) -> Iterator[tuple[str, int]]:
    for entry in value if isinstance(value, list) else ():
        if isinstance(entry, dict):
            slot = place.slots.get(str(entry.get(place.label, "")).upper())
            stated = next((entry[name] for name in place.counts if name in entry), None)
            count = None if slot is None else token_count(place.counts[0], stated)
            if slot is not None and count is not None:
                yield slot, count


def _made_inclusive(counts: Counts, api: UsageApi) -> tuple[tuple[str, ...], dict[str, str]]:
    """Add to the totals what the API states beside them; the provider's own total decides where it can.

    Returns flags, and as details what the total proved or contradicts.
    """
    total = counts.pop(TOTAL, None)
    if "output" not in counts and any(part in counts and root(part) == "output" for part in api.beside):
        counts["output"] = 0  # all of it is in the parts beside
    beside = api.beside
    if total is None or "input" not in counts or "output" not in counts:
        _add(counts, beside)
        return (), {}
    sums = {parts: _sum(counts, parts) for parts in (beside, *api.proofs)}
    proved = next((parts for parts, each in sums.items() if each == total), None)
    if proved is not None:
        _add(counts, proved)
        if sums[beside] == total:
            return (), {}
        return (), {"proof": f"the total {total} has beside input and output: {', '.join(proved) or 'nothing'}"}
    _add(counts, beside)
    details = {"stated_total": str(total)}
    if api.rest_is_output and total > sums[beside] and not counts.get("reasoning"):
        counts["output"] = total - counts["input"]
        return (OUTPUT_FROM_TOTAL,), details
    return (TOTAL_DISAGREES,), details


def _sum(counts: Counts, beside: tuple[str, ...]) -> int:
    return counts["input"] + counts["output"] + sum(counts.get(part, 0) for part in beside)


def _add(counts: Counts, beside: tuple[str, ...]) -> None:
    for part in beside:
        whole = root(part)
        if part in counts and whole in counts:
            counts[whole] += counts[part]


def _units(others: Mapping[str, Any]) -> Mapping[str, Decimal]:
    """Return the quantities that are no tokens; a zero says nothing and is left out."""
    return {
        slot.removeprefix(UNIT): quantity(slot, value, "bad_usage")
        for slot, value in others.items()
        if slot.startswith(UNIT) and value
    }


def _terms(others: Mapping[str, Any]) -> dict[str, str]:
    said = {slot.removeprefix(TERM): text(value) for slot, value in others.items() if slot.startswith(TERM)}
    return {name: value for name, value in said.items() if value is not None}


def _iterated(counts: Counts, runs: Any, api: UsageApi, iterations: Iterations) -> dict[str, Decimal]:
    """Add the runs of the call's own model to its counts; return the tokens of other models."""
    beside: dict[str, Decimal] = {}
    for run in runs if isinstance(runs, list) else ():
        kind = run.get("type") if isinstance(run, dict) else None
        inside, other = iterations.inside.get(str(kind)), iterations.other.get(str(kind))
        if inside is None and other is None:
            continue
        found = _Found()
        _walk(api.tree, run, found)
        own = {**found.listed, **found.counts}
        uncached, written = own.get("input", 0), own.get("output", 0)
        _add(own, api.beside)
        if inside is not None:
            for name in ("input", "output", *_CACHE):
                if name in own:
                    counts[name] = counts.get(name, 0) + own[name]
            for name, count in ((f"{inside}_in", uncached), (f"{inside}_out", written)):
                counts[name] = counts.get(name, 0) + count
        else:
            named = {"in": own.get("input", 0), "out": written, **{part: own.get(part, 0) for part in api.beside}}
            for part, count in named.items():
                beside[f"{other}_{part}"] = beside.get(f"{other}_{part}", Decimal(0)) + count
    return {meter: count for meter, count in beside.items() if count}
