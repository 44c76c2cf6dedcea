"""What the rater answers, held against what the generator counted: equal, or the demo has failed."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final, NamedTuple

from tollspan_rater.demo.reference import Bill
from tollspan_rater.demo.sending import Sent
from tollspan_rater.demo.traffic import PlannedCall
from tollspan_rater.query.answer import Answer

COUNTS: Final = ("calls", "input_tokens", "output_tokens")
PIECES: Final = "pieces journaled"
CURRENCY: Final = "USD"
_FATE: Final = re.compile(r"([a-z]+) (\d+)")


@dataclass(frozen=True, slots=True)
class Check:
    """One number, counted by the generator and answered by the rater."""

    what: str
    counted: object
    answered: object

    @property
    def equal(self) -> bool:
        """Whether both say the same."""
        return self.counted == self.answered


class Counted(NamedTuple):
    """Calls and tokens; a count that is not stated adds nothing."""

    calls: int = 0
    input: int = 0
    output: int = 0

    def plus(self, other: Counted) -> Counted:
        """Return the sum."""
        return Counted(self.calls + other.calls, self.input + other.input, self.output + other.output)


def by_customer(calls: Iterable[PlannedCall]) -> dict[str, Counted]:
    """Count the planned calls of each customer."""
    counted: dict[str, Counted] = defaultdict(Counted)
    for call in calls:
        counted[call.customer] = counted[call.customer].plus(Counted(1, call.input or 0, call.output or 0))
    return dict(counted)


def answered(usage: Answer) -> dict[str, Counted]:
    """Read the answer to ``usage --by customer``."""
    return {str(row["customer"]): Counted(*(int(str(row[name] or 0)) for name in COUNTS)) for row in usage.rows}


def usage_checks(calls: Sequence[PlannedCall], usage: Answer) -> list[Check]:
    """Compare calls and tokens, in total and customer by customer."""
    counted, said = by_customer(calls), answered(usage)
    totals = [_total(counted), _total(said)]
    same = sum(said.get(name) == count for name, count in counted.items())
    return [
        *(Check(name.replace("_", " "), *pair) for name, *pair in zip(COUNTS, *totals, strict=True)),
        Check("customers with usage", len(counted), len(said)),
        Check("customers whose calls and tokens agree", len(counted), same),
    ]


def _total(counts: Mapping[str, Counted]) -> Counted:
    total = Counted()
    for count in counts.values():
        total = total.plus(count)
    return total


def fate_checks(sent: Sent, sdk_calls: int, audit: Answer) -> list[Check]:
    """Compare what senders sent with the fates of what arrived: each span stored once, each copy a duplicate.

    A request whose answer the kill cut off may have been journaled before it was sent again: then all of its
    spans are duplicates beyond the planned ones. So the surplus must be the sum of whole such requests.
    """
    fates = fates_of(audit)
    surplus = fates.get("duplicate", 0) - sent.copies
    resent = surplus if surplus in _sums(sent.unsure) else 0
    others = sum(count for fate, count in fates.items() if fate not in {"stored", "duplicate"})
    return [
        Check("spans stored", sent.distinct + sdk_calls, fates.get("stored", 0)),
        Check(f"duplicates ({sent.copies:,} on purpose, {resent:,} after the kill)", sent.copies + resent,
              fates.get("duplicate", 0)),
        Check("spans with any other fate", 0, others),
    ]  # fmt: skip


def fates_of(audit: Answer) -> dict[str, int]:
    """Return the number of pieces by fate, from the audit's equation of the pieces."""
    terms = next((str(row["terms"]) for row in audit.rows if str(row["equation"]).startswith(PIECES)), "")
    return {fate: int(count) for fate, count in _FATE.findall(terms)}


def _sums(sizes: Iterable[int]) -> set[int]:
    sums = {0}
    for size in sizes:
        sums |= {known + size for known in sums}
    return sums


def bill_checks(expected: Mapping[tuple[str, str], Bill], invoices: Mapping[str, Answer]) -> list[Check]:
    """Compare bills computed from the generator's list with the invoices of each month, by customer."""
    exact = rounded = 0
    said_exact = said_rounded = Fraction(0)
    for (customer, month), bill in expected.items():
        details: Any = invoices[month].details.get(customer, {})
        said = Bill(_amount(details, "exact_totals"), _amount(details, "totals"))
        exact, rounded = exact + (said.exact == bill.exact), rounded + (said.rounded == bill.rounded)
        said_exact, said_rounded = said_exact + said.exact, said_rounded + said.rounded
    count = len(expected)
    return [
        Check("bills equal to the cent", count, rounded),
        Check("bills equal to the last digit", count, exact),
        Check(f"sum of all bills, {CURRENCY}", money(sum((b.rounded for b in expected.values()), Fraction(0))),
              money(said_rounded)),
        Check(f"exact sum, {CURRENCY}", exact_money(sum((b.exact for b in expected.values()), Fraction(0))),
              exact_money(said_exact)),
    ]  # fmt: skip


def _amount(details: Mapping[str, Any], name: str) -> Fraction:
    return Fraction(str(details.get(name, {}).get(CURRENCY, "0")))


def money(amount: Fraction) -> str:
    """Write an amount of whole cents."""
    return _decimal(amount, 2)


def exact_money(amount: Fraction) -> str:
    """Write an amount that has at most 12 decimals, with all of them that matter."""
    return _decimal(amount, 12).rstrip("0").rstrip(".")


def _decimal(amount: Fraction, places: int) -> str:
    units = round(amount * 10**places)
    sign, units = ("-" if units < 0 else ""), abs(units)
    return f"{sign}{units // 10**places:,}.{units % 10**places:0{places}d}"
