"""Questions about exports: how items stand, which there are, what has no words, what the target says it has."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Final, Literal

from tollspan_rater.export.book import Tracked
from tollspan_rater.export.document import fact_of
from tollspan_rater.export.journal_book import tracked
from tollspan_rater.export.mapping import Unmapped
from tollspan_rater.export.planning import Export, Kept, make_plan, missing
from tollspan_rater.export.state import State, fold
from tollspan_rater.export.step import after_pause_ns
from tollspan_rater.export.waiting import waiting
from tollspan_rater.query.answer import Answer, Cell
from tollspan_rater.query.bill import with_usage_or_plan
from tollspan_rater.query.scope import Scope
from tollspan_rater.query.wording import instant
from tollspan_rater.server.export_reconciling import reconcile
from tollspan_rater.server.exports import one_configured, opened
from tollspan_rater.store import exports

if TYPE_CHECKING:
    from tollspan_rater.server.rater import Rater

Params = Mapping[str, str]
STATES: Final = ("waiting", "sent", "accepted", "rejected", "held", "superseded")
_STATUS: Final = ("export", "target", "state", "schedule", *STATES)
_ITEMS: Final = (
    *("item_id", "customer", "period", "service", "meter", "kind", "quantity", "amount", "currency", "state", "code"),
    *("why", "external_id", "planned_at", "stamp", "first_sent_at", "last_sent_at", "tries", "component", "corrects"),
)


def answer(rater: Rater, question: str, params: Params, *, tenant: str) -> Answer:
    """Answer a question about a tenant's exports.

    Raises:
        NotFoundError: the tenant has no such export.
        UsageError: its mapping or a secret cannot be read.
    """
    return _ANSWERS[question](rater, params, tenant)


def standing(rater: Rater, tenant: str, name: str) -> dict[str, int]:
    """Count the items of an export by where they stand."""
    connection = rater.database.reader()
    settled = exports.counts(connection, tenant).get(name, {})
    found = {**dict.fromkeys(STATES, 0), "accepted": settled.get("receipt", 0)}
    found |= {state: settled.get(state, 0) for state in ("rejected", "superseded")}
    for state in unsettled(rater, tenant, name):
        found[state.status] += 1
    return found


def unsettled(rater: Rater, tenant: str, name: str) -> list[State]:
    """Return how each item of an export stands that no target has or refused, and that no other replaced."""
    found = exports.unsettled_facts(rater.database.reader(), tenant, name)
    return [fold(fact_of(name, fact) for fact in facts) for facts in found]


def _status(rater: Rater, params: Params, tenant: str) -> Answer:
    known = rater.config.exports_of(tenant)
    names = [params["export"]] if "export" in params else list(known)
    paused = exports.paused(rater.database.reader(), tenant)
    rows: list[dict[str, Cell]] = []
    for name in names:
        settings = one_configured(rater.config, tenant, name)
        schedule = f"every {settings.schedule} min" if settings.schedule else "by command"
        state = "paused" if paused.get(name) else "on"
        head = {"export": name, "target": settings.target, "state": state, "schedule": schedule}
        rows.append({**head, **standing(rater, tenant, name)})
    notes = [*_status_notes(rows), *(note for name in names for note in _waiting_notes(rater, tenant, name))]
    return Answer("Exports", _STATUS, rows, rater.database.position(), rater.config.zone, notes)


def _status_notes(rows: list[dict[str, Cell]]) -> Iterator[str]:
    if not rows:
        yield "no export is configured: docs/concepts/exports.md shows one"
    for row in rows:
        for state, remedy in (("rejected", "export retry plans them anew"), ("held", "export retry --item decides")):
            if row[state]:
                name = row["export"]
                yield f"{name}, {state}: {row[state]}; tollspan export items {name} --state {state}; {remedy}"


def _waiting_notes(rater: Rater, tenant: str, name: str) -> Iterator[str]:
    found = waiting(unsettled(rater, tenant, name), after_pause_ns)
    if found is not None:
        yield found.note(name)


def _items(rater: Rater, params: Params, tenant: str) -> Answer:
    name = params["export"]
    one_configured(rater.config, tenant, name)
    columns: tuple[Literal["customer", "period"], ...] = ("customer", "period")
    where = tuple((column, params[column]) for column in columns if column in params)
    found = [(tracked(row), row.at_ns) for row in exports.items(rater.database.reader(), tenant, name, where=where)]
    fitting = [(one, at_ns) for one, at_ns in found if params.get("state") in {None, one.state.status}]
    shown = fitting[: int(params["limit"])]
    notes = [f"{len(fitting) - len(shown):,} more items are not shown"] if len(shown) < len(fitting) else []
    rows = [_item(one, at_ns) for one, at_ns in shown]
    return Answer(f"Items of {name}", _ITEMS, rows, rater.database.position(), rater.config.zone, notes)


def _item(one: Tracked, planned_ns: int) -> dict[str, Cell]:
    item, draft, state = one.item, one.item.draft, one.state
    return {
        "item_id": item.item_id,
        "customer": draft.customer,
        "period": draft.period,
        "service": draft.service.label,
        "meter": draft.meter,
        "kind": draft.kind,
        "quantity": draft.quantity,
        "amount": draft.amount,
        "currency": draft.currency,
        "state": state.status,
        "code": state.code or None,
        "why": state.why or None,
        "external_id": state.external_id or None,
        "planned_at": instant(planned_ns),
        "stamp": instant(item.stamp_ns),
        "first_sent_at": None if state.first_sent_ns is None else instant(state.first_sent_ns),
        "last_sent_at": None if state.last_sent_ns is None else instant(state.last_sent_ns),
        "tries": state.tries,
        "component": draft.component,
        "corrects": draft.corrects,
    }


def _check(rater: Rater, params: Params, tenant: str) -> Answer:
    """List what has no words: of everything that is to be told now, and every customer who may have a bill."""
    with opened(rater, tenant, params["export"]) as export, rater.asker.scope(tenant) as scope:
        made = make_plan(scope, export)
        found = {**dict.fromkeys(_customers(scope, export), 0), **made.kept}
        rows: list[dict[str, Cell]] = [
            {"what": one.what, "name": one.name, "why": one.why, "drafts": count, "on_purpose": one.on_purpose}
            for one, count in sorted(found.items(), key=lambda item: (item[0].what, item[0].name))
        ]
        notes = list(_check_notes(made.unattributed, rows, len(made.items)))
        columns = ("what", "name", "why", "drafts", "on_purpose")
        ok = all(row["on_purpose"] for row in rows)
        return Answer(f"Check of {export.name}", columns, rows, scope.as_of, scope.zone, notes, ok=ok)


def _customers(scope: Scope, export: Export) -> Iterator[Kept]:
    for name in filter(export.wants, with_usage_or_plan(scope)):
        words = export.names.customer(name)
        if isinstance(words, Unmapped):
            yield Kept("customer", name, missing(words, export), words.on_purpose)


def _check_notes(unattributed: int, rows: list[dict[str, Cell]], ready: int) -> Iterator[str]:
    yield f"items that could be planned now: {ready:,}"
    if unattributed:
        yield f"calls without a customer, handed over to nobody: {unattributed:,}; see tollspan usage --unattributed"
    if not any(not row["on_purpose"] for row in rows):
        yield "everything has its words"


_ANSWERS: Final[Mapping[str, Callable[[Rater, Params, str], Answer]]] = {
    "export.status": _status,
    "export.items": _items,
    "export.check": _check,
    "export.reconcile": reconcile,
}
