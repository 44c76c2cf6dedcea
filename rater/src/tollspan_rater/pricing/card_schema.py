"""The JSON Schema of rate cards: entries of prices, price models and their options, declared meters."""

from __future__ import annotations

from typing import Any, Final

from tollspan_rater.pricing.card import CARD_KEYS
from tollspan_rater.pricing.match import DIMENSIONS, TAG
from tollspan_rater.pricing.meter import AGGREGATES
from tollspan_rater.pricing.model import PER
from tollspan_rater.pricing.price_entry import FALLBACKS, MAX_PRIORITY
from tollspan_rater.pricing.price_reading import MAX_FREE_EVENTS, PACKAGE_ROUNDS
from tollspan_rater.pricing.schema_shape import CURRENCY_SCHEMA, NAME_SCHEMA, NUMBER_REF, SWITCH, TEXT, table, word
from tollspan_rater.pricing.tree import KNOWN_METERS
from tollspan_rater.pricing.unit_rule import MAX_DECIMALS, ROUNDS

PER_SCHEMA: Final = {"enum": [1, *PER]}
PRICE_REF: Final = {"$ref": "#/$defs/price"}


def price_schema() -> dict[str, Any]:
    """Return the schema of what stands behind a meter: a number, or one price model with its options."""
    number = NUMBER_REF
    models = {
        "price": number,
        "graduated": _steps({"up_to": number, "price": number, "flat": number}, "price"),
        "volume": _steps({"up_to": number, "price": number, "flat": number}, "price"),
        "stairstep": _steps({"up_to": number, "amount": number}, "amount"),
        "package": table(
            {"size": number, "price": number, "free": number, "round": word(PACKAGE_ROUNDS)}, ("size", "price")
        ),
        "flat": number,
        "percentage": _percentage(),
        "cost_plus": table({"markup": number, "margin": number, "per": PER_SCHEMA}),
    }
    options = {"per": PER_SCHEMA, "unit": _unit(), "zero_flat": SWITCH}
    one_model = [{"required": [name]} for name in models]
    return {"anyOf": [number, table({**models, **options}, oneOf=one_model)]}


def card_schema() -> dict[str, Any]:
    """Return the schema of one rate card."""
    known = {
        "card": NAME_SCHEMA,
        "title": TEXT,
        "currency": CURRENCY_SCHEMA,
        "per": PER_SCHEMA,
        "fallback": word(FALLBACKS),
        "meters": _meters(),
        "prices": {"type": "array", "items": _entry()},
    }
    return table({key: known[key] for key in CARD_KEYS}, ("card", "currency", "prices"))


def _entry() -> dict[str, Any]:
    factors = dict.fromkeys(KNOWN_METERS, NUMBER_REF)
    convert = {
        "type": "object",
        "properties": {"to": TEXT, "per": PER_SCHEMA, **factors},
        "required": ["to"],
        "additionalProperties": NUMBER_REF,
    }
    return {
        "type": "object",
        "properties": {
            "model": TEXT,
            "provider": TEXT,
            "match": _match(),
            "priority": {"type": "integer", "minimum": 0, "maximum": MAX_PRIORITY},
            "per": PER_SCHEMA,
            "fallback": word(FALLBACKS),
            "convert": convert,
            **dict.fromkeys(KNOWN_METERS, PRICE_REF),
        },
        "additionalProperties": PRICE_REF,
    }


def _match() -> dict[str, Any]:
    return {
        "type": "object",
        "properties": dict.fromkeys(DIMENSIONS, TEXT),
        "patternProperties": {f"^{TAG.replace('.', '[.]')}.": TEXT},
        "additionalProperties": False,
    }


def _meters() -> dict[str, Any]:
    meter = table({"aggregate": word(AGGREGATES), "of": TEXT})
    return {"anyOf": [{"type": "array", "items": TEXT}, {"type": "object", "additionalProperties": meter}]}


def _steps(keys: dict[str, Any], needed: str) -> dict[str, Any]:
    return {"type": "array", "items": table(keys, (needed,)), "minItems": 1}


def _percentage() -> dict[str, Any]:
    amounts = dict.fromkeys(("rate", "fixed", "free_amount", "min", "max"), NUMBER_REF)
    events = {"type": "integer", "minimum": 0, "maximum": MAX_FREE_EVENTS}
    return table({**amounts, "free_events": events}, ("rate",))


def _unit() -> dict[str, Any]:
    digits = {"type": "integer", "minimum": 0, "maximum": MAX_DECIMALS}
    return table({"divide": NUMBER_REF, "multiply": NUMBER_REF, "round": word(ROUNDS), "digits": digits})
