"""What is left of an included allowance in a period."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from tollspan_rater.domain.money import EXACT
from tollspan_rater.pricing.period import Period


@dataclass(frozen=True, slots=True)
class AllowanceLeft:
    """The state of an allowance: ``remaining`` or ``over`` is zero; it starts anew at ``resets_at_ns``."""

    plan: str
    meter: str
    limit: Decimal
    used: Decimal
    remaining: Decimal
    over: Decimal
    resets_at_ns: int

    @property
    def inside(self) -> bool:
        """Tell whether the use is within the limit; exactly at the limit is inside."""
        return not self.over


def left_of(plan: str, meter: str, limit: Decimal, used: Decimal, period: Period) -> AllowanceLeft:
    """Compare what was used in a period with the limit. Negative use, after corrections, adds to what remains."""
    difference = EXACT.subtract(limit, used)
    zero = Decimal(0)
    return AllowanceLeft(
        plan=plan,
        meter=meter,
        limit=limit,
        used=used,
        remaining=max(difference, zero),
        over=max(difference.copy_negate(), zero),
        resets_at_ns=period.end_ns,
    )
