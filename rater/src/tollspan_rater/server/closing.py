"""Closing periods: statements are made of one committed state, journaled whole, and never change."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from tollspan_rater.domain.entries import NewCommand
from tollspan_rater.errors import CloseRefusedError, NotFoundError
from tollspan_rater.ledger.statement import Statement, digest_of, to_document
from tollspan_rater.pipeline.commands import CLOSE
from tollspan_rater.pricing.period import Period
from tollspan_rater.query.bill import with_usage_or_plan
from tollspan_rater.query.closing import Closing, Verdict
from tollspan_rater.query.rater import Receipt
from tollspan_rater.query.scope import Scope
from tollspan_rater.store.ledger import Close

if TYPE_CHECKING:
    from tollspan_rater.server.rater import Rater

APPLIED_S: Final = 60.0  # a close waits this long for the store to come to the journal's end


def close_period(rater: Rater, body: dict[str, Any], tenant: str, actor: str) -> Receipt:
    """Close a period of one customer, or all periods of all customers that lie in the labelled time.

    May be repeated: what is closed stays as it is. Of all customers, those who cannot be closed are named with the
    reason, and the others are closed; several periods of one customer one after the other, for each builds on the
    one before it.

    Raises:
        CloseRefusedError: the audit does not hold, or the one customer's period cannot be closed; nothing was booked.
        NotFoundError: no such customer.
    """
    label, customer = body["period"], body.get("customer")
    closed: dict[tuple[str, str], str] = {}
    while True:
        with closing_of(rater, tenant) as (scope, closing):
            verdicts = closing.of_all(label) if customer is None else _of_one(scope, closing, customer, label)
            statements = statements_of(rater, closing, _oldest(verdicts))
            position = journaled(rater, statements, tenant, actor) if statements else scope.as_of
        closed |= {(one.customer, one.period.label): digest_of(to_document(one)) for one in statements}
        if not statements or _nothing_left(verdicts, closed):
            return Receipt(position, {"period": label, "periods": list(_said(verdicts, closed))})


def _nothing_left(verdicts: Mapping[tuple[str, str], Verdict], closed: Collection[tuple[str, str]]) -> bool:
    """Tell whether no period was put off because an earlier one had to be closed first."""
    return all(place in closed or isinstance(verdict, Close) for place, verdict in verdicts.items())


def _of_one(scope: Scope, closing: Closing, customer: str, label: str) -> dict[tuple[str, str], Verdict]:
    if customer not in with_usage_or_plan(scope):
        raise NotFoundError("customer", customer, "tollspan customers list shows who there is.")
    verdict = closing.of_one(customer, label)
    if isinstance(verdict, CloseRefusedError):
        raise verdict
    return {(customer, label): verdict}


def _oldest(verdicts: Mapping[tuple[str, str], Verdict]) -> list[tuple[str, Period]]:
    """Return of each customer the oldest period that may be closed."""
    found: dict[str, Period] = {}
    for (customer, _label), verdict in verdicts.items():
        if isinstance(verdict, Period):
            found.setdefault(customer, verdict)
    return list(found.items())


def _said(
    verdicts: Mapping[tuple[str, str], Verdict], closed: Mapping[tuple[str, str], str]
) -> Iterator[dict[str, str]]:
    """Yield what came of each period: the digest of what was closed now or before, or why it was not."""
    for (name, of), digest in closed.items():
        yield {"customer": name, "period": of, "state": "closed", "digest": digest}
    for (name, of), verdict in verdicts.items():
        if isinstance(verdict, Close) and (name, of) not in closed:
            yield {"customer": name, "period": of, "state": "closed before", "digest": verdict.digest}
        elif isinstance(verdict, CloseRefusedError):
            yield {"customer": name, "period": of, "state": "refused", "why": str(verdict)}


@contextmanager
def closing_of(rater: Rater, tenant: str) -> Iterator[tuple[Scope, Closing]]:
    """Give what is to be closed in one committed state that holds all that is durable; one at a time.

    Raises:
        CloseRefusedError: the store is behind the journal.
    """
    with rater.closing:
        if not rater.writer.wait_for(rater.journal.last_position, APPLIED_S):
            raise CloseRefusedError(
                "at hand", "the store is behind the journal", "Try again when tollspan audit says that they are equal."
            )
        with rater.asker.scope(tenant) as scope:
            yield scope, Closing(scope)


def statements_of(rater: Rater, closing: Closing, chosen: Sequence[tuple[str, Period]]) -> list[Statement]:
    """Return the statements of chosen periods; with none to make, nothing is asked of the audit.

    Raises:
        CloseRefusedError: an equation of the audit does not hold.
    """
    if chosen:
        closing.require_audit(chosen[0][1].label, rater.folder)
    return [closing.statement(customer, period) for customer, period in chosen]


def journaled(rater: Rater, statements: Sequence[Statement], tenant: str, actor: str) -> int:
    """Make statements durable, each a command with all that is booked; return when the store has them."""
    documents = [to_document(statement) for statement in statements]
    now_ns = rater.clock.now_ns()
    return rater.append(
        [
            NewCommand(now_ns, tenant, actor, CLOSE, {"statement": document, "digest": digest_of(document)})
            for document in documents
        ]
    )
