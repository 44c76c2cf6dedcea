"""Planning an export: what is known now, in our words and the target's, as items to be journaled."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

from tollspan_rater.domain.meters import root
from tollspan_rater.errors import UntellableError
from tollspan_rater.export.document import draft_document, draft_of, fact_document
from tollspan_rater.export.draft import Draft, item_id
from tollspan_rater.export.journal_book import tracked
from tollspan_rater.export.mapping import Names, Unmapped
from tollspan_rater.export.plan import Plan, Planned, Series, Told, Use, plan_lines, plan_usage
from tollspan_rater.export.state import Fact
from tollspan_rater.export.statement_lines import statement_lines
from tollspan_rater.export.step import step
from tollspan_rater.export.target import Element, Target
from tollspan_rater.export.usage import unattributed, usage
from tollspan_rater.query.scope import Scope
from tollspan_rater.store import exports

TOO_LATE: Final = "too_late"  # the code of what is too old for a target, and may be told at no other time
_CHUNK: Final = 500  # items of one command: half a megabyte or so


@dataclass(frozen=True, slots=True)
class Export:
    """One export as configured: whose data, where to, and how things are called there.

    ``customers`` are the only ones handed over, ``None`` for all; ``since_ns`` is the first service time. ``others``
    are further exports to the same vendor: what one hands over, as usage or as an amount, no other does.
    """

    name: str
    tenant: str
    target: Target
    kind: str
    names: Names
    mapping: str = ""
    customers: frozenset[str] | None = None
    since_ns: int | None = None
    dimensions: tuple[str, ...] = ()
    zero_lines: bool = False
    others: tuple[str, ...] = ()

    def wants(self, customer: str) -> bool:
        """Tell whether a customer is one of those handed over."""
        return self.customers is None or customer in self.customers


@dataclass(frozen=True, slots=True)
class Span:
    """What a plan looks at: service times from ``start_ns`` up to, not including, ``end_ns``; or a period by label."""

    start_ns: int | None = None
    end_ns: int | None = None
    period: str | None = None


EVERYTHING: Final = Span()


@dataclass(frozen=True, slots=True)
class NewItem:
    """A draft as it is told to the target."""

    item_id: str
    planned: Planned
    element: Element

    def document(self) -> dict[str, Any]:
        """Return it as the journal keeps it."""
        planned, element = self.planned, dict(self.element)
        draft = draft_document(planned.draft)
        return {"item_id": self.item_id, "stamp_ns": planned.stamp_ns, "draft": draft, "element": element}


@dataclass(frozen=True, slots=True)
class Kept:
    """Why some drafts are not handed over: ``what`` (customer, meter or line) with which ``name``."""

    what: str
    name: str
    why: str
    on_purpose: bool = False


@dataclass(slots=True)
class Made:
    """A plan: ``items`` to journal with the ``facts`` that give up others for them, and what stays back.

    ``kept`` counts drafts by the reason, ``carried`` is what the target does not take yet, ``unattributed`` counts
    calls of nobody.
    """

    items: list[NewItem] = field(default_factory=list)
    facts: list[Fact] = field(default_factory=list)
    kept: dict[Kept, int] = field(default_factory=dict)
    carried: Mapping[Series, Decimal] = field(default_factory=dict)
    unattributed: int = 0

    def keep(self, why: Kept) -> None:
        """Count one draft that is not handed over."""
        self.kept[why] = self.kept.get(why, 0) + 1

    def bodies(self, export: Export) -> Iterator[dict[str, Any]]:
        """Yield the bodies of the commands that journal it; the first has what is given up."""
        head = {"export": export.name, "target": export.kind, "mapping": export.mapping}
        for start in range(0, max(len(self.items), 1), _CHUNK):
            facts = [] if start else [fact_document(fact) for fact in self.facts]
            items = [item.document() for item in self.items[start : start + _CHUNK]]
            if items or facts:
                yield {**head, "items": items, "facts": facts}


def make_plan(scope: Scope, export: Export, span: Span = EVERYTHING, again: Iterable[str] = ()) -> Made:
    """Plan what an export has to tell now; nothing is written.

    Items ``again``, which were rejected, are given up, so that what they told is planned anew. So are items that
    waited until the target would not take their time any more; where it takes them at no other time, they are
    rejected.
    """
    made = Made(facts=[*_too_late(scope, export), *_again(scope, again)])
    gone = {fact.item_id for fact in made.facts if fact.kind == "superseded"}
    if export.target.contract.takes == "amount":
        plan = _amounts(scope, export, span, gone, made)
    else:
        plan = _usage(scope, export, span, gone)
        made.unattributed = unattributed(scope)
    made.carried = plan.carried
    handed_over = _handed_over(scope, export)
    for one in plan.items:
        _tell(export, one, handed_over, made)
    return made


def _too_late(scope: Scope, export: Export) -> Iterator[Fact]:
    contract = export.target.contract
    for row in exports.items(scope.connection, export.tenant, export.name, unsettled=True):
        due = step(row.stamp_ns, tracked(row).state, contract, scope.now_ns)
        if due.do == "replan":
            if contract.late == "next":
                yield Fact(row.item_id, "superseded", scope.now_ns, why=due.why)
            else:
                yield Fact(row.item_id, "rejected", scope.now_ns, code=TOO_LATE, why=due.why)


def _again(scope: Scope, again: Iterable[str]) -> Iterator[Fact]:
    return (Fact(one, "superseded", scope.now_ns, why="planned anew on request") for one in again)


def _amounts(scope: Scope, export: Export, span: Span, gone: set[str], made: Made) -> Plan:
    rows = exports.components(scope.connection, export.tenant, export.name, gone=gone)
    start = span.start_ns if span.period or span.start_ns is not None else export.since_ns
    lines = []
    for line in statement_lines(scope, export.target.contract, (start, span.end_ns), span.period):
        if not export.wants(line.draft.customer):
            continue
        if line.draft.amount or export.zero_lines:
            lines.append(line)
        else:
            made.keep(Kept("line", "of amount 0", "the setting zero_lines hands them over, too", on_purpose=True))
    return plan_lines(lines, {row.component: (row.items, row.standing) for row in rows}, export.target.contract)


def _usage(scope: Scope, export: Export, span: Span, gone: set[str]) -> Plan:
    contract = export.target.contract
    within = (span.start_ns if span.start_ns is not None else export.since_ns, span.end_ns)
    known = usage(scope, contract.bucket, export.dimensions, export.names.meter_told, within)
    told = []
    for row in exports.components(scope.connection, export.tenant, export.name, within, gone):
        of = draft_of(row.draft)
        use = Use(row.customer, of.meter, of.dimensions, of.service, of.period, row.quantity)
        told.append(Told(use, row.items, row.standing, row.last))
    return plan_usage(
        (use for use in known if export.wants(use.customer)),
        (one for one in told if export.wants(one.use.customer)),
        contract,
        scope.now_ns,
        scope.as_of,
    )


def _handed_over(scope: Scope, export: Export) -> Callable[[Draft], str | None]:
    """Return how to tell which other export to the same vendor hands a draft over: then it is not told twice."""
    others = export.others if export.target.contract.bills else ()
    times: dict[tuple[str, str], list[tuple[str, int, int]]] = {}
    for name, customer, meter, start, end in exports.told_by(scope.connection, export.tenant, others):
        times.setdefault((customer, root(meter)), []).append((name, start, end))

    def by(draft: Draft) -> str | None:
        found = times.get((draft.customer, root(draft.meter)), ())
        service = draft.service
        return next((name for name, start, end in found if start < service.end_ns and service.start_ns < end), None)

    return by


def _tell(export: Export, planned: Planned, handed_over: Callable[[Draft], str | None], made: Made) -> None:
    """Put a draft in the target's words, or keep it back with the reason."""
    draft = planned.draft
    mapped = export.names.mapped(draft)
    other = handed_over(draft)
    if isinstance(mapped, Unmapped):
        made.keep(Kept(mapped.what, mapped.name, missing(mapped, export), mapped.on_purpose))
    elif other is not None:
        made.keep(Kept("line", f"{draft.customer}/{draft.meter}", f"export {other} hands it over already"))
    else:
        name = item_id(export.tenant, export.name, draft)
        try:
            element = export.target.element(draft, name, planned.stamp_ns, mapped)
        except UntellableError as error:
            made.keep(Kept("line", f"{draft.customer}/{draft.component}", str(error)))
        else:
            made.items.append(NewItem(name, planned, element))


def missing(unmapped: Unmapped, export: Export) -> str:
    """Say in a sentence which words are missing, and where to give them."""
    if unmapped.on_purpose:
        return "the mapping keeps it back"
    words = ", ".join(unmapped.missing)
    beside = f", or as external id {export.names.family} of the customer" if unmapped.what == "customer" else ""
    return f"no {words}: give it in the mapping{beside}"
