"""The JSON Schema of usage events, made from the table of their fields."""

from __future__ import annotations

from typing import Any, Final

from tollspan import semconv
from tollspan.event_fields import FIELDS, OUTCOMES, REQUIRED, SCHEMA_ID, Kind

_DECIMAL: Final = {"type": "string", "pattern": r"^[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?$"}
_KINDS: Final[dict[Kind, dict[str, Any]]] = {
    "text": {"type": ["string", "integer", "null"], "maxLength": 1024},
    "count": {
        "anyOf": [{"type": "integer", "minimum": 0}, {"type": "string", "pattern": "^[0-9]*$"}, {"type": "null"}]
    },
    "decimal": {"anyOf": [{"type": "number", "minimum": 0}, _DECIMAL, {"enum": ["", None]}]},
    "truth": {"enum": [True, False, "true", "false", "yes", "no", "1", "0", 1, 0, "", None]},
    "time": {"type": "string", "format": "date-time"},
    "milliseconds": {"anyOf": [{"type": "number", "minimum": 0}, _DECIMAL, {"enum": ["", None]}]},
    "outcome": {"enum": [*OUTCOMES, "", None]},
    "tags": {
        "type": ["object", "null"],
        "maxProperties": semconv.MAX_TAGS,
        "additionalProperties": {"type": ["string", "integer"]},
    },
}


def schema() -> dict[str, Any]:
    """Return the schema; names beside the first one of a field are allowed and described, unknown fields ignored."""
    properties: dict[str, Any] = {}
    for field in FIELDS:
        properties[field.name] = {"description": field.meaning, **_KINDS[field.kind]}
        for alias in field.aliases:
            properties[alias] = {"description": f"another name of {field.name}", **_KINDS[field.kind]}
    required = [{"anyOf": [{"required": [name]} for name in _names(one)]} for one in REQUIRED]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": SCHEMA_ID,
        "title": "A usage event, version 1",
        "type": "object",
        "properties": properties,
        "allOf": required,
        "additionalProperties": True,
    }


def _names(name: str) -> list[str]:
    return next([field.name, *field.aliases] for field in FIELDS if field.name == name)
