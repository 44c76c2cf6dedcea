"""What was read of a span as stored text: short canonical JSON, read back exactly, and its digest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from decimal import Decimal
from hashlib import blake2b
from operator import attrgetter
from typing import Any, Final

import orjson

from tollspan_rater.domain.call import Counted, Extracted, Ruled
from tollspan_rater.domain.fates import Role
from tollspan_rater.domain.usage import TOKEN_FIELDS, Usage
from tollspan_rater.extract.aliases import ALIAS_PREFIX
from tollspan_rater.extract.draft import new_extracted

# Field -> stored name. Names once stored are kept for ever.
_NAMES: Final[Mapping[str, str]] = {
    "tenant": "t",
    "trace_id": "tr",
    "span_id": "sp",
    "parent_id": "pa",
    "start_ns": "s",
    "end_ns": "e",
    "role": "ro",
    "dialect": "d",
    "rank": "rk",
    "final": "fi",
    "scope": "sc",
    "name": "n",
    "operation": "op",
    "provider": "pr",
    "request_model": "qm",
    "response_model": "rm",
    "response_id": "id",
    "record_id": "rec",
    "process_id": "pid",
    "seq": "seq",
    "attempt": "at",
    "retry_of": "ry",
    "outcome": "ou",
    "quality": "q",
    "service_tier": "ti",
    "stream": "st",
    "retrieve": "rt",
    "ttft_ms": "tt",
    "usage": "u",
    "reported_cost": "rc",
    "unit_meter": "um",
    "unit_quantity": "uq",
    "terms": "te",
    "details": "de",
    "said": "sa",
    "resource_said": "rs",
    "flags": "fl",
    "ruled": "ru",
}
_TOKEN_NAMES: Final[Mapping[str, str]] = {
    "input": "i",
    "cache_read": "r",
    "cache_write": "w",
    "cache_write_5m": "w5",
    "cache_write_1h": "w1",
    "audio_in": "ai",
    "image_in": "ii",
    "output": "o",
    "reasoning": "g",
    "audio_out": "ao",
}
_UNITS: Final = "un"
_SPECIAL: Final = frozenset(
    {"usage", "reported_cost", "unit_quantity", "terms", "details", "said", "resource_said", "flags", "role", "ruled"}
)
_DEFAULTS: Final[Mapping[str, object]] = {f.name: f.default for f in fields(Extracted)}
_PLAIN: Final = tuple((name, short, _DEFAULTS[name]) for name, short in _NAMES.items() if name not in _SPECIAL)
_PLAIN_VALUES: Final = attrgetter(*(name for name, _, _ in _PLAIN))
_TOKEN_VALUES: Final = attrgetter(*TOKEN_FIELDS)
_TOKEN_SHORT: Final = tuple(_TOKEN_NAMES[name] for name in TOKEN_FIELDS)
_PLAIN_SHORT: Final = tuple((short, default) for _, short, default in _PLAIN)
_READ_PLAIN: Final = {short: name for name, short, _ in _PLAIN}

# Not in the digest: a newer release may read the same span under another version or rank.
_NOT_DIGESTED: Final = ("d", "rk", "fl")


def to_evidence(extracted: Extracted) -> str:
    """Write what was read as canonical JSON: sorted names, no spaces, only what is set, decimals as text."""
    return orjson.dumps(_document(extracted), option=orjson.OPT_SORT_KEYS).decode()


def from_evidence(evidence: str) -> Extracted:
    """Read stored evidence back, equal to what was written."""
    tree: dict[str, Any] = orjson.loads(evidence)
    values: dict[str, Any] = {_READ_PLAIN[short]: value for short, value in tree.items() if short in _READ_PLAIN}
    stated = tree.get("u", {})
    units = {meter: Decimal(value) for meter, value in stated.get(_UNITS, {}).items()}
    return new_extracted(
        **values,
        role=Role(tree["ro"]),
        usage=Usage(**{name: stated.get(short) for name, short in _TOKEN_NAMES.items()}, units=units),
        reported_cost=_decimal(tree.get("rc")),
        unit_quantity=_decimal(tree.get("uq")),
        terms=tree.get("te", {}),
        details=tree.get("de", {}),
        said=tree.get("sa", {}),
        resource_said=tree.get("rs", {}),
        flags=tuple(tree.get("fl", ())),
        ruled=_ruled(tree.get("ru")),
    )


def digest(extracted: Extracted) -> str:
    """Return 16 hex digits over usage, attribution, ids and times.

    What differs between two honest copies does not count: what a Collector may add to the resource under foreign
    names, how many attributes were dropped on the way, with which release the span was read, and which span rules
    were in force then.
    """
    return _digest(_document(extracted))


def sealed(extracted: Extracted) -> tuple[str, str]:
    """Return evidence and digest at once, which is cheaper than one after the other."""
    document = _document(extracted)
    return orjson.dumps(document, option=orjson.OPT_SORT_KEYS).decode(), _digest(document)


def _digest(document: dict[str, Any]) -> str:
    for name in _NOT_DIGESTED:
        document.pop(name, None)
    ruled = document.pop("ru", None)
    if ruled is not None:
        document["ro"] = ruled["ro"]
    resource = document.pop("rs", None)
    if resource:
        own = {key: value for key, value in resource.items() if not key.startswith(ALIAS_PREFIX)}
        if own:
            document["rs"] = own
    return blake2b(orjson.dumps(document, option=orjson.OPT_SORT_KEYS), digest_size=8).hexdigest()


def _document(extracted: Extracted) -> dict[str, Any]:
    document: dict[str, Any] = {
        short: value
        for (short, default), value in zip(_PLAIN_SHORT, _PLAIN_VALUES(extracted), strict=True)
        if value is not None and value != default
    }
    document["ro"] = extracted.role.value
    tokens = _tokens(extracted.usage)
    if tokens:
        document["u"] = tokens
    if extracted.reported_cost is not None:
        document["rc"] = str(extracted.reported_cost)
    if extracted.unit_quantity is not None:
        document["uq"] = str(extracted.unit_quantity)
    if extracted.terms:
        document["te"] = extracted.terms
    if extracted.details:
        document["de"] = extracted.details
    if extracted.said:
        document["sa"] = extracted.said
    if extracted.resource_said:
        document["rs"] = extracted.resource_said
    if extracted.flags:
        document["fl"] = extracted.flags
    if extracted.ruled is not None:
        counts = {one.meter: [str(one.quantity), one.rule] for one in extracted.ruled.counts}
        elsewhere = {"el": extracted.ruled.elsewhere} if extracted.ruled.elsewhere else {}
        document["ru"] = {"ro": extracted.ruled.role.value, "ct": counts, **elsewhere}
    return document


def _tokens(usage: Usage) -> dict[str, Any]:
    values = zip(_TOKEN_SHORT, _TOKEN_VALUES(usage), strict=True)
    tokens: dict[str, Any] = {short: value for short, value in values if value is not None}
    if usage.units:
        tokens[_UNITS] = {meter: str(value) for meter, value in usage.units.items()}
    return tokens


def _ruled(tree: dict[str, Any] | None) -> Ruled | None:
    if tree is None:
        return None
    counts = tree["ct"].items()
    counted = tuple(Counted(meter, Decimal(text), rule) for meter, (text, rule) in counts)
    return Ruled(Role(tree["ro"]), counted, tree.get("el", ""))


def _decimal(value: str | None) -> Decimal | None:
    return None if value is None else Decimal(value)
