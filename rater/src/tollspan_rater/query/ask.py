"""The one place where questions are answered."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

import duckdb

from tollspan_rater.config.sources import Resolved
from tollspan_rater.domain.clock import Clock
from tollspan_rater.errors import NotFoundError
from tollspan_rater.query import care
from tollspan_rater.query.accounts import Accounts
from tollspan_rater.query.answer import Answer
from tollspan_rater.query.audit import audit
from tollspan_rater.query.calls import calls
from tollspan_rater.query.duplicates import duplicates
from tollspan_rater.query.explain import explain
from tollspan_rater.query.inexact import inexact
from tollspan_rater.query.invoice import invoice, lines
from tollspan_rater.query.margin import margin
from tollspan_rater.query.meters import meters_show
from tollspan_rater.query.moment import last_instant_ns, last_position, position_at
from tollspan_rater.query.prices import pricing_show
from tollspan_rater.query.questions import question as known
from tollspan_rater.query.scope import PiecesAt, Scope
from tollspan_rater.query.settings import config_answer
from tollspan_rater.query.usage import usage
from tollspan_rater.query.wording import instant
from tollspan_rater.store.as_of import cut_at
from tollspan_rater.store.database import Database
from tollspan_rater.store.folder import Folder
from tollspan_rater.store.names import Names

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
    ) -> None:
        self._database, self._names, self._resolved = database, names, resolved
        self._folder, self._clock, self._pieces_at = folder, clock, pieces_at

    def ask(self, question: str, params: Params, *, tenant: str) -> Answer:
        """Answer a question whose parameters were read by its table."""
        known(question)
        if question == "config.show":
            return config_answer(self._resolved)
        with self._database.snapshot() as connection:
            now_ns = self._clock.now_ns()
            if "as_of" not in params:
                return self._answer(question)(self._scope(connection, params, tenant, now_ns), params)
            zone = self._scope(connection, params, tenant, now_ns).zone
            cut_at(connection, position_at(connection, params["as_of"], zone, now_ns))
            then_ns = last_instant_ns(connection)
            answer = self._answer(question)(self._scope(connection, params, tenant, then_ns), params)
            words = f"as it was known at journal position {answer.as_of}, {instant(then_ns)}"
            return replace(answer, notes=[*answer.notes, words])

    def _scope(self, connection: duckdb.DuckDBPyConnection, params: Params, tenant: str, now_ns: int) -> Scope:
        """Return what a question is asked of, as the connection sees it; its zone is that of the one customer."""
        zone = self._resolved.config.zone
        accounts = Accounts(connection, tenant, zone)
        if "customer" in params:
            zone = accounts.zone(params["customer"])
        return Scope(connection, accounts, last_position(connection), zone, self._names, now_ns, self._pieces_at)

    def _answer(self, question: str) -> Callable[[Scope, Params], Answer]:
        if question in _OF_CALLS:
            return _OF_CALLS[question]
        others: dict[str, Callable[[Scope, Params], Answer]] = {
            "invoice": invoice,
            "lines": lines,
            "audit": lambda scope, params: audit(scope, params, self._folder),
            "quarantine.list": care.quarantine_list,
            "quarantine.show": care.quarantine_show,
            "customers.list": care.customers_list,
            "keys.list": care.keys_list,
            "pricing.show": pricing_show,
            "meters.show": meters_show,
        }
        if question not in others:
            raise NotFoundError("question", question, "tollspan --help lists the commands.")
        return others[question]


_OF_CALLS: Final[Mapping[str, Callable[[Scope, Params], Answer]]] = {
    "usage": usage,
    "calls": calls,
    "margin": margin,
    "inexact": inexact,
    "duplicates": duplicates,
    "explain": explain,
}
