"""One meter in windows of time and by any dimension: its sum, count, different values, largest or latest one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from tollspan_rater.domain.money import EXACT
from tollspan_rater.domain.usage import TOKEN_FIELDS
from tollspan_rater.errors import UsageError
from tollspan_rater.pricing.tree import TOKENS
from tollspan_rater.query.grouping import ZERO
from tollspan_rater.query.parts import part_keys, part_steps, stand_in
from tollspan_rater.query.rated import RatedCall
from tollspan_rater.query.scope import Scope, Wanted, asked_selection
from tollspan_rater.query.selection import Selection, bounds, current
from tollspan_rater.query.standing import any_chained
from tollspan_rater.store.filled import filled

_EXACT_SQL: Final = "DECIMAL(38, 12)"
_FOUND: Final = """
    WITH found AS ({found}),
    metered AS (
        SELECT found.*, metering_steps.step AS step,
               CASE kind WHEN 'unit' THEN CASE WHEN meter = ? THEN quantity END ELSE {amount} END AS amount
        FROM found ASOF JOIN metering_steps ON found.started_ns >= metering_steps.edge
    )
    SELECT {keys} count(amount), count(*) FILTER (WHERE amount IS NULL AND kind = 'call'), min(started_ns),
           sum(amount), max(amount), arg_max(amount, (started_ns, call_id)) FILTER (WHERE amount IS NOT NULL),
           max((started_ns, call_id)) FILTER (WHERE amount IS NOT NULL), {values}
    FROM metered GROUP BY {keys} step
"""


@dataclass(slots=True)
class Events:
    """The events of a meter in one group: calls and unit measures that state a quantity of it.

    ``unstated`` counts calls that do not say how much it was. ``values`` are the different ones of a dimension.
    """

    count: int = 0
    unstated: int = 0
    sum: Decimal = ZERO
    most: Decimal | None = None
    latest: Decimal | None = None
    latest_at: tuple[int, str] = (0, "")
    values: set[str] = field(default_factory=set)

    def add(self, other: Events) -> None:
        """Take in the events of another group."""
        self.count += other.count
        self.unstated += other.unstated
        self.sum = EXACT.add(self.sum, other.sum)
        self.values |= other.values
        if other.most is not None:
            self.most = other.most if self.most is None else max(self.most, other.most)
        if other.latest is not None and (self.latest is None or other.latest_at > self.latest_at):
            self.latest, self.latest_at = other.latest, other.latest_at


AGGREGATES: Final[Mapping[str, Callable[[Events], Decimal | None]]] = {
    "sum": lambda events: events.sum,
    "count": lambda events: Decimal(events.count),
    "unique": lambda events: Decimal(len(events.values)),
    "max": lambda events: events.most,
    "latest": lambda events: events.latest,
}


def metered(
    scope: Scope, params: Mapping[str, str], readers: Sequence[Callable[[RatedCall], str | None]], by: Sequence[str]
) -> dict[tuple[str | None, ...], Events]:
    """Return the events of the asked meter by dimensions; the database adds up what one row of ``by`` holds.

    Quantities are inclusive, as usage states them: ``input`` holds what was read from a cache. ``reason`` is that of
    the decision on the usage, before prices and allowances.

    Raises:
        UsageError: a filter that only prices can tell.
    """
    if "unpriced" in params:
        raise UsageError("--unpriced is about prices, --meter about quantities: ask one after the other")
    wanted, selection = Wanted(params, scope), asked_selection(scope, params)
    span = bounds(scope.connection, selection)
    found: dict[tuple[str | None, ...], Events] = {}
    if span is None:
        return found
    names = list(dict.fromkeys([*by, *wanted.names]))
    for call, events in _parts(scope, params, selection, names, span):
        if wanted(call):
            found.setdefault(tuple(read(call) for read in readers), Events()).add(events)
    return found


def _parts(
    scope: Scope, params: Mapping[str, str], selection: Selection, names: Sequence[str], span: tuple[int, int]
) -> Iterator[tuple[RatedCall, Events]]:
    """Yield events that agree in everything a dimension looks at, each with a call that stands for them."""
    keys, steps = part_keys(names), part_steps(scope, selection, names, span)
    query, values = current(selection, chained=any_chained(scope.connection, selection.tenant))
    meter = params["meter"]
    amount, bound = _amount(meter)
    listed = "".join(f'"{key}", ' for key in keys)
    different = (
        "[]" if "of" not in params else f'list(DISTINCT "{params["of"]}"::VARCHAR) FILTER (WHERE amount IS NOT NULL)'
    )
    text = _FOUND.format(found=query, amount=amount, keys=listed, values=different)
    scope.connection.register("metering_steps", steps)
    try:
        rows = scope.connection.execute(text, [*values, meter, *bound]).fetchall()
    finally:
        scope.connection.unregister("metering_steps")
    for row in rows:
        count, unstated, started_ns, total, most, latest, latest_at, said = row[len(keys) :]
        different_values = {value for value in said or () if value is not None}
        events = Events(count, unstated, total or ZERO, most, latest, latest_at or (0, ""), different_values)
        yield stand_in(scope, started_ns, dict(zip(keys, row, strict=False))), events


def _amount(meter: str) -> tuple[str, list[str]]:
    """Return the SQL of how much of a meter a call states, and its bound values."""
    if meter in TOKEN_FIELDS:
        return f"{filled(meter)}::{_EXACT_SQL}", []
    if meter == TOKENS:
        both = [filled("input"), filled("output")]
        known = " OR ".join(f"{part} IS NOT NULL" for part in both)
        total = " + ".join(f"coalesce({part}, 0)" for part in both)
        return f"CASE WHEN {known} THEN ({total})::{_EXACT_SQL} END", []
    if meter == "request":
        return f"1::{_EXACT_SQL}", []
    return f"CAST(units::JSON AS MAP(VARCHAR, {_EXACT_SQL}))[?]", [meter]
