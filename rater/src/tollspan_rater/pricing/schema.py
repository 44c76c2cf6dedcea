"""The JSON Schema of pricing files, so that editors complete and check them while they are written."""

from __future__ import annotations

from typing import Any, Final

from tollspan import semconv
from tollspan_rater.pricing.card import CARD_KEYS, NAME
from tollspan_rater.pricing.model import PER
from tollspan_rater.pricing.plan import INTERVALS, PLAN_KEYS
from tollspan_rater.pricing.policy import ATTEMPTS, Reason
from tollspan_rater.pricing.price_entry import FALLBACKS
from tollspan_rater.pricing.reading import CURRENCY, NUMBER
from tollspan_rater.pricing.tree import KNOWN_METERS

NUMBER_SCHEMA: Final[dict[str, Any]] = {
    "anyOf": [{"type": "number", "minimum": 0}, {"type": "string", "pattern": f"^({NUMBER.pattern})$"}],
}
TEXT: Final = {"type": "string"}
NAME_SCHEMA: Final = {"type": "string", "pattern": f"^{NAME.pattern}$"}


def _table(properties: dict[str, Any], required: tuple[str, ...] = (), **more: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
        **more,
    }


def _word(choices: tuple[str, ...]) -> dict[str, Any]:
    return {"enum": list(choices)}


PER_SCHEMA: Final = {"enum": [1, *PER]}


def _price() -> dict[str, Any]:
    number = {"$ref": "#/$defs/number"}
    tier = _table({"up_to": number, "price": number, "flat": number}, ("price",))
    tiers = {"type": "array", "items": tier, "minItems": 1}
    models = {
        "price": number,
        "graduated": tiers,
        "volume": tiers,
        "package": _table({"size": number, "price": number, "free": number}, ("size", "price")),
        "flat": number,
    }
    one_model = [{"required": [name]} for name in models]
    return {"anyOf": [number, _table({**models, "per": PER_SCHEMA}, oneOf=one_model)]}


def _card() -> dict[str, Any]:
    price = {"$ref": "#/$defs/price"}
    entry = {
        "type": "object",
        "properties": {
            "model": TEXT,
            "provider": TEXT,
            "per": PER_SCHEMA,
            "fallback": _word(FALLBACKS),
            **dict.fromkeys(KNOWN_METERS, price),
        },
        "additionalProperties": price,
    }
    known = {
        "card": NAME_SCHEMA,
        "title": TEXT,
        "currency": {"type": "string", "pattern": f"^{CURRENCY.pattern}$"},
        "per": PER_SCHEMA,
        "fallback": _word(FALLBACKS),
        "meters": {"type": "array", "items": TEXT},
        "prices": {"type": "array", "items": entry},
    }
    return _table({key: known[key] for key in CARD_KEYS}, ("card", "currency", "prices"))


def _plan() -> dict[str, Any]:
    number = {"$ref": "#/$defs/number"}
    treatment = _table(
        {"on_invoice": {"type": "boolean"}, "counts_toward_quota": {"type": "boolean"}, "reason": _word(tuple(Reason))},
        ("on_invoice", "counts_toward_quota", "reason"),
    )
    rules = {"type": "object", "additionalProperties": treatment}
    policy = {
        "attempts": _word(ATTEMPTS),
        "environment": rules,
        "phase": rules,
        "outcome": _table(dict.fromkeys(semconv.OUTCOMES, treatment)),
        "quality": _table(dict.fromkeys(semconv.QUALITIES, treatment)),
    }
    known = {
        "plan": NAME_SCHEMA,
        "title": TEXT,
        "currency": {"type": "string", "pattern": f"^{CURRENCY.pattern}$"},
        "cards": {"type": "array", "items": TEXT, "minItems": 1},
        "base_fee": {"anyOf": [number, _table({"amount": number, "prorate": {"type": "boolean"}}, ("amount",))]},
        "included": {"type": "object", "additionalProperties": number},
        "every": _word(INTERVALS),
        "zone": TEXT,
        "policy": _table(policy),
    }
    return _table({key: known[key] for key in PLAN_KEYS}, ("plan", "currency", "cards"))


def json_schema() -> dict[str, Any]:
    """Return the schema (draft 2020-12) of one document of a pricing file."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "tollspan pricing: a rate card or a plan",
        "oneOf": [_card(), _plan()],
        "$defs": {"number": NUMBER_SCHEMA, "price": _price()},
    }
