"""The JSON Schemas of plans, add-ons and customers' terms."""

from __future__ import annotations

from typing import Any, Final

from tollspan import semconv
from tollspan_rater.pricing.addon import ADDON_KEYS
from tollspan_rater.pricing.base_fee import ALLOCATIONS
from tollspan_rater.pricing.card import PRICES_KEYS
from tollspan_rater.pricing.cycle import INTERVALS
from tollspan_rater.pricing.discount import KINDS
from tollspan_rater.pricing.plan import ANCHORS, PLAN_KEYS
from tollspan_rater.pricing.plan import TERMS as PLAN_TERMS
from tollspan_rater.pricing.policy import ATTEMPTS, Reason
from tollspan_rater.pricing.rounding_rule import MODES, POINTS
from tollspan_rater.pricing.schema_shape import (
    COUNT,
    CURRENCY_SCHEMA,
    DAY,
    NAME_SCHEMA,
    NUMBER_REF,
    SWITCH,
    TEXT,
    TEXTS,
    short_or,
    table,
    word,
)
from tollspan_rater.pricing.terms import TERMS_KEYS


def _amount(**more: Any) -> dict[str, Any]:
    """An amount of money, or a mapping with the amount and whether it is prorated."""
    return short_or(NUMBER_REF, table({"amount": NUMBER_REF, "prorate": SWITCH, **more}, ("amount",)))


def _policy() -> dict[str, Any]:
    treatment = table(
        {"on_invoice": SWITCH, "counts_toward_quota": SWITCH, "reason": word(tuple(Reason))},
        ("on_invoice", "counts_toward_quota", "reason"),
    )
    rules = {"type": "object", "additionalProperties": treatment}
    return table(
        {
            "attempts": word(ATTEMPTS),
            "environment": rules,
            "phase": rules,
            "outcome": table(dict.fromkeys(semconv.OUTCOMES, treatment)),
            "quality": table(dict.fromkeys(semconv.QUALITIES, treatment)),
        }
    )


def _included() -> dict[str, Any]:
    rollover = short_or(COUNT, table({"periods": COUNT, "max": NUMBER_REF}, ("periods",)))
    spelt = table({"quantity": NUMBER_REF, "rollover": rollover, "prorate": SWITCH}, ("quantity",))
    return {"type": "object", "additionalProperties": short_or(NUMBER_REF, spelt)}


def _discount() -> dict[str, Any]:
    return table(
        {**dict.fromkeys(KINDS, NUMBER_REF), "on": TEXTS, "periods": COUNT, "name": TEXT, "prorate": SWITCH},
        oneOf=[{"required": [kind]} for kind in KINDS],
    )


SCHEMAS: Final[dict[str, Any]] = {
    "title": TEXT,
    "currency": CURRENCY_SCHEMA,
    "cards": {"anyOf": [TEXT, {"type": "array", "items": TEXT, "minItems": 1}]},
    "zone": TEXT,
    "base_fee": _amount(allocate=word(ALLOCATIONS)),
    "included": _included(),
    "every": word(INTERVALS),
    "anchor": word(ANCHORS),
    "trial": short_or(COUNT, table({"days": COUNT, "base_fee": SWITCH}, ("days",))),
    "discounts": {"type": "array", "items": _discount()},
    "minimum": _amount(),
    "maximum": _amount(),
    "commitment": _amount(overage_factor=NUMBER_REF, true_up=SWITCH),
    "rounding": table({"at": word(POINTS), "mode": word(tuple(MODES))}),
    "policy": _policy(),
}


def plan_schema() -> dict[str, Any]:
    """Return the schema of a plan."""
    return _document({"plan": NAME_SCHEMA}, PLAN_KEYS, ("plan", "currency", "cards"))


def addon_schema() -> dict[str, Any]:
    """Return the schema of an add-on."""
    return _document({"addon": NAME_SCHEMA, "fee": _amount()}, ADDON_KEYS, ("addon", "currency"))


def terms_schema(card: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a customer's terms; its prices are written as in a card."""
    own = {"terms": TEXT, "from": DAY, **{key: card["properties"][key] for key in PRICES_KEYS}}
    return _document(own, TERMS_KEYS, ("terms",), anyOf=[{"required": [key]} for key in ("prices", *PLAN_TERMS)])


def _document(own: dict[str, Any], keys: tuple[str, ...], required: tuple[str, ...], **more: Any) -> dict[str, Any]:
    known = SCHEMAS | own
    return table({key: known[key] for key in keys}, required, **more)
