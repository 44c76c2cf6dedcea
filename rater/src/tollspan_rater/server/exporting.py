"""Commands on exports: plan, run, retry, pause and resume, and what a target tells of later."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any, Final, cast

from tollspan_rater.domain.entries import NewCommand
from tollspan_rater.errors import ExportBusyError, NotFoundError
from tollspan_rater.export.document import fact_document
from tollspan_rater.export.exporter import STOPPED, Exporter, Figures
from tollspan_rater.export.journal_book import JournalBook, tracked
from tollspan_rater.export.nothing import why_nothing
from tollspan_rater.export.pace import Pace
from tollspan_rater.export.planning import EVERYTHING, Export, Made, Span, make_plan
from tollspan_rater.export.state import Fact
from tollspan_rater.export.step import step
from tollspan_rater.export.target import Notified
from tollspan_rater.export.waiting import waiting
from tollspan_rater.pipeline.commands import EXPORT_FACTS, EXPORT_PLAN, EXPORT_SWITCH
from tollspan_rater.pricing.period import period
from tollspan_rater.query.rater import Receipt
from tollspan_rater.query.selection import instant
from tollspan_rater.server.export_answers import standing, unsettled
from tollspan_rater.server.exports import one_configured, opened
from tollspan_rater.store import exports

if TYPE_CHECKING:
    from tollspan_rater.server.rater import Rater

APPLIED_S: Final = 60.0  # the store comes to the journal's end within this, or the export is left alone
SECOND: Final = 1_000_000_000
PAUSED: Final = "it is paused"  # why a run of a paused export ends before its beginning
_SHOWN: Final = 1_000  # items that a dry run prints


def plan(rater: Rater, body: dict[str, Any], tenant: str, actor: str, *, explain: bool = True) -> Receipt:
    """Plan what an export has to tell now; a dry run only says it, in the target's words.

    ``explain``: say why, when it comes to nothing.
    """
    with _at_work(rater, tenant, body["export"]) as export, rater.asker.scope(tenant) as scope:
        span = _span(rater, export, body)
        made = make_plan(scope, export, span)
        said = {**_figures(made), "nothing": why_nothing(scope, export, span) if explain and not made.items else []}
        if body.get("dry_run"):
            shown = [item.document() for item in made.items[:_SHOWN]]
            return Receipt(scope.as_of, {**said, "dry_run": True, "elements": shown})
        return Receipt(_journaled(rater, export, made, actor) or scope.as_of, said)


def run(
    rater: Rater,
    body: dict[str, Any],
    tenant: str,
    actor: str,
    stop: Callable[[], bool] = lambda: False,
    sleep: Callable[[float], object] = time.sleep,
) -> Receipt:
    """Send what is due, for at most ``seconds``; what is planned and not due yet waits for the next run.

    With ``now``, what waits after a try in vain is tried at once.
    """
    name = body["export"]
    with _at_work(rater, tenant, name) as export:
        if exports.paused(rater.database.reader(), tenant).get(name):
            return Receipt(rater.database.position(), _told(Figures(halted=PAUSED), rater, tenant, name))
        until_ns = rater.clock.now_ns() + int(body["seconds"]) * SECOND if "seconds" in body else None

        def time_is_up() -> bool:
            return until_ns is not None and rater.clock.now_ns() >= until_ns

        book = JournalBook(rater.database.reader, _noting(rater, tenant, actor), tenant, name)
        pace = Pace(export.target.contract.per_second, rater.clock, sleep)
        exporter = Exporter(
            book,
            export.target,
            rater.clock,
            pace,
            lambda: stop() or time_is_up(),
            at_once=bool(body.get("now")),
        )
        figures = exporter.run()
        rater.writer.wait_for(rater.journal.last_position, APPLIED_S)
        if figures.halted == STOPPED and time_is_up():  # nothing is wrong: there is more, for another run at once
            return Receipt(
                rater.database.position(), _told(replace(figures, halted=""), rater, tenant, name, more=True)
            )
        said = {**_told(figures, rater, tenant, name), "waits": _waits(rater, export)}
        return Receipt(rater.database.position(), said)


def retry(rater: Rater, body: dict[str, Any], tenant: str, actor: str) -> Receipt:
    """Plan rejected items anew, or write down what a person found out of an item that nobody knows of.

    Items that wait after a try in vain need no plan: a run ``now`` tries them.

    Raises:
        NotFoundError: no item is of this kind.
    """
    name = body["export"]
    with _at_work(rater, tenant, name) as export:
        if "present" in body or "absent" in body:
            return _decided(rater, body, tenant, actor)
        ids = _rejected(rater, body, tenant)
        with rater.asker.scope(tenant) as scope:
            made = make_plan(scope, export, EVERYTHING, ids)
        if body.get("dry_run"):
            return Receipt(rater.database.position(), {"given_up": len(ids), **_figures(made), "dry_run": True})
        position = _journaled(rater, export, made, actor)
        return Receipt(position or rater.database.position(), {"given_up": len(ids), **_figures(made)})


def switch(*, paused: bool) -> Callable[[Rater, dict[str, Any], str, str], Receipt]:
    """Return the command that pauses, or resumes, an export."""

    def change(rater: Rater, body: dict[str, Any], tenant: str, actor: str) -> Receipt:
        one_configured(rater.config, tenant, body["export"])
        said = {"export": body["export"], "paused": paused, "note": body.get("note", "")}
        position = rater.append([NewCommand(rater.clock.now_ns(), tenant, actor, EXPORT_SWITCH, said)])
        return Receipt(position, {"export": body["export"], "paused": paused})

    return change


def notified(rater: Rater, name: str, headers: Mapping[str, str], body: bytes) -> int:
    """Write down which items a target takes back; return how many.

    The target's signature says who it is; items that we do not know of, or know to be taken back, change nothing.

    Raises:
        NotFoundError: there is no such export, or its target tells nothing.
        SignatureError: it is not signed by the target.
    """
    settings = rater.config.exports.get(name)
    tenant = rater.config.tenant if settings is None or settings.tenant is None else settings.tenant
    with opened(rater, tenant, name) as export:
        if not hasattr(export.target, "rejections"):
            raise NotFoundError("notification of export", name, f"{export.kind} tells of nothing later.")
        told = dict(cast("Notified", export.target).rejections(headers, body, rater.clock.now_ns()))
    rater.writer.wait_for(rater.journal.last_position, APPLIED_S)
    known = exports.items(rater.database.reader(), tenant, name, ids=told)
    facts = [
        Fact(row.item_id, "rejected", rater.clock.now_ns(), code=told[row.item_id].code, why=told[row.item_id].why)
        for row in known
        if tracked(row).state.status not in {"rejected", "superseded"}
    ]
    if facts:
        _noting(rater, tenant, f"export:{name}")(EXPORT_FACTS, _facts(name, facts))
    return len(facts)


@contextmanager
def _at_work(rater: Rater, tenant: str, name: str) -> Iterator[Export]:
    """Give an export to work on alone, with a store that holds all that is durable.

    Raises:
        ExportBusyError: somebody else works on it, or the store is behind the journal.
    """
    one_configured(rater.config, tenant, name)
    with rater.export_locks.alone(name):
        if not rater.writer.wait_for(rater.journal.last_position, APPLIED_S):
            raise ExportBusyError(name)
        with opened(rater, tenant, name) as export:
            yield export


def _noting(rater: Rater, tenant: str, actor: str) -> Callable[[str, Mapping[str, Any]], int]:
    """Return how to make a command durable; nobody waits until it is applied."""

    def note(kind: str, body: Mapping[str, Any]) -> int:
        return rater.commit.submit(NewCommand(rater.clock.now_ns(), tenant, actor, kind, dict(body))).result()

    return note


def _journaled(rater: Rater, export: Export, made: Made, actor: str) -> int | None:
    now_ns = rater.clock.now_ns()
    commands = [NewCommand(now_ns, export.tenant, actor, EXPORT_PLAN, body) for body in made.bodies(export)]
    return rater.append(list(commands)) if commands else None


def _span(rater: Rater, export: Export, body: Mapping[str, Any]) -> Span:
    """Return what a plan looks at; a period of usage is that of the configured zone."""
    zone = rater.config.zone
    start = instant(body["from"], zone) if "from" in body else None
    end = instant(body["to"], zone) if "to" in body else None
    label = body.get("period")
    if label is None:
        return Span(start, end)
    of = period(label, zone)
    if export.target.contract.takes == "amount":
        return Span(period=label)
    return Span(of.start_ns, of.end_ns)


def _figures(made: Made) -> dict[str, Any]:
    """Say what a plan comes to."""
    return {
        "planned": len(made.items),
        "superseded": sum(fact.kind == "superseded" for fact in made.facts),
        "rejected": sum(fact.kind == "rejected" for fact in made.facts),
        "kept_back": [{**asdict(why), "drafts": count} for why, count in made.kept.items()],
        "carried": [
            {"customer": customer, "meter": meter, "value": f"{value:f}"}
            for (customer, meter, _), value in made.carried.items()
        ],
        "unattributed_calls": made.unattributed,
    }


def _told(figures: Figures, rater: Rater, tenant: str, name: str, *, more: bool = False) -> dict[str, Any]:
    """Say how far a run has come, and how all items stand; ``more`` when it ended for want of time."""
    return {**asdict(figures), "more": more, "items": standing(rater, tenant, name)}


def _waits(rater: Rater, export: Export) -> dict[str, Any] | None:
    """Say what waits after a try in vain, until when and why."""
    now_ns, contract = rater.clock.now_ns(), export.target.contract
    states = unsettled(rater, export.tenant, export.name)
    found = waiting(states, lambda state: step(now_ns, state, contract, now_ns).at_ns)
    return None if found is None else asdict(found)


def _decided(rater: Rater, body: Mapping[str, Any], tenant: str, actor: str) -> Receipt:
    """Write down what a person found: the target has the item, or has it not and is sent it again."""
    name, item = body["export"], body.get("item", "")
    found = exports.items(rater.database.reader(), tenant, name, ids=[item])
    status = tracked(found[0]).state.status if found else ""
    if status not in {"held", "sent"}:
        raise NotFoundError("item without an answer", item, f"tollspan export items {name} --state held lists them.")
    now_ns, why = rater.clock.now_ns(), f"{actor} looked there"
    if "present" in body:
        fact = Fact(item, "receipt", now_ns, external_id=body.get("external_id", ""), why=why)
    else:
        fact = Fact(item, "absent", now_ns, why=why)
    command = NewCommand(now_ns, tenant, actor, EXPORT_FACTS, _facts(name, [fact]))
    return Receipt(rater.append([command]), {"item": item, "decided": fact.kind})


def _rejected(rater: Rater, body: Mapping[str, Any], tenant: str) -> list[str]:
    name = body["export"]
    ids = [body["item"]] if "item" in body else None
    states = {row.item_id: tracked(row).state for row in exports.items(rater.database.reader(), tenant, name, ids=ids)}
    found = [
        item for item, known in states.items() if known.status == "rejected" and body.get("code") in {None, known.code}
    ]
    narrowed = body.get("item") or body.get("code")
    if not found and (narrowed or not unsettled(rater, tenant, name)):
        wanted = narrowed or "any"
        raise NotFoundError("rejected item", wanted, f"tollspan export items {name} --state rejected lists them.")
    return found


def _facts(name: str, facts: list[Fact]) -> dict[str, Any]:
    return {"export": name, "facts": [fact_document(fact) for fact in facts]}
