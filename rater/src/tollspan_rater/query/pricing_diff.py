"""What a pricing folder would change, before it is applied: prices, and everyone's money on real usage."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from tollspan_rater.domain.money import EXACT
from tollspan_rater.pricing.book import PriceBook
from tollspan_rater.pricing.difference import Change, differences
from tollspan_rater.pricing.period import Period
from tollspan_rater.query.answer import Answer, Cell
from tollspan_rater.query.bill import rated_periods, with_usage_or_plan
from tollspan_rater.query.bill_difference import (
    BillDifference,
    UnpricedDifference,
    bill_differences,
    by_size,
    totals,
    unpriced_differences,
)
from tollspan_rater.query.scope import Scope
from tollspan_rater.query.selection import instant
from tollspan_rater.query.supposed_prices import applied_version, book, files_of, supposed, under, version_at
from tollspan_rater.query.wording import instant as written
from tollspan_rater.store.ledger import closes
from tollspan_rater.store.state import LATEST, PriceVersion

COLUMNS: Final = (
    "part", "customer", "period", "document", "name", "change", "was", "is", "difference", "currency", "why",
)  # fmt: skip
_CLOSED: Final = "closed: the difference is adjusted in the open period"
_EMPTY: Final = PriceBook(cards={}, plans={})


@dataclass(frozen=True, slots=True)
class _Comparison:
    """The two sides that are compared, the periods that are rated on both, and words for how."""

    old: Scope
    new: Scope
    was: PriceVersion | None
    now: PriceVersion
    since_ns: int | None
    label: str | None
    words: str

    def periods(self, customer: str, begun_ns: int | None) -> Iterator[Period]:
        """Yield the periods whose bills are compared: those asked for, those that change, or the last that ended.

        Nothing changes before a customer began.
        """
        accounts, now_ns = self.old.accounts, self.old.now_ns
        if self.label is not None:
            yield accounts.period(customer, self.label)
        elif self.since_ns is None:
            yield accounts.period_at(customer, accounts.period_at(customer, now_ns).start_ns - 1)
        elif begun_ns is not None:
            yield from accounts.periods(customer, max(self.since_ns, begun_ns), now_ns)


@dataclass(frozen=True, slots=True)
class _Found:
    changes: Sequence[Change]
    bills: Sequence[BillDifference]
    unpriced: Sequence[tuple[str, str, UnpricedDifference]]
    closed: Collection[tuple[str, str]]


def pricing_diff(scope: Scope, params: Mapping[str, str]) -> Answer:
    """Answer: what changes in the prices, and for whom, in money; nothing is written. ``ok`` says: nothing does."""
    compared = _comparison(scope, params)
    found = _Found(
        differences(_EMPTY if compared.was is None else book(compared.was), book(compared.now)),
        *_rated(compared, params.get("customer")),
        _closed(scope) if compared.since_ns is not None else frozenset(),
    )
    differing = by_size(found.bills)
    shown = differing[: int(params["top"])] if "top" in params else differing
    rows = [
        *map(_change_row, found.changes),
        *(row for bill in shown for row in _bill_rows(bill, closed=(bill.customer, bill.period) in found.closed)),
        *(_unpriced_row(*one) for one in found.unpriced),
    ]
    return Answer(
        "What would change", COLUMNS, rows, scope.as_of, scope.zone,
        list(_notes(compared, found, differing, len(differing) - len(shown))),
        ok=not rows,
        details=_details(compared, found, differing),
    )  # fmt: skip


def _comparison(scope: Scope, params: Mapping[str, str]) -> _Comparison:
    """Decide what is compared: the folder laid over the past it changes, or all of a period under it alone."""
    files, known = files_of(params["files"]), scope.accounts.versions
    since = instant(params["from"], scope.zone) if "from" in params else None
    backdated = since is not None and since <= scope.now_ns and "against" not in params
    now = supposed(scope.accounts.tenant, files, (since or 0) if backdated else 0)
    against = applied_version(scope, params["against"]) if "against" in params else None
    was = against or version_at(known, LATEST if since is None else since)
    names = f"{'no prices' if was is None else was.version} -> {now.version}"
    if backdated:
        words = f"{names}: bills as they would be with it in force from {written(since)}"
        return _Comparison(scope, under(scope, [*known, now]), was, now, since, params.get("period"), words)
    old = scope if against is None else under(scope, [_ever(against)])
    words = f"{names}: bills as if it had been in force for the whole period"
    return _Comparison(old, under(scope, [now]), was, now, None, params.get("period"), words)


def _ever(version: PriceVersion) -> PriceVersion:
    return supposed(version.tenant, version.files)


def _rated(
    compared: _Comparison, customer: str | None
) -> tuple[list[BillDifference], list[tuple[str, str, UnpricedDifference]]]:
    """Rate everyone's periods on both sides."""
    bills: list[BillDifference] = []
    unpriced: list[tuple[str, str, UnpricedDifference]] = []
    names = with_usage_or_plan(compared.old) if customer is None else [customer]
    begun = _beginnings(compared.old)
    wanted = [(name, period) for name in names for period in compared.periods(name, begun.get(name))]
    sides = (rated_periods(scope, wanted) for scope in (compared.old, compared.new))
    for (name, period), old, new in zip(wanted, *sides, strict=True):
        bills.extend(bill_differences(name, old, new))
        unpriced.extend((name, period.label, one) for one in unpriced_differences(old, new))
    return bills, unpriced


