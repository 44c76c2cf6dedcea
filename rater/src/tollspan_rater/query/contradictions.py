"""Calls that say they belong to another plan or subscription than the one in force; no price depends on it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import pyarrow as pa

from tollspan_rater.query.answer import Answer, Cell
from tollspan_rater.query.scope import Scope, asked_selection
from tollspan_rater.query.selection import Selection
from tollspan_rater.query.standing import standing
from tollspan_rater.query.wording import instant

COLUMNS: Final = ("customer", "subscription", "plan", "calls", "first", "last", "why")
_STATED: Final = """
    SELECT customer, min(started_ns), max(started_ns) FROM {calls} GROUP BY customer ORDER BY customer
"""
_COUNTED: Final = """
    SELECT held.place, subscription, count(*), min(started_ns), max(started_ns)
    FROM {calls} AS calls
    JOIN held ON calls.customer = held.name AND started_ns >= held.start_ns AND started_ns < held.end_ns
    GROUP BY ALL ORDER BY ALL
"""
Held = tuple[str, str | None, int, int]  # customer, plan in force, from, up to


def contradictions(scope: Scope, params: Mapping[str, str]) -> Answer:
    """Answer: references that contradict the plan in force, by customer, reference and plan."""
    rows = list(contradicting(scope, asked_selection(scope, params)))
    notes = () if rows else ("no call refers to another plan or subscription than the one in force",)
    return Answer("Contradicting references", COLUMNS, rows, scope.as_of, scope.zone, notes)


def contradicting(scope: Scope, selection: Selection) -> Iterator[dict[str, Cell]]:
    """Yield what some calls refer to and is neither their plan nor an external id of their customer.

    A reference that is no plan's name can be compared only where the customer has external ids.
    """
    condition, values = selection.where()
    calls, values = standing(f"{condition} AND subscription IS NOT NULL AND customer IS NOT NULL"), values * 2
    stated = scope.connection.execute(_STATED.format(calls=calls), values).fetchall()
    held = [one for name, first_ns, last_ns in stated for one in _held(scope, name, first_ns, last_ns)]
    if not held:
        return
    scope.connection.register("held", _table(held))
    try:
        counted = scope.connection.execute(_COUNTED.format(calls=calls), values).fetchall()
    finally:
        scope.connection.unregister("held")
    for place, reference, count, first_ns, last_ns in counted:
        customer, plan, start_ns, _ = held[place]
        why = _why(scope, customer, plan, reference, start_ns)
        if why is not None:
            times = {"first": instant(first_ns), "last": instant(last_ns)}
            yield {"customer": customer, "subscription": reference, "plan": plan, "calls": count, **times, "why": why}


def _held(scope: Scope, customer: str, first_ns: int, last_ns: int) -> Iterator[Held]:
    """Yield the plans of a customer between two instants; parts of one plan after the other are one."""
    found: list[Held] = []
    for period in scope.accounts.periods(customer, first_ns, last_ns):
        for segment in scope.accounts.segments(customer, period):
            plan = None if segment.plan is None else segment.plan.name
            if found and found[-1][1] == plan:
                found[-1] = (*found[-1][:3], segment.end_ns)
            else:
                found.append((customer, plan, segment.start_ns, segment.end_ns))
    yield from found


def _table(held: list[Held]) -> pa.Table:
    names, _, starts, ends = zip(*held, strict=True)
    columns: dict[str, Any] = {
        "place": pa.array(range(len(held)), pa.int32()),
        "name": pa.array(names, pa.string()),
        "start_ns": pa.array(starts, pa.int64()),
        "end_ns": pa.array(ends, pa.int64()),
    }
    return pa.table(columns)


def _why(scope: Scope, customer: str, plan: str | None, reference: str, at_ns: int) -> str | None:
    """Say how a reference contradicts what was in force, ``None`` if it does not."""
    external = set(scope.accounts.customer(customer).external_ids.values())
    if reference == plan or reference in external:
        return None
    book = scope.accounts.subscription(customer).book_at(at_ns)
    if book is not None and reference in book.plans:
        return f"it names plan {reference}; {'no plan' if plan is None else f'plan {plan}'} was in force"
    return "it is none of the customer's external ids" if external else None
