"""Statements: the bill of a closed period with everything that was booked with it. They never change."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from pydantic import TypeAdapter

from tollspan_rater.domain.money import Money
from tollspan_rater.ledger.adjustment import Adjustment, Key, Standing, standing
from tollspan_rater.ledger.posting import Posting, postings_of
from tollspan_rater.pricing.period import Period
from tollspan_rater.rating.line import RatedPeriod


@dataclass(frozen=True, slots=True)
class Statement:
    """What a customer owes for a closed period, and the adjustments of earlier ones that were booked with it.

    ``bill`` is rated, by the engine of a ``release``, from everything up to the journal position ``cutoff``; what
    came later is late.
    """

    customer: str
    release: str
    cutoff: int
    bill: RatedPeriod
    adjustments: tuple[Adjustment, ...]
    postings: tuple[Posting, ...]

    @property
    def period(self) -> Period:
        """The closed period."""
        return self.bill.period

    @property
    def whole(self) -> RatedPeriod:
        """The bill with the adjustments behind its own lines: all that the customer pays."""
        return with_adjustments(self.bill, self.adjustments)

    @property
    def totals(self) -> tuple[Money, ...]:
        """The sum of the rounded lines of each currency; currencies are never added."""
        return self.whole.totals

    @property
    def exact_totals(self) -> tuple[Money, ...]:
        """The sum of the exact amounts of each currency."""
        return self.whole.exact_totals


def closing(
    customer: str, cutoff: int, bill: RatedPeriod, adjustments: tuple[Adjustment, ...] = (), release: str = ""
) -> Statement:
    """Make the statement that closes a period, with its balanced postings."""
    booked = [*((line, line.kind) for line in bill.lines), *((one.line, one.corrects.kind) for one in adjustments)]
    postings = tuple(leg for line, revenue in booked for leg in postings_of(customer, line, revenue))
    return Statement(customer, release, cutoff, bill, adjustments, postings)


def with_adjustments(bill: RatedPeriod, adjustments: tuple[Adjustment, ...]) -> RatedPeriod:
    """Return a bill with adjustments behind its own lines."""
    return replace(bill, lines=(*bill.lines, *(one.line for one in adjustments)))


def booked_of(period: Period, statements: Iterable[Statement]) -> dict[Key, Standing]:
    """Return what all statements booked of a closed period: its own lines and the adjustments that point back to it."""
    found = list(statements)
    own = (line for one in found if one.period == period for line in one.bill.lines)
    later = (adjustment for one in found for adjustment in one.adjustments if adjustment.corrects.period == period)
    return standing(period, own, later)


def to_document(statement: Statement) -> dict[str, Any]:
    """Return a statement as plain JSON values, amounts as decimal strings."""
    document: dict[str, Any] = _STATEMENT.dump_python(statement, mode="json")
    return document


def from_document(document: Mapping[str, Any]) -> Statement:
    """Read a statement that :func:`to_document` wrote, by this release or an older one."""
    return _STATEMENT.validate_python(document)


def digest_of(document: Mapping[str, Any]) -> str:
    """Return the SHA-256 of a statement's document in its one notation: keys sorted, no spaces."""
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


_STATEMENT: Final = TypeAdapter(Statement)
