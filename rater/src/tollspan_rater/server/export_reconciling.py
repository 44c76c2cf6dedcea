"""Reconciling an export: our side from the store, the other from the target itself."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from tollspan_rater.domain.clock import from_ns, to_ns
from tollspan_rater.domain.money import EXACT, exact_sum, minor_unit
from tollspan_rater.errors import UsageError
from tollspan_rater.export.draft import Draft
from tollspan_rater.export.exporter import IN_VAIN
from tollspan_rater.export.journal_book import tracked
from tollspan_rater.export.mapping import Unmapped
from tollspan_rater.export.planning import Export
from tollspan_rater.export.reconciliation import Cell, Finding, Sums, Verdict, text_of, verdict, words
from tollspan_rater.export.statement_lines import statement_lines
from tollspan_rater.export.target import Held, Mapped, Target, Unclear, Wanted
from tollspan_rater.export.usage import usage
from tollspan_rater.pricing.model import shortest
from tollspan_rater.pricing.period import period
from tollspan_rater.query import answer as table
from tollspan_rater.query.answer import Answer
from tollspan_rater.query.scope import Scope
from tollspan_rater.query.selection import instant
from tollspan_rater.server.exports import opened
from tollspan_rater.store import exports

if TYPE_CHECKING:
    from tollspan_rater.server.rater import Rater

Said = Held | Unclear | None
DAY_NS: Final = 86_400 * 1_000_000_000
_DAYS: Final = 31
_NAMED: Final = 20
_COLUMNS: Final = (
    *("customer", "meter", "day", "currency", "ours", "accepted", "pending", "rejected", "target", "difference"),
    "cause",
)


@dataclass(frozen=True, slots=True)
class Looked:
    """What is looked at: days of UTC from ``first`` up to, not including, ``last``, or the statements of a period."""

    first: str = ""
    last: str = ""
    period: str | None = None
    customer: str | None = None

    def wants(self, draft: Draft, day: str) -> bool:
        """Tell whether a draft that counts on a day is among it."""
        if self.customer not in {None, draft.customer}:
            return False
        return self.first <= day < self.last if self.period is None else draft.period == self.period


def reconcile(rater: Rater, params: Mapping[str, str], tenant: str) -> Answer:
    """Compare what is known, what was handed over and what the target says; ``ok`` is False on an unexplained gap."""
    with opened(rater, tenant, params["export"]) as export:
        with rater.asker.scope(tenant) as scope:
            cells, unmapped = _cells(scope, export, _looked(rater, scope, export, params))
            known = exports.standing(scope.connection, tenant, (export.name, *export.others))
        said = dict(_said(export, cells))
        verdicts = {
            cell: verdict(sums, _of_cell(said[cell], sums, known), _unit(export, cell)) for cell, sums in cells.items()
        }
        rows = [_row(cell, cells[cell], verdicts[cell]) for cell in sorted(cells)]
        notes = [*_silence(export, said), *_notes(cells, verdicts, unmapped)]
        ok = all(one.explained for one in verdicts.values()) and not any(map(_unclear, said.values()))
        notes += ["every difference has its reason"] if ok else []
        return Answer(f"Reconciliation of {export.name}", _COLUMNS, rows, scope.as_of, "UTC", notes, ok=ok)


def _looked(rater: Rater, scope: Scope, export: Export, params: Mapping[str, str]) -> Looked:
    """Return what is asked for; a period of usage is that of the configured zone, in the days of UTC that it touches.

    Raises:
        UsageError: both a period and days are given.
    """
    customer, label = params.get("customer"), params.get("period")
    end = instant(params["to"], "UTC") if "to" in params else scope.now_ns + DAY_NS
    start = instant(params["from"], "UTC") if "from" in params else scope.now_ns - _DAYS * DAY_NS
    if label is not None:
        if {"from", "to"} & set(params):
            raise UsageError("export.reconcile: give a period or days, not both")
        of = period(label, rater.config.zone)
        if export.target.contract.takes == "amount":
            return Looked(period=label, customer=customer)
        start, end = of.start_ns, of.end_ns + DAY_NS - 1
    return Looked(_day(start), _day(end), customer=customer)


def _day(at_ns: int) -> str:
    return from_ns(at_ns).date().isoformat()


def _cells(scope: Scope, export: Export, looked: Looked) -> tuple[dict[Cell, Sums], Mapping[str, Decimal]]:
    """Add up our side by what the target is asked about; second, by meter or currency, what has no words for it."""
    cells: dict[Cell, Sums] = defaultdict(Sums)
    unmapped: dict[str, Decimal] = defaultdict(Decimal)
    stamps: dict[str, int] = {}
    since_ns = export.since_ns
    for row in exports.items(scope.connection, export.tenant, export.name):
        one = tracked(row)
        draft, cell = one.item.draft, _cell(export, one.item.draft, one.item.stamp_ns)
        if one.state.status == "superseded" or cell is None:
            continue
        stamps[draft.component] = one.item.stamp_ns
        since_ns = None if since_ns is None else min(since_ns, draft.service.start_ns)  # what was told after the fact
        if looked.wants(draft, cell.day):
            _named(cells[cell], draft).tell(one.item.item_id, one.state, _value(draft))
        own = _cell(export, draft, _own_ns(export, draft, one.item.stamp_ns))
        if own is not None and looked.wants(draft, own.day):
            sums = _named(cells[own], draft)
            sums.planned = EXACT.add(sums.planned, _value(draft))
    for draft, own_ns in _known(scope, export, stamps, since_ns):
        if not looked.wants(draft, _day(own_ns)):
            continue
        cell = _cell(export, draft, own_ns)
        if cell is None:
            of = draft.currency or draft.meter
            unmapped[of] = EXACT.add(unmapped[of], _value(draft))
        else:
            sums = _named(cells[cell], draft)
            sums.ours = EXACT.add(sums.ours, _value(draft))
    return cells, unmapped


def _known(
    scope: Scope, export: Export, stamps: Mapping[str, int], since_ns: int | None
) -> Iterator[tuple[Draft, int]]:
    """Yield what is known now, with the instant at which it counts."""
    if export.target.contract.takes == "amount":
        for line in statement_lines(scope, export.target.contract, (since_ns, None)):
            if export.wants(line.draft.customer):
                yield line.draft, stamps.get(line.draft.component, line.stamp_ns)
        return
    bucket = export.target.contract.bucket
    for use in usage(scope, bucket, export.dimensions, export.names.meter_told, (since_ns, None)):
        if export.wants(use.customer):
            draft = Draft("usage", use.customer, use.component, 0, use.service, use.meter, "", use.quantity)
            yield draft, use.service.start_ns


def _own_ns(export: Export, draft: Draft, stamp_ns: int) -> int:
    """Return when an item counts on our side: an amount when it says so, usage when it was used."""
    return stamp_ns if export.target.contract.takes == "amount" else draft.service.start_ns


def _named(sums: Sums, draft: Draft) -> Sums:
    sums.customers.add(draft.customer)
    sums.meters.add(draft.meter)
    sums.periods.add(draft.period)
    return sums


def _value(draft: Draft) -> Decimal:
    value = draft.quantity if draft.source == "usage" else draft.amount
    return Decimal(0) if value is None else value


def _cell(export: Export, draft: Draft, at_ns: int) -> Cell | None:
    mapped = export.names.mapped(draft)
    if isinstance(mapped, Unmapped):
        return None
    asked = _asked(export, draft, mapped)
    return Cell(words(asked.customer), words(asked.meter), _day(at_ns), draft.currency or "")


def _asked(export: Export, draft: Draft, mapped: Mapped) -> Mapped:
    """Return the words to ask with; a target that needs none knows our own.

    What goes together in one request is one thing there, so that it is compared whole, whatever its meters.
    """
    contract = export.target.contract
    meter = {} if contract.together else {**mapped.meter, "meter": draft.meter}
    return Mapped(
        mapped.customer if contract.needs.customer else {**mapped.customer, "customer": draft.customer},
        mapped.meter if contract.needs.meter else meter,
    )


def _said(export: Export, cells: Mapping[Cell, Sums]) -> Iterator[tuple[Cell, Said]]:
    """Ask the target cell by cell; one that does not answer several times in a row is left alone."""
    in_vain = 0
    said: Said = None
    for cell, sums in cells.items():
        if in_vain < IN_VAIN:
            said = _held(export.target, _wanted(cell, sums))
            in_vain = in_vain + 1 if _unclear(said) else 0
        yield cell, said


def _held(target: Target, wanted: Wanted) -> Said:
    """Ask a target; an answer of another shape than its vendor publishes is none."""
    try:
        return target.held(wanted)
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        return Unclear(f"an answer of another shape than is published ({type(error).__name__}: {error})")


def _wanted(cell: Cell, sums: Sums) -> Wanted:
    start = to_ns(datetime.combine(date.fromisoformat(cell.day), datetime.min.time(), UTC))
    words = dict(cell.customer), dict(cell.meter)
    return Wanted(*words, start, start + DAY_NS, cell.currency, sums.told, frozenset(sums.periods))


def _of_cell(said: Said, sums: Sums, known: Collection[str]) -> Held | None:
    """Return what a target says of a cell, without what it lists of items that we know to stand in others.

    Several customers of ours may be one there, handed over in other days or by another export.
    """
    if not isinstance(said, Held):
        return None
    if said.entries is None:
        return said
    return Held.of(
        entry
        for entry in said.entries
        if not entry.items or any(item in sums.items or item not in known for item in entry.items)
    )


def _unclear(said: Said) -> bool:
    return isinstance(said, Unclear)


def _finding(cell: Cell, sums: Sums, found: Finding) -> str:
    """Name the items that differ, with what was told of them and what is there."""
    items = ", ".join(found.items) or "entries without an id of ours"
    entries = f" in {len(found.there)} entries" if len(found.there) > 1 else ""
    there = f"{shortest(exact_sum(found.there)):f}{entries}" if found.there else "nothing"
    where = " ".join(filter(None, (", ".join(sorted(sums.customers)), cell.day, cell.currency)))
    return f"{found.cause}: {items} ({where}): told {shortest(found.told):f}, there {there}"


def _unit(export: Export, cell: Cell) -> Decimal:
    return minor_unit(cell.currency) if cell.currency else Decimal(1).scaleb(-export.target.contract.digits)


def _row(cell: Cell, sums: Sums, found: Verdict) -> dict[str, table.Cell]:
    return {
        "customer": ", ".join(sorted(sums.customers)),
        "meter": ", ".join(sorted(sums.meters)),
        "day": cell.day,
        "currency": cell.currency or None,
        "ours": sums.ours,
        "accepted": sums.accepted,
        "pending": sums.pending,
        "rejected": sums.refused,
        "target": found.target,
        "difference": found.difference,
        "cause": "; ".join(text_of(found.causes)) or None,
    }


def _silence(export: Export, said: Mapping[Cell, Said]) -> Iterator[str]:
    """Say of how many rows the target says nothing, and why."""
    name, silent = export.target.contract.name, sum(one is None for one in said.values())
    if silent and export.target.contract.compares == "nothing":
        yield f"{name} cannot be asked what it has: what it accepted counts"
    elif silent:
        yield f"rows of which {name} cannot be asked, so that what it accepted counts: {silent} of {len(said)}"
    unclear = [one.why for one in said.values() if isinstance(one, Unclear)]
    if unclear:
        yield f"rows that are not compared, for {name} did not say: {len(unclear)} of {len(said)}: {unclear[0]}"


def _notes(
    cells: Mapping[Cell, Sums], verdicts: Mapping[Cell, Verdict], unmapped: Mapping[str, Decimal]
) -> Iterator[str]:
    differing = [(cell, found) for cell, one in sorted(verdicts.items()) for found in one.findings]
    for cell, found in differing[:_NAMED]:
        yield _finding(cell, cells[cell], found)
    if len(differing) > _NAMED:
        yield f"items that differ and are not named here: {len(differing) - _NAMED:,}"
    told = [f"{shortest(value):f} {of}" for of, value in sorted(unmapped.items()) if value]
    if told:
        yield f"unmapped, in no row, for it has no words: {', '.join(told)}; tollspan export check lists it"
    bad = sum(not one.explained for one in verdicts.values())
    if bad:
        yield f"rows that differ without a reason: {bad}"
