"""A customer's November, closed with what was known then, and everything that comes later."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from decimal import Decimal

from rating.bills import NOVEMBER, bill
from tollspan_rater.domain.money import exact_sum
from tollspan_rater.ledger.adjustment import Adjustment, adjustments, standing
from tollspan_rater.ledger.statement import Statement, booked_of, closing
from tollspan_rater.pricing.period import Period, period
from tollspan_rater.rating.line import RatedPeriod, UsageGroup

OWNER = "test/acme"


def month(number: int) -> Period:
    """The number-th month after November 2026."""
    years, months = divmod(number + 10, 12)
    return period(f"{2026 + years}-{months + 1:02}", "UTC")


def nothing(into: Period) -> RatedPeriod:
    """A month without usage and fees."""
    return replace(bill("  - {input: 1}\n", ""), period=into, lines=())


def due(into: Period, now: RatedPeriod, statements: Sequence[Statement]) -> tuple[Adjustment, ...]:
    """What is to be booked so that November is what it comes to now."""
    return adjustments(OWNER, into, standing(NOVEMBER, now.lines), booked_of(NOVEMBER, statements))


def book(statements: list[Statement], now: RatedPeriod) -> None:
    """Close November with a bill; when it is closed, the next month with what adjusts November to the bill."""
    if not statements:
        statements.append(closing("acme", 1, now))
        return
    into = month(len(statements))
    statements.append(closing("acme", len(statements) + 1, nothing(into), due(into, now, statements)))


def in_parts(card: str, plan: str, parts: Sequence[Sequence[UsageGroup]]) -> list[Statement]:
    """Book November with the first part of its usage, and again each time that another part comes."""
    statements: list[Statement] = []
    known: list[UsageGroup] = []
    for part in parts:
        known.extend(part)
        book(statements, bill(card, plan, *known))
    return statements


def amounts_booked(bills: Iterable[RatedPeriod]) -> list[Decimal]:
    """Book November as each of its bills in turn; return what each statement asks for."""
    statements: list[Statement] = []
    for now in bills:
        book(statements, now)
    return [exact_sum(money.amount for money in statement.totals) for statement in statements]
