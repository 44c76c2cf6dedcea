"""Revenue that was billed elsewhere: what was imported, and where it counts in a margin."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, time
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

from tollspan_rater.domain.clock import to_ns
from tollspan_rater.domain.money import EXACT
from tollspan_rater.query.answer import Answer
from tollspan_rater.query.scope import Scope
from tollspan_rater.query.selection import instant
from tollspan_rater.query.window import WINDOWS
from tollspan_rater.query.wording import plain
from tollspan_rater.store.revenue import Imported, imported

COLUMNS: Final = ("id", "customer", "day", "amount", "currency", "note")
ELSEWHERE: Final = "(billed elsewhere)"  # where a dimension says more than an import does
_WITHIN_A_DAY: Final = ("minute", "hour")
_NOON: Final = time(12)


def revenue_list(scope: Scope, params: Mapping[str, str]) -> Answer:
    """Answer: the entries in force, by day; those that were taken back are left out."""
    found = list(_wanted(scope, params))
    shown = found[: int(params["limit"])]
    notes = [f"{len(found) - len(shown):,} more entries are not shown"] if len(found) > len(shown) else []
    rows = [
        {
            "id": one.id, "customer": one.customer, "day": one.day.isoformat(), "amount": plain(one.amount),
            "currency": one.currency, "note": one.note,
        }
        for one in shown
    ]  # fmt: skip
    return Answer("Imported revenue", COLUMNS, rows, scope.as_of, scope.zone, notes)


def imported_revenue(
    scope: Scope, params: Mapping[str, str], by: Sequence[str]
) -> dict[tuple[str | None, ...], Decimal]:
    """Return the imported revenue of the asked days by the dimensions of a grouping and, last, its currency."""
    sums: dict[tuple[str | None, ...], Decimal] = {}
    for one in _wanted(scope, params):
        key = (*(_place(scope, one, name) for name in by), one.currency)
        sums[key] = EXACT.add(sums.get(key, Decimal(0)), one.amount)
    return sums


def _wanted(scope: Scope, params: Mapping[str, str]) -> Iterator[Imported]:
    start = instant(params["from"], scope.zone) if "from" in params else None
    end = instant(params["to"], scope.zone) if "to" in params else None
    for one in imported(scope.connection, scope.accounts.tenant):
        at_ns = _noon(one, scope.zone)
        inside = (start is None or at_ns >= start) and (end is None or at_ns < end)
        segment = scope.accounts.customer(one.customer).segment
        wanted = params.get("customer", one.customer) == one.customer and params.get("segment", segment) == segment
        if one.amount and inside and wanted:
            yield one


def _place(scope: Scope, one: Imported, name: str) -> str | None:
    """Return what an entry says of a dimension: its customer, its day and what contains it, its currency."""
    if name in WINDOWS and name not in _WITHIN_A_DAY:
        return WINDOWS[name](datetime.combine(one.day, _NOON, UTC))
    accounts = scope.accounts
    if name == "period":
        return accounts.period_at(one.customer, _noon(one, accounts.zone(one.customer))).label
    known = {"customer": one.customer, "currency": one.currency, "segment": accounts.customer(one.customer).segment}
    return known.get(name, ELSEWHERE)


def _noon(one: Imported, zone: str) -> int:
    return to_ns(datetime.combine(one.day, _NOON, ZoneInfo(zone)))
