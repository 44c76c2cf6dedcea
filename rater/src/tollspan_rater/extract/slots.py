"""The attributes of a span, sorted into the slots of its dialect, and what they say for whom. The hot path."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any, Final

import orjson

from tollspan import semconv
from tollspan_rater.domain.span import AttributeValue
from tollspan_rater.extract.aliases import PLACES, Said, tag_name
from tollspan_rater.extract.dialects.table import Dialect
from tollspan_rater.extract.numbers import text
from tollspan_rater.extract.raw import at

Found = dict[str, AttributeValue]

LONGEST_RAW: Final = 64 * 1024  # a usage object is a few hundred bytes; whatever is longer is none
_TEXTS: Final = frozenset(
    {
        "operation",
        "provider",
        "request_model",
        "response_model",
        "response_id",
        "request_id",
        "record_id",
        "process_id",
        "retry_of",
        "service_tier",
        "usage_api",
        "meter",
    },
)


def found_in(dialect: Dialect, attributes: Mapping[str, AttributeValue], heard: Said) -> Found:
    """Sort attributes into the dialect's slots, the best name of each; what they say for whom goes to ``heard``."""
    found: Found = {}
    orders: dict[str, int] = {}
    places = dialect.places
    for key, value in attributes.items():
        place = places.get(key)
        if place is not None:
            slot, order = place
            if slot in found and orders[slot] <= order:
                continue
            if type(value) is str:
                if not value or value.isspace():
                    continue
            elif slot in _TEXTS:
                value = text(value)  # noqa: PLW2901 - the same value, as the text it is
            if value is not None:
                found[slot] = value
                orders[slot] = order
        elif (place := PLACES.get(key)) is not None:
            heard.hear(place, value)
        elif key.startswith(semconv.TAG_PREFIX):
            heard.tags[tag_name(key)] = value
    return found


def text_in(found: Found, slot: str) -> str | None:
    """Return what stands in a text slot: nothing but text gets there."""
    value = found.get(slot)
    return value if isinstance(value, str) else None


def tree_of(value: AttributeValue, notation: str) -> Any:
    """Read an attribute that holds an object: a map as it is, text as JSON or, for ``python``, as a repr.

    None for text that is neither or too long to be a usage object. Never raises.
    """
    if not isinstance(value, str):
        return value if isinstance(value, dict) else None
    if len(value) > LONGEST_RAW:
        return None
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError:
        if notation == "json":
            return None
    try:
        return ast.literal_eval(value)
    except (ValueError, SyntaxError, RecursionError, MemoryError, TypeError):
        return None


def look_inside(dialect: Dialect, attributes: Mapping[str, AttributeValue], found: Found) -> None:
    """Fill slots that are still empty from inside attributes that hold objects."""
    trees: dict[str, Any] = {}
    for inner in dialect.inside:
        value = attributes.get(inner.key)
        if value is None or inner.slot in found:
            continue
        if inner.key not in trees:
            trees[inner.key] = tree_of(value, inner.notation)
        here = (text(_at(trees[inner.key], path)) for path in inner.paths)
        first = next((one for one in here if one is not None), None)
        if first is not None:
            found[inner.slot] = first


def _at(tree: Any, path: tuple[str, ...]) -> Any:
    if not path:
        return tree
    return at(tree, path) if isinstance(tree, dict) else None
