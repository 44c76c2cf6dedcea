"""Amounts to hand over: the lines of closed statements, with the adjustments of earlier periods among them."""

from __future__ import annotations

from collections.abc import Iterator

from tollspan_rater.export.bucket import stamp_of
from tollspan_rater.export.contract import Contract
from tollspan_rater.export.draft import Draft, Service
from tollspan_rater.export.plan import Planned
from tollspan_rater.ledger.adjustment import Corrected
from tollspan_rater.ledger.statement import Statement
from tollspan_rater.pricing.model import shortest
from tollspan_rater.pricing.period import Period
from tollspan_rater.query.books import Books
from tollspan_rater.query.scope import Scope
from tollspan_rater.rating.line import Line


def statement_lines(
    scope: Scope, contract: Contract, span: tuple[int | None, int | None] = (None, None), period: str | None = None
) -> Iterator[Planned]:
    """Yield every line of the statements whose period began in a span of time, or has a label, oldest first.

    A line says that it happened when its statement's period began, an adjustment of an earlier period as well: that
    one is closed, here and there.
    """
    books = Books(scope)
    start, end = span
    for customer in sorted(books.closes):
        for statement in books.statements(customer):
            of = statement.period
            after = start is None or of.start_ns >= start
            before = end is None or of.start_ns < end
            if after and before and period in {None, of.label}:
                stamp_ns = stamp_of(_service(of), contract, scope.now_ns)
                yield from (Planned(draft, stamp_ns) for draft in _drafts(statement))


def _drafts(statement: Statement) -> Iterator[Draft]:
    corrected = {one.line.line_id: one.corrects for one in statement.adjustments}
    for line in statement.whole.lines:
        yield _draft(statement, line, corrected.get(line.line_id))


def _draft(statement: Statement, line: Line, corrects: Corrected | None) -> Draft:
    return Draft(
        source="amount",
        customer=statement.customer,
        component=line.line_id,
        ordinal=0,
        service=_service(statement.period if corrects is None else corrects.period),
        meter=line.meter or "",
        description=line.description,
        quantity=shortest(line.quantity),
        amount=line.amount,
        amount_exact=shortest(line.amount_exact),
        currency=line.currency,
        kind=line.kind,
        unit_price=None if line.unit_price is None else shortest(line.unit_price),
        plan=line.plan,
        price_version=line.price_version,
        corrects=None if corrects is None else corrects.line_id,
        period=statement.period.label,
        period_start_ns=statement.period.start_ns,
        period_end_ns=statement.period.end_ns,
        cutoff=statement.cutoff,
    )


def _service(period: Period) -> Service:
    return Service(period.label, period.zone, period.start_ns, period.end_ns)
