"""The one place where questions are answered."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Final

import duckdb

from tollspan_rater.config.sources import Resolved
from tollspan_rater.domain.clock import Clock
from tollspan_rater.errors import NotFoundError
from tollspan_rater.query import care, statements
from tollspan_rater.query.accounts import Accounts
from tollspan_rater.query.allocation import allocation
from tollspan_rater.query.allowance import allowance
from tollspan_rater.query.answer import Answer
from tollspan_rater.query.audit import audit
from tollspan_rater.query.begins import with_begins
from tollspan_rater.query.bill import heard_of
from tollspan_rater.query.calls import calls
from tollspan_rater.query.carried import carried_from
from tollspan_rater.query.contradictions import contradictions
from tollspan_rater.query.corrections import corrections_list
from tollspan_rater.query.duplicates import duplicates
from tollspan_rater.query.explain import explain
from tollspan_rater.query.imported_revenue import revenue_list
from tollspan_rater.query.inexact import inexact
from tollspan_rater.query.invoice import invoice, lines
from tollspan_rater.query.latency import latency
from tollspan_rater.query.leakage import leakage
from tollspan_rater.query.margin import margin
from tollspan_rater.query.meters import meters_show
from tollspan_rater.query.moment import last_entry, position_at
from tollspan_rater.query.prices import pricing_show
from tollspan_rater.query.pricing_diff import pricing_diff
from tollspan_rater.query.questions import question as known
from tollspan_rater.query.scope import PiecesAt, Scope
from tollspan_rater.query.selection import refuse_backward
from tollspan_rater.query.settings import config_answer
from tollspan_rater.query.simulation import pricing_simulate
from tollspan_rater.query.usage import usage
from tollspan_rater.query.wording import instant
from tollspan_rater.store.as_of import cut_at
from tollspan_rater.store.database import Database
from tollspan_rater.store.day_sums import DaySums
from tollspan_rater.store.folder import Folder
from tollspan_rater.store.names import Names
from tollspan_rater.store.state import last_set
from tollspan_rater.store.weighed import LEGS

Params = Mapping[str, str]


class Asker:
    """Answers every question of the table about one data folder; each answer sees one committed state."""

    def __init__(
        self,
        database: Database,
        names: Names,
        resolved: Resolved,
        folder: Folder,
        clock: Clock,
        pieces_at: PiecesAt,
        day_sums: DaySums | None = None,
    ) -> None:
        self._database, self._names, self._resolved = database, names, resolved
        self._folder, self._clock, self._pieces_at = folder, clock, pieces_at
        self._day_sums = day_sums
        self._accounts: dict[str, tuple[tuple[int | None, ...], Accounts]] = {}

    def ask(self, question: str, params: Params, *, tenant: str) -> Answer:
        """Answer a question whose parameters were read by its table."""
        known(question)
        if question == "config.show":
            return config_answer(self._resolved, tenant=tenant)
        with self.scope(tenant, params.get("customer"), params.get("as_of"), params.get("zone")) as scope:
            refuse_backward(params, scope.zone)
            answer = with_begins(self._answer(question)(scope, params), params)
            if not answer.rows and "customer" in params and not heard_of(scope, params["customer"]):
                words = f"no customer {params['customer']!r} is known: tollspan customers list shows who there is"
                answer = replace(answer, notes=[*answer.notes, words])
            if "as_of" not in params:
                return answer
            words = f"as it was known at journal position {scope.as_of}, {instant(scope.now_ns)}"
            return replace(answer, notes=[*answer.notes, words])

    @contextmanager
    def scope(
        self, tenant: str, customer: str | None = None, as_of: str | None = None, zone: str | None = None
    ) -> Iterator[Scope]:
        """Give what questions are asked of: one committed state, in a time zone or that of a customer, if one is named.

        ``as_of`` is the moment whose knowledge is asked for (:func:`tollspan_rater.query.moment.position_at`).
        """
        with self._database.snapshot() as connection:
            last, at_ns = last_entry(connection)
            scope = self._scope(connection, tenant, customer, zone, last)
            if as_of is not None:
                position = position_at(connection, as_of, scope.zone, scope.now_ns, last)
                if position < last:
                    cut_at(connection, position)
                    last, at_ns = last_entry(connection)
                    scope = self._scope(connection, tenant, customer, zone, last)
                scope = replace(scope, now_ns=at_ns)
            yield scope

    def _scope(
        self, connection: duckdb.DuckDBPyConnection, tenant: str, customer: str | None, zone: str | None, as_of: int
    ) -> Scope:
        configured = self._resolved.config.zone
        accounts = self._known_accounts(connection, tenant)
        at = zone or (configured if customer is None else accounts.zone(customer))
        sums = LEGS if self._day_sums is None else self._day_sums.weighed(connection, tenant, as_of)
        return Scope(connection, accounts, as_of, at, self._names, self._clock.now_ns(), self._pieces_at, sums)

    def _known_accounts(self, connection: duckdb.DuckDBPyConnection, tenant: str) -> Accounts:
        """Return customers and prices as the connection sees them; they are read once until something is set."""
        mark, carry = last_set(connection, tenant), carried_from(connection)
        known = self._accounts.get(tenant)
        if known is None or known[0] != mark:
            known = mark, Accounts(connection, tenant, self._resolved.config.zone, carry=carry)
            self._accounts[tenant] = known
        return known[1].again(connection, carry)

    def _answer(self, question: str) -> Callable[[Scope, Params], Answer]:
        if question in _OF_CALLS:
            return _OF_CALLS[question]
        others: dict[str, Callable[[Scope, Params], Answer]] = {
            "invoice": invoice,
            "allowance": allowance,
            "statements.list": statements.statements_list,
            "statements.show": statements.statements_show,
            "ledger": statements.ledger,
            "lines": lines,
            "audit": lambda scope, params: audit(scope, params, self._folder),
            "allocation": lambda scope, params: allocation(scope, params, self._resolved.config.allocation),
            "quarantine.list": care.quarantine_list,
            "quarantine.show": care.quarantine_show,
            "customers.list": care.customers_list,
            "corrections.list": corrections_list,
            "keys.list": care.keys_list,
            "pricing.show": pricing_show,
            "pricing.diff": pricing_diff,
            "pricing.simulate": pricing_simulate,
            "revenue.list": revenue_list,
            "meters.show": meters_show,
        }
        if question not in others:
            raise NotFoundError("question", question, "tollspan --help lists the commands.")
        return others[question]


_OF_CALLS: Final[Mapping[str, Callable[[Scope, Params], Answer]]] = {
    "usage": usage,
    "calls": calls,
    "margin": margin,
    "leakage": leakage,
    "latency": latency,
    "inexact": inexact,
    "duplicates": duplicates,
    "contradictions": contradictions,
    "explain": explain,
}
