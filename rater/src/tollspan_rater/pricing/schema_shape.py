"""Shapes that the schemas of all pricing documents are made of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from tollspan_rater.pricing.card import NAME
from tollspan_rater.pricing.reading import COUNTS, CURRENCY, NUMBER, YES_NO

NUMBER_SCHEMA: Final[dict[str, Any]] = {
    "anyOf": [{"type": "number", "minimum": 0}, {"type": "string", "pattern": f"^({NUMBER.pattern})$"}],
}
NUMBER_REF: Final = {"$ref": "#/$defs/number"}
TEXT: Final = {"type": "string"}
TEXTS: Final = {"anyOf": [TEXT, {"type": "array", "items": TEXT}]}
SWITCH: Final = {"enum": [True, False, *YES_NO]}  # to YAML 1.2, as most editors read it, yes and no are texts
COUNT: Final = {"type": "integer", "minimum": COUNTS[0], "maximum": COUNTS[-1]}
DAY: Final = {"type": "string", "format": "date"}
NAME_SCHEMA: Final = {"type": "string", "pattern": f"^{NAME.pattern}$"}
CURRENCY_SCHEMA: Final = {"type": "string", "pattern": f"^{CURRENCY.pattern}$"}


def table(properties: dict[str, Any], required: Sequence[str] = (), **more: Any) -> dict[str, Any]:
    """Return the schema of a mapping that has these keys and no others."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
        **more,
    }


def word(choices: Sequence[str]) -> dict[str, Any]:
    """Return the schema of one of a closed list of words."""
    return {"enum": list(choices)}


def short_or(short: dict[str, Any], long: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a value that is written as one scalar, or spelt out as a mapping."""
    return {"anyOf": [short, long]}
