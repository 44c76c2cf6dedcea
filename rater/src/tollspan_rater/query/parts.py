"""Parts of usage: calls that agree in everything some dimensions look at, so that one of them can stand for all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import pyarrow as pa

from tollspan_rater.cost.rates import Unknown
from tollspan_rater.query.rated import RatedCall, decision_of, segment_at
from tollspan_rater.query.scope import Scope, column_of
from tollspan_rater.query.selection import CallRow, Selection, customers_of
from tollspan_rater.query.window import WINDOWS, edges
from tollspan_rater.rating.marginal import ChargedCall

_OF_DECISION: Final = ("environment", "phase", "outcome", "billable", "attempt", "retried", "quality")
_NEEDS: Final[Mapping[str, tuple[str, ...]]] = {  # what a dimension is worked out from, beside time
    "reason": ("customer", *_OF_DECISION),
    "plan": ("customer",),
    "currency": ("customer",),
    "period": ("customer",),
    "segment": ("customer",),
}
_PLACE: Final = {name: place for place, name in enumerate(CallRow._fields)}


def part_keys(dimensions: Iterable[str]) -> list[str]:
    """Return the columns of calls that some dimensions look at; windows of time look at none of them."""
    columns = (key for name in dimensions for key in _NEEDS.get(name, (column_of(name),)))
    return list(dict.fromkeys(key for key in columns if key in _PLACE))


def part_steps(scope: Scope, selection: Selection, dimensions: Sequence[str], span: tuple[int, int]) -> pa.Table:
    """Return the instants (``edge``, numbered by ``step``) between which all dimensions of a customer stay the same.

    ``span`` has the service times of the first and the last selected call.
    """
    found = set(edges([name for name in dimensions if name in WINDOWS], scope.zone, span))
    if any(name in _NEEDS for name in dimensions):
        for name in customers_of(scope.connection, selection):
            for period in scope.accounts.periods(name, *span):
                found.update(segment.start_ns for segment in scope.accounts.segments(name, period))
    return pa.table({"edge": pa.array(sorted(found), pa.int64()), "step": pa.array(range(len(found)), pa.int64())})


def stand_in(scope: Scope, started_ns: int, cells: Mapping[str, Any]) -> RatedCall:
    """Return a part as a rated call without money: enough to read the dimensions whose columns it holds."""
    values: list[Any] = [None] * len(_PLACE)
    for name, value in {**cells, "started_ns": started_ns}.items():
        values[_PLACE[name]] = value
    row, accounts = CallRow._make(values), scope.accounts
    period = accounts.period_at(row.customer, row.started_ns)
    segment = segment_at(accounts.segments(row.customer, period), row.started_ns)
    decision = decision_of(row, segment, accounts.customer(row.customer).phase)
    plan, currency = (None, None) if segment.plan is None else (segment.plan.name, segment.plan.currency)
    charged = ChargedCall(None, decision.reason, segment.version, currency)
    return RatedCall(row, period, plan, decision, charged, Unknown("unmeasured", "only quantities were asked for"))
