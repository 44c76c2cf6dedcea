"""Forms with names like ``payload[value]``, and errors, as Stripe's interfaces have them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl

from tests.export.simulators.simulator import Reply, reply

INVALID = "invalid_request_error"


def nested(form: str) -> dict[str, Any]:
    """Read a form; its values are texts."""
    read: dict[str, Any] = {}
    for name, value in parse_qsl(form, keep_blank_values=True, strict_parsing=bool(form)):
        *way, last = _names(name)
        place = read
        for part in way:
            place = place.setdefault(part, {})
        place[last] = value
    return read


def _names(name: str) -> Iterator[str]:
    first, *rest = name.split("[")
    yield first
    yield from (part.removesuffix("]") for part in rest)


def error(status: int, kind: str, code: str, message: str, headers: Mapping[str, str] | None = None) -> Reply:
    said = {"type": kind, "message": message, **({"code": code} if code else {})}
    return reply(status, {"error": said}, headers)


def listed(rows: list[dict[str, Any]], query: Mapping[str, Any], url: str) -> Reply:
    """Answer one page of a list, newest first as given."""
    if "starting_after" in query:
        place = next((place for place, one in enumerate(rows) if one["id"] == query["starting_after"]), len(rows))
        rows = rows[place + 1 :]
    limit = int(query.get("limit", 10))
    return reply(200, {"object": "list", "url": url, "data": rows[:limit], "has_more": len(rows) > limit})
