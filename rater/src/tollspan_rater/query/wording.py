"""How instants and amounts are written in answers."""

from __future__ import annotations

from datetime import UTC
from decimal import Decimal

from tollspan_rater.domain.clock import from_ns
from tollspan_rater.pricing.model import shortest


def instant(at_ns: int | None) -> str | None:
    """Return an instant as ISO 8601 in UTC with microseconds, e.g. ``2026-11-21T10:00:00.000000Z``."""
    if at_ns is None:
        return None
    return from_ns(at_ns).astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def plain(amount: Decimal | None) -> Decimal | None:
    """Return the same amount in its shortest form without an exponent."""
    return None if amount is None else shortest(amount)
