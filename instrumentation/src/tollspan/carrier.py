"""Attribution as plain texts, for places that no context reaches: queues, other processes, headers between services.

A carrier is a mapping of attribute names to texts, ``{"tollspan.customer": "acme", "tollspan.billable": "false"}``.
One that is foreign or damaged names nobody; reading it never raises.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import quote, unquote

from tollspan import semconv
from tollspan.attribution import Attribution, Scope, current
from tollspan.guarded import safely

HEADER_PREFIX = "x-tollspan-"
_TAG_HEADER = "tags-"
_FALSE = frozenset({"false", "0", "no", "off"})


def inject() -> dict[str, str]:
    """Return the attribution in force as a carrier, to be put beside a job or message; empty when there is none."""
    return safely(texts, current()) or {}


def extract(carrier: object) -> Scope:
    """Return the scope of what a carrier says, a context manager and a decorator.

    ``with extract(message.headers): ...``. It lies over the one in force, as ``attribute`` does. Values are bounded
    again: a carrier comes from outside.
    """
    return Scope(safely(keys, carrier) or {})


def texts(attribution: Attribution) -> dict[str, str]:
    """Return an attribution as a carrier."""
    return {name: _text(value) for name, value in attribution.attributes().items()}


def keys(carrier: object) -> dict[str, Any]:
    """Return what a carrier says, as ``attribute`` takes it; what is not of the wire contract is left out."""
    found: dict[str, Any] = {}
    tags: dict[str, str] = {}
    for name, text in carrier.items() if isinstance(carrier, Mapping) else ():
        if not isinstance(name, str) or not isinstance(text, str):
            continue
        if name.startswith(semconv.TAG_PREFIX):
            tags[name.removeprefix(semconv.TAG_PREFIX)] = text
        elif (key := name.removeprefix(semconv.ATTRIBUTION_PREFIX)) != name and key in semconv.ATTRIBUTION_KEYS:
            found[key] = _value(key, text)
    return {**found, "tags": tags} if tags else found


def header_keys(names: Iterable[str], header: Callable[[str], str | None]) -> dict[str, Any]:
    """Return what the headers ``x-tollspan-KEY`` and ``x-tollspan-tags-NAME`` of a request say.

    A key is written with hyphens or underscores, in any case; a tag's name is read in lower case.
    """
    carrier: dict[str, str] = {}
    for name in names:
        word = name.lower().removeprefix(HEADER_PREFIX)
        tag = word.removeprefix(_TAG_HEADER)
        attribute = semconv.attribution_attribute(word.replace("-", "_")) if tag == word else semconv.TAG_PREFIX + tag
        carrier[attribute] = header(name) or ""
    return keys(carrier)


def to_baggage(attribution: Attribution, before: str | None) -> str:
    """Return a W3C ``baggage`` header: the members there were before, then the attribution's, percent-encoded."""
    own = [f"{name}={quote(text, safe='')}" for name, text in texts(attribution).items()]
    foreign = [member.strip() for member in (before or "").split(",")]
    kept = [member for member in foreign if member and not member.startswith(semconv.ATTRIBUTION_PREFIX)]
    return ",".join([*kept, *own])


def from_baggage(header: str) -> dict[str, str]:
    """Return the members of a W3C ``baggage`` header, without their properties, as a carrier."""
    members = (member.partition(";")[0].split("=", 1) for member in header.split(",") if "=" in member)
    return {name.strip(): unquote(text.strip()) for name, text in members}


def _text(value: str | bool) -> str:  # noqa: FBT001 - a value of attribution, no switch
    return str(value).lower() if isinstance(value, bool) else value


def _value(key: str, text: str) -> str | bool:
    return text.strip().lower() not in _FALSE if key == "billable" else text