def _beginnings(scope: Scope) -> dict[str, int]:
    """Return where each customer's time begins: with its first usage, or with a plan that has a first day."""
    rows = scope.connection.execute(
        "SELECT customer, min(started_ns) FROM calls WHERE tenant = ? AND customer IS NOT NULL GROUP BY customer",
        [scope.accounts.tenant],
    ).fetchall()
    found: dict[str, int] = dict(rows)
    for name in scope.accounts.names():
        zone = scope.accounts.zone(name)
        days = (day for day, _plan in scope.accounts.customer(name).plans if day is not None)
        for planned in (instant(day, zone) for day in days):
            found[name] = min(planned, found.get(name, planned))
    return found


def _change_row(change: Change) -> dict[str, Cell]:
    return {
        "part": "price", "document": change.document, "name": change.name or None, "change": change.kind,
        "was": change.was, "is": change.now,
    }  # fmt: skip


def _closed(scope: Scope) -> frozenset[tuple[str, str]]:
    """Return the customers and labels of all closed periods."""
    return frozenset((close.customer, close.period.label) for close in closes(scope.connection, scope.accounts.tenant))


def _bill_rows(bill: BillDifference, *, closed: bool) -> Iterator[dict[str, Cell]]:
    """Yield the bill and below it the lines that cause its difference."""
    who: dict[str, Cell] = {"customer": bill.customer, "period": bill.period, "currency": bill.currency}
    yield {
        "part": "bill", **who, "change": direction(bill),
        "was": bill.was, "is": bill.now, "difference": bill.difference, "why": _CLOSED if closed else None,
    }  # fmt: skip
    for line in bill.lines:
        change = "added" if line.was is None else "removed" if line.now is None else "changed"
        difference = EXACT.subtract(line.now or 0, line.was or 0)
        yield {
            "part": "line", **who, "name": line.name, "change": change,
            "was": line.was, "is": line.now, "difference": difference, "why": line.why,
        }  # fmt: skip


def direction(bill: BillDifference) -> str:
    """Say what a customer finds: ``pays more``, ``pays less`` or ``pays the same``."""
    if not bill.difference:
        return "pays the same"
    return "pays more" if bill.difference > 0 else "pays less"


def _unpriced_row(customer: str, period: str, one: UnpricedDifference) -> dict[str, Cell]:
    return {
        "part": "unpriced", "customer": customer, "period": period, "name": one.meter, "change": "changed",
        "was": one.was, "is": one.now, "why": one.reason,
    }  # fmt: skip


def _notes(compared: _Comparison, found: _Found, differing: Sequence[BillDifference], hidden: int) -> Iterator[str]:
    yield compared.words
    more, less = (sum(direction(bill) == words for bill in differing) for words in ("pays more", "pays less"))
    yield f"{more:,} bills rise, {less:,} fall, {len(found.bills) - more - less:,} stay as they are"
    for currency, (was, now) in sorted(totals(found.bills).items()):
        yield f"all bills: {was:,f} -> {now:,f} {currency}, difference {EXACT.subtract(now, was):,f}"
    if hidden:
        yield f"{hidden:,} more bills that change are not shown"
    if found.unpriced:
        yield "usage that has a price on one side only is listed as unpriced; unpriced usage is on no bill"
    yield "nothing was written"


def _details(compared: _Comparison, found: _Found, differing: Sequence[BillDifference]) -> dict[str, object]:
    return {
        "was": None if compared.was is None else compared.was.version,
        "is": compared.now.version,
        "backdated": compared.since_ns is not None,
        "prices_changed": len(found.changes),
        "bills_compared": len(found.bills),
        "bills_changed": len(differing),
        "totals": {
            currency: {"was": was, "is": now, "difference": EXACT.subtract(now, was)}
            for currency, (was, now) in sorted(totals(found.bills).items())
        },
    }
