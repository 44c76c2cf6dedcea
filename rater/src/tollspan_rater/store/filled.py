"""Counts that nobody stated, taken from their known parts: the SQL of ``rating.quantity.of_usage``."""

from __future__ import annotations

from tollspan_rater.rating.quantity import FILLED


def filled(name: str) -> str:
    """Return the SQL of a count that is taken from its known parts where nobody stated it."""
    for parent, parts in FILLED:
        if parent == name:
            known = " + ".join(f"coalesce({filled(part)}, 0)" for part in parts)
            any_known = " OR ".join(f"{filled(part)} IS NOT NULL" for part in parts)
            return f"coalesce({name}, CASE WHEN {any_known} THEN {known} END)"
    return name
