"""The JSON Schema of pricing files, so that editors complete and check them while they are written."""

from __future__ import annotations

from typing import Any, Final

from tollspan_rater.pricing.card import CARD_KEYS
from tollspan_rater.pricing.model import PER
from tollspan_rater.pricing.plan_schema import addon_schema, plan_schema, terms_schema
from tollspan_rater.pricing.price_entry import FALLBACKS
from tollspan_rater.pricing.schema_shape import (
    CURRENCY_SCHEMA,
    NAME_SCHEMA,
    NUMBER_REF,
    NUMBER_SCHEMA,
    TEXT,
    table,
    word,
)
from tollspan_rater.pricing.tree import KNOWN_METERS

PER_SCHEMA: Final = {"enum": [1, *PER]}


def _price() -> dict[str, Any]:
    number = NUMBER_REF
    tier = table({"up_to": number, "price": number, "flat": number}, ("price",))
    tiers = {"type": "array", "items": tier, "minItems": 1}
    models = {
        "price": number,
        "graduated": tiers,
        "volume": tiers,
        "package": table({"size": number, "price": number, "free": number}, ("size", "price")),
        "flat": number,
    }
    one_model = [{"required": [name]} for name in models]
    return {"anyOf": [number, table({**models, "per": PER_SCHEMA}, oneOf=one_model)]}


def _card() -> dict[str, Any]:
    price = {"$ref": "#/$defs/price"}
    entry = {
        "type": "object",
        "properties": {
            "model": TEXT,
            "provider": TEXT,
            "per": PER_SCHEMA,
            "fallback": word(FALLBACKS),
            **dict.fromkeys(KNOWN_METERS, price),
        },
        "additionalProperties": price,
    }
    known = {
        "card": NAME_SCHEMA,
        "title": TEXT,
        "currency": CURRENCY_SCHEMA,
        "per": PER_SCHEMA,
        "fallback": word(FALLBACKS),
        "meters": {"type": "array", "items": TEXT},
        "prices": {"type": "array", "items": entry},
    }
    return table({key: known[key] for key in CARD_KEYS}, ("card", "currency", "prices"))


def json_schema() -> dict[str, Any]:
    """Return the schema (draft 2020-12) of one document of a pricing file."""
    card = _card()
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "tollspan pricing: a rate card, a plan, an add-on, or one customer's terms",
        "oneOf": [card, plan_schema(), addon_schema(), terms_schema(card)],
        "$defs": {"number": NUMBER_SCHEMA, "price": _price()},
    }
