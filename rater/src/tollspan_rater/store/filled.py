"""Counts that nobody stated, taken from their known parts: the SQL of ``rating.quantity.of_usage``."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from tollspan_rater.rating.quantity import FILLED

PARTS: Final = dict(FILLED)


def filled(name: str, silent: Collection[str] = ()) -> str:
    """Return the SQL of a count that is taken from its known parts where nobody stated it.

    ``silent`` counts are known in no row, so that nothing has to be asked of them.
    """
    parts = [filled(part, silent) for part in PARTS.get(name, ()) if told(part, silent)]
    if not parts:
        return name
    known = " + ".join(f"coalesce({part}, 0)" for part in parts)
    any_known = " OR ".join(f"{part} IS NOT NULL" for part in parts)
    return f"coalesce({name}, CASE WHEN {any_known} THEN {known} END)"


def told(name: str, silent: Collection[str]) -> bool:
    """Tell whether any row may know a count, or a part of it."""
    return name not in silent or any(told(part, silent) for part in PARTS.get(name, ()))
