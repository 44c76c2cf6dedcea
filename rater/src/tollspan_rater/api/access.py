"""Who may ask and command what: the credential decides tenant and scopes, nothing else does."""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from tollspan_rater.domain.identity import Identity
from tollspan_rater.query.answer import Answer, Cell
from tollspan_rater.query.question import Question
from tollspan_rater.query.rater import SCOPES, RaterDoor
from tollspan_rater.query.without_cost import without_cost

LOCAL_KEY: Final = "local"
TENANT_HEADER: Final = "X-Tollspan-Tenant"
ACTOR_HEADER: Final = "X-Tollspan-Actor"
PROVIDER_SIDE: Final = frozenset({"cost", "cost_currency", "reported_cost", "unknown_cost", "margin", "conflicts"})
MONEY: Final = PROVIDER_SIDE | {"charge", "revenue", "line_amount", "share_of_charge", "price_version"}


@dataclass(frozen=True, slots=True)
class View:
    """What keys of a narrow scope see: some questions, without some columns, in no order that tells of these."""

    scope: str
    questions: frozenset[str]
    hidden: frozenset[str]
    sort: str | None = None


CUSTOMER_QUESTIONS: Final = frozenset({"usage", "calls", "latency", "invoice", "allowance"})
_OF_CUSTOMERS: Final = View("customer-query", CUSTOMER_QUESTIONS, PROVIDER_SIDE)
_OF_USAGE: Final = View(
    "usage", frozenset({"usage", "calls", "latency", "allowance", "inexact"}), MONEY, "total_tokens"
)
USAGE_QUESTIONS: Final = _OF_USAGE.questions


class Denied(Exception):  # noqa: N818 - a verdict of the door with its HTTP status, not a failure of tollspan
    """A request without a valid credential (401) or without the right to do this (403)."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status


@dataclass(frozen=True, slots=True)
class Gate:
    """Turns a request's headers into an identity."""

    rater: RaterDoor
    local_token: str

    def identify(self, headers: Mapping[str, str]) -> Identity:
        """Return who sends a request.

        The local token of ``run.json`` has all scopes and names its tenant in a header; a key's tenant is
        its own, and a header that says otherwise is refused.

        Raises:
            Denied: no credential, a wrong one, or another tenant than its own.
        """
        scheme, _, token = headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise Denied(401, "send Authorization: Bearer KEY; tollspan keys create makes one")
        tenant = headers.get(TENANT_HEADER)
        if hmac.compare_digest(token.encode(), self.local_token.encode()):
            return Identity(tenant or "default", LOCAL_KEY, frozenset(SCOPES))
        found = self.rater.authenticate(token)
        if found is None:
            raise Denied(401, "this key is unknown or was revoked; tollspan keys list shows the valid ones")
        if tenant not in (None, found.tenant):
            raise Denied(403, f"this key belongs to tenant {found.tenant}, not to {tenant}")
        return found


def require(identity: Identity, scope: str) -> None:
    """Let a request pass that has a scope; ``admin`` has all but those of a customer.

    Raises:
        Denied: it has not.
    """
    if scope not in identity.scopes and "admin" not in identity.scopes:
        raise Denied(403, f"this needs a key with scope {scope}; this one has {', '.join(sorted(identity.scopes))}")


def allowed_params(identity: Identity, question: Question, given: Mapping[str, list[str]]) -> dict[str, list[str]]:
    """Return the parameters that an identity may ask a question with.

    A ``customer-query`` key asks about its own customer only: its customer is put in, and a question that
    cannot be bound to one customer is refused. A ``usage`` key asks about usage, not about money.

    Raises:
        Denied: the scope is missing, or the question reaches beyond the key's customer or what it may see.
    """
    view = _view_of(identity, question)
    if view is None:
        require(identity, question.scope)
        return dict(given)
    if question.name not in view.questions or view.scope not in identity.scopes:
        scopes, may = ", ".join(sorted(identity.scopes)), ", ".join(sorted(view.questions))
        raise Denied(403, f"a key with scope {scopes} cannot ask {question.name}; it may ask {may}")
    params = dict(given)
    if view.hidden.intersection(given.get("sort", ())):
        raise Denied(403, "this key cannot sort by what it does not see")
    if view.sort is not None and any(
        param.name == "sort" and param.default in view.hidden for param in question.params
    ):
        params.setdefault("sort", [view.sort])
    if identity.customer is None:
        return params
    if any(value != identity.customer for value in given.get("customer", ())) or "all" in given:
        raise Denied(403, f"this key sees customer {identity.customer} only")
    return {**params, "customer": [identity.customer]}


def visible(identity: Identity, question: Question, answer: Answer) -> Answer:
    """Return what an identity may see of an answer: a customer nothing that the provider charges, usage no money."""
    view = _view_of(identity, question)
    if view is None:
        return answer
    columns = [name for name in answer.columns if name not in view.hidden]
    rows = [_only(columns, without_cost(row)) for row in answer.rows]
    totals = None if answer.totals is None else _only(columns, answer.totals)
    return replace(answer, columns=columns, rows=rows, totals=totals, notes=(), details={})


def _view_of(identity: Identity, question: Question) -> View | None:
    """Return through what an identity looks at a question, ``None`` when it sees all of its answer, or nothing."""
    if identity.customer is not None:
        return _OF_CUSTOMERS
    whole = {question.scope, "admin"} & identity.scopes
    return _OF_USAGE if _OF_USAGE.scope in identity.scopes and not whole else None


def _only(columns: Sequence[str], row: Mapping[str, Cell]) -> dict[str, Cell]:
    return {name: row[name] for name in columns if name in row}
