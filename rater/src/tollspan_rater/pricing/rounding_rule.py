"""Rounding rules: where a bill is rounded to the currency's minor unit, and which way."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, ROUND_HALF_UP, ROUND_UP
from typing import Final

from tollspan_rater.pricing.document import Node
from tollspan_rater.pricing.reading import Reading

POINTS: Final = ("line", "step", "invoice")
MODES: Final = {
    "half_up": ROUND_HALF_UP,  # halves away from zero
    "half_even": ROUND_HALF_EVEN,
    "up": ROUND_UP,  # away from zero
    "down": ROUND_DOWN,  # toward zero
}


@dataclass(frozen=True, slots=True)
class RoundingRule:
    """``at`` each line, each step of a line, or once at the invoice; ``mode`` is a word of ``MODES``."""

    at: str = "line"
    mode: str = "half_up"


def read_rounding(node: Node | None, reading: Reading) -> RoundingRule:
    """Read ``{at, mode}``."""
    table = reading.table(node, "rounding") if node is not None else None
    if table is None:
        return RoundingRule()
    reading.only(table, ("at", "mode"), "rounding")
    return RoundingRule(
        reading.choice(table.entries.get("at"), "at", POINTS, "line"),
        reading.choice(table.entries.get("mode"), "mode", tuple(MODES), "half_up"),
    )
