"""Reads a provider's usage object by the table of its API: one interpreter for all of them.

Nothing is estimated, and nothing but what the provider states is added or left out: system prompts, tool schemas and
whatever else it counts into its input stay in it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, Final, NamedTuple

from tollspan_rater.domain.meters import root
from tollspan_rater.domain.usage import Usage
from tollspan_rater.extract.normal import Counts, inclusive
from tollspan_rater.extract.numbers import MAX_TOKENS, cost, quantity, text, token_count
from tollspan_rater.extract.providers.registry import api_of
from tollspan_rater.extract.providers.table import (
    TOTAL,
    Iterations,
    Listed,
    Place,
    Slot,
    Tree,
    UsageApi,
)

TOTAL_DISAGREES: Final = "total_disagrees"  # the provider's own total is no sum of its parts
OUTPUT_FROM_TOTAL: Final = "output_from_total"  # the provider's total holds output that no count of its own states
_CACHE: Final = ("cache_read", "cache_write", "cache_write_5m", "cache_write_1h")
_NOTHING: Final[Mapping[str, str]] = {}

Path = tuple[str, ...]
Rest = list[tuple[Place, Any]]
Others = list[tuple[Slot, Any]]  # what is no token count, best place of a slot first


class RawReading(NamedTuple):
    """What a usage object says: ``usage`` in normal form with its ``flags``, and what stands beside the counts.

    ``tier`` is the service tier, ``terms`` and ``details`` as in ``Extracted``; ``cost`` is the provider's own, in
    US dollars.
    """

    usage: Usage
    flags: tuple[str, ...] = ()
    tier: str | None = None
    terms: Mapping[str, str] = {}
    details: Mapping[str, str] = {}
    cost: Decimal | None = None


class _Beside(NamedTuple):
    """What stands beside the token counts."""

    units: Mapping[str, Decimal] = {}
    tier: str | None = None
    terms: Mapping[str, str] = {}
    cost_key: str = ""
    cost: Decimal | None = None


_NOTHING_BESIDE: Final = _Beside()


def read_raw(raw: Mapping[str, Any], name: str | None) -> RawReading | None:
    """Read a usage object of the API ``name``, else of the one that its members tell; None for an unknown one.

    Raises:
        UnusableValueError: a count or quantity that cannot be one (``bad_usage``).
    """
    api = api_of(raw, name)
    if api is None:
        return None
    counts, others = _found(api.tree, raw)
    flags, details = _made_inclusive(counts, api)
    beside = _beside(others) if others else _NOTHING_BESIDE
    units = beside.units
    if api.iterations is not None and api.iterations.path in raw:
        units = {**units, **_iterated(counts, raw[api.iterations.path], api, api.iterations)}
    if beside.cost is not None:
        details = {**details, "cost_currency": "USD", "cost_key": beside.cost_key}
    return RawReading(inclusive(counts, units), flags, beside.tier, beside.terms, details, beside.cost)


def at(tree: Mapping[str, Any], path: Path) -> Any:
    """Return what stands at a path of a JSON object; None when the path ends early."""
    found: Any = tree
    for step in path:
        if not isinstance(found, dict):
            return None
        found = found.get(step)
    return found


def _found(tree: Tree, raw: Mapping[str, Any]) -> tuple[Counts, Others]:
    """Return the token counts of an object by slot, and what stands in other slots."""
    counts: Counts = {}
    rest: Rest = []
    _walk(tree, raw, counts, rest)
    others: Others = []
    listed: Counts = {}
    for place, value in sorted(rest, key=_rank):
        if isinstance(place, Listed):
            for slot, entry in _listed(place, value):
                listed[slot] = listed.get(slot, 0) + entry
        elif place.kind != "tokens":
            others.append((place, value))
        elif place.name not in counts and (count := token_count(place.path, value)) is not None:
            counts[place.name] = count
    return {**listed, **counts} if listed else counts, others


def _rank(found: tuple[Place, Any]) -> int:
    return found[0].rank


def _walk(tree: Tree, raw: Mapping[str, Any], counts: Counts, rest: Rest) -> None:
    """Put the counts in their best places into their slots, and whatever needs a second look into ``rest``."""
    for member, value in raw.items():
        place = tree.get(member)
        if place is None or value is None:
            continue
        if type(place) is dict:
            if isinstance(value, dict):
                _walk(place, value, counts, rest)
        elif place.at_once:
            count = value if type(value) is int and 0 <= value <= MAX_TOKENS else token_count(place.path, value)
            if count is not None:
                counts[place.name] = count
        else:
            rest.append((place, value))


def _listed(place: Listed, value: Any) -> Iterator[tuple[str, int]]:
    for entry in value if isinstance(value, list) else ():
        if isinstance(entry, dict):
            slot = place.slots.get(str(entry.get(place.label, "")).upper())
            stated = next((entry[name] for name in place.counts if name in entry), None)
            count = None if slot is None else token_count(place.counts[0], stated)
            if slot is not None and count is not None:
                yield slot, count


def _made_inclusive(counts: Counts, api: UsageApi) -> tuple[tuple[str, ...], Mapping[str, str]]:
    """Add to the totals what the API states beside them; the provider's own total decides where it can.

    Returns flags, and as details what the total proved or contradicts.
    """
    total = counts.pop(TOTAL, None)
    if "output" not in counts and any(part in counts and root(part) == "output" for part in api.beside):
        counts["output"] = 0  # all of it is in the parts beside
    beside = api.beside
    if total is None or "input" not in counts or "output" not in counts:
        _add(counts, beside)
        return (), _NOTHING
    expected = _sum(counts, beside)
    if expected == total:
        _add(counts, beside)
        return (), _NOTHING
    proved = next((parts for parts in api.proofs if _sum(counts, parts) == total), None)
    if proved is not None:
        _add(counts, proved)
        named = [part for part in proved if counts.get(part)]
        return (), {"proof": f"the total {total} has beside input and output: {', '.join(named) or 'nothing'}"}
    _add(counts, beside)
    details = {"stated_total": str(total)}
    if api.rest_is_output and total > expected and not counts.get("reasoning"):
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


def _beside(others: Others) -> _Beside:
    """Read what is no token count; a quantity of zero says nothing and is left out."""
    units: dict[str, Decimal] = {}
    terms: dict[str, str] = {}
    tier, key, amount = None, "", None
    for slot, value in others:
        match slot.kind:
            case "unit":
                if value and slot.name not in units:
                    units[slot.name] = quantity(slot.path, value, "bad_usage")
            case "term":
                said = text(value)
                if said is not None:
                    terms[slot.name] = said
            case "tier":
                tier = tier or text(value)
            case _:
                key, amount = (slot.path, cost(value)) if amount is None else (key, amount)
    return _Beside(units, tier, terms, key, amount)


def _iterated(counts: Counts, runs: Any, api: UsageApi, iterations: Iterations) -> dict[str, Decimal]:
    """Add the runs of the call's own model to its counts; return the tokens of other models."""
    others: Counts = {}
    for run in runs if isinstance(runs, list) else ():
        kind = str(run.get("type")) if isinstance(run, dict) else ""
        inside, other = iterations.inside.get(kind), iterations.other.get(kind)
        if inside is not None:
            _more(counts, _run(inside, run, api, split=False))
        elif other is not None:
            _more(others, _run(other, run, api, split=True))
    return {meter: Decimal(count) for meter, count in others.items() if count}


def _run(name: str, run: Mapping[str, Any], api: UsageApi, *, split: bool) -> Counts:
    """Return the counts of one run: as parts of ``name`` alone (``split``), or as more of the call's own counts."""
    own, _ = _found(api.tree, run)
    uncached, written = own.get("input", 0), own.get("output", 0)
    total = uncached + sum(own.get(part, 0) for part in api.beside)
    if split:
        return {
            f"{name}_in": total,
            f"{name}_out": written,
            **{f"{name}_{part}": own.get(part, 0) for part in api.beside},
        }
    parts: Counts = {part: own[part] for part in _CACHE if part in own}
    return {"input": total, "output": written, f"{name}_in": uncached, f"{name}_out": written, **parts}


def _more(counts: Counts, others: Counts) -> None:
    for name, count in others.items():
        counts[name] = counts.get(name, 0) + count
