"""What a span states in its own words: the attributes that reading it looks at, and what each is taken for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from tollspan import semconv
from tollspan_rater.domain.span import AttributeValue, Span
from tollspan_rater.extract.aliases import PLACES, TAGS, tag_name
from tollspan_rater.extract.dialects.registry import REGISTRY
from tollspan_rater.extract.dialects.table import Dialect

LONGEST: Final = 400  # characters of a value that are shown; a usage object is rarely longer
PROOF: Final = "proof"  # tells the dialect or the role, or holds a usage object


@dataclass(frozen=True, slots=True)
class Stated:
    """``values`` are attribute name -> value as text, ``taken_for`` the same names -> slot of usage or attribution.

    ``dialect`` is the table that reads the span today.
    """

    dialect: str
    values: Mapping[str, str]
    taken_for: Mapping[str, str]


def stated(span: Span) -> Stated:
    """Return what a span and its resource (names with ``resource.`` before them) state that matters to reading."""
    dialect = REGISTRY.dialect_of(span)
    own = {key: (value, _slot(dialect, key)) for key, value in span.attributes.items()}
    resource = {f"resource.{key}": (value, _said(key)) for key, value in span.resource.items()}
    found = {key: (_text(value), slot) for key, (value, slot) in sorted({**own, **resource}.items()) if slot}
    return Stated(
        dialect.label,
        {key: value for key, (value, _) in found.items()},
        {key: slot for key, (_, slot) in found.items()},
    )


def _slot(dialect: Dialect, key: str) -> str | None:
    place = dialect.places.get(key)
    if place is not None:
        return place[0]
    return _said(key) or (PROOF if key in dialect.attribute_names() else None)


def _said(key: str) -> str | None:
    if key in PLACES:
        return PLACES[key][0]
    return TAGS + tag_name(key) if key.startswith(semconv.TAG_PREFIX) else None


def _text(value: AttributeValue) -> str:
    text = value.hex() if isinstance(value, bytes) else str(value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}... ({len(text)} characters)"
