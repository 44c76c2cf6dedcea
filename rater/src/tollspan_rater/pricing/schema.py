"""The JSON Schema of pricing files, so that editors complete and check them while they are written."""

from __future__ import annotations

from typing import Any

from tollspan_rater.pricing.card_schema import card_schema, price_schema
from tollspan_rater.pricing.plan_schema import addon_schema, plan_schema, terms_schema
from tollspan_rater.pricing.schema_shape import NUMBER_SCHEMA


def json_schema() -> dict[str, Any]:
    """Return the schema (draft 2020-12) of one document of a pricing file."""
    card = card_schema()
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "tollspan pricing: a rate card, a plan, an add-on, or one customer's terms",
        "oneOf": [card, plan_schema(), addon_schema(), terms_schema(card)],
        "$defs": {"number": NUMBER_SCHEMA, "price": price_schema()},
    }
