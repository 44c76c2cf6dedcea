"""Balanced postings: what a line of a statement means in accounts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from tollspan_rater.domain.money import EXACT
from tollspan_rater.rating.line import Line


@dataclass(frozen=True, slots=True)
class Posting:
    """One leg of an entry: a debit is positive, a credit negative; ``line_id`` is the line that caused it.

    Accounts are ``receivable/CUSTOMER``, ``revenue/KIND`` and ``rounding/CURRENCY``.
    """

    account: str
    currency: str
    amount: Decimal
    line_id: str


def postings_of(customer: str, line: Line, revenue: str) -> tuple[Posting, ...]:
    """Return the postings of a line, which sum to zero.

    The customer owes the rounded amount, the exact one is earned (``revenue`` names as what), and what rounding
    added or took stands on an account of its own. An amount of zero posts nothing.
    """
    lost = EXACT.subtract(line.amount_exact, line.amount)
    legs = (
        (f"receivable/{customer}", line.amount),
        (f"revenue/{revenue}", line.amount_exact.copy_negate()),
        (f"rounding/{line.currency}", lost),
    )
    return tuple(Posting(account, line.currency, amount, line.line_id) for account, amount in legs if amount)


def balances(postings: Iterable[Posting]) -> dict[tuple[str, str], Decimal]:
    """Return the balance of each (account, currency), sorted; one that is settled stays with zero."""
    found: dict[tuple[str, str], Decimal] = {}
    for posting in postings:
        key = (posting.account, posting.currency)
        found[key] = EXACT.add(found.get(key, Decimal(0)), posting.amount)
    return dict(sorted(found.items()))


def out_of_balance(postings: Iterable[Posting]) -> dict[str, Decimal]:
    """Return by how much the postings of each currency miss zero; empty when they balance."""
    sums: dict[str, Decimal] = {}
    for posting in postings:
        sums[posting.currency] = EXACT.add(sums.get(posting.currency, Decimal(0)), posting.amount)
    return {currency: amount for currency, amount in sums.items() if amount}
