"""The answer about one meter: its aggregate by dimensions and windows, with shares where parts make a whole."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from tollspan_rater.errors import UsageError
from tollspan_rater.query.answer import Answer
from tollspan_rater.query.metering import AGGREGATES, Events, metered
from tollspan_rater.query.scope import Scope, reader
from tollspan_rater.query.tabulate import Row, add_shares, ordered, shown
from tollspan_rater.query.wording import plain

_ADDABLE: Final = ("sum", "count")  # groups of these add up to the whole
COLUMNS: Final = ("meter", "aggregate", "value", "events", "unstated", "share", "cumulative_share")


def meter_usage(scope: Scope, params: Mapping[str, str], by: Sequence[str]) -> Answer:
    """Answer: one aggregate of one meter, by any dimensions.

    Raises:
        UsageError: ``unique`` without what is counted, or a dimension to count without ``unique``.
    """
    aggregate = params.get("aggregate", "sum")
    if (aggregate == "unique") != ("of" in params):
        raise UsageError("--aggregate unique --of user counts different users: give both or none")
    by = [name for name in by if name != "meter"]
    groups = metered(scope, params, [reader(scope, name) for name in by], by)
    rows = [
        dict(zip(by, key, strict=True)) | _cells(params["meter"], aggregate, events)
        for key, events in sorted(groups.items(), key=lambda item: tuple(str(value) for value in item[0]))
        if events.count
    ]
    columns = (*by, *COLUMNS)
    rows = ordered(rows, params["sort"] if params.get("sort") in columns else "value", columns)
    whole: Row | None = None
    if aggregate in _ADDABLE and rows:
        add_shares(rows, "value", params)
        together = _together(groups.values())
        whole = {"value": plain(AGGREGATES[aggregate](together)), "events": together.count}
    first = shown(rows, params)
    if "user" in columns:
        first = scope.people(first)
    notes = list(_notes(params["meter"], groups.values(), len(rows) - len(first)))
    return Answer("Usage", columns, first, scope.as_of, scope.zone, notes, whole)


def _cells(meter: str, aggregate: str, events: Events) -> Row:
    return {
        "meter": meter,
        "aggregate": aggregate,
        "value": plain(AGGREGATES[aggregate](events)),
        "events": events.count,
        "unstated": events.unstated,
        **dict.fromkeys(("share", "cumulative_share")),
    }


def _together(groups: Iterable[Events]) -> Events:
    whole = Events()
    for events in groups:
        whole.add(events)
    return whole


def _notes(meter: str, groups: Iterable[Events], hidden: int) -> Iterator[str]:
    if not any(events.count for events in groups):
        yield f"nothing states a quantity of {meter}: tollspan usage --by meter shows what there is"
    if hidden:
        yield f"{hidden:,} more rows are not shown"
