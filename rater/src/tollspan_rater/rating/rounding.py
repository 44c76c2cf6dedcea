"""The one rounding point. The ledger books differences of rounded amounts, so any number of part-bills is one bill."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal, localcontext

from tollspan_rater.domain.money import exact_sum, minor_unit
from tollspan_rater.pricing.rounding_rule import MODES, RoundingRule
from tollspan_rater.rating.amount import Step


def rounded(exact: Decimal, currency: str, mode: str = "half_up") -> Decimal:
    """Round an exact amount to the currency's minor unit; ``mode`` is a word of ``rounding_rule.MODES``."""
    with localcontext() as context:
        context.prec = 80
        return exact.quantize(minor_unit(currency), rounding=MODES[mode])


def by_rule(rule: RoundingRule, exact: Decimal, steps: Sequence[Step], currency: str) -> Decimal:
    """Return what a plan's rule makes of a line's exact amount, or of its exact steps."""
    if rule.at == "step":
        return exact_sum(rounded(step.amount, currency, rule.mode) for step in steps)
    return rounded(exact, currency, rule.mode)
