"""A line of a bill as its customer may read it: a price made of the provider's cost does not tell that cost."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from tollspan_rater.query.answer import Cell
from tollspan_rater.rating.cost_plus import COST_STEP, NAME


def without_cost(row: Mapping[str, Cell]) -> dict[str, Cell]:
    """Return the row with one step in the place of those that lead from the provider's cost to the amount."""
    steps = row.get("steps")
    if not isinstance(steps, list) or not any(str(step).startswith(COST_STEP) for step in steps):
        return dict(row)
    amount = Decimal(str(row["amount_exact"]))
    why = str(row["why"]).replace(f"by {NAME} price", "at the agreed price")
    return {**row, "why": why, "steps": [f"at the agreed price = {amount:f}"]}
