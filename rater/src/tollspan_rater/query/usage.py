"""Who used what: rated calls of a span of time, added up by any dimensions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Final

from tollspan_rater.domain.money import EXACT
from tollspan_rater.query.answer import Answer, Cell
from tollspan_rater.query.grouping import TOKEN_COLUMNS, Sums, group, share
from tollspan_rater.query.scope import Scope, currency_of, rated_calls
from tollspan_rater.query.wording import plain

MEASURES: Final = ("charge", "cost", "margin", "calls", "input_tokens", "output_tokens", "total_tokens")


def usage(scope: Scope, params: Mapping[str, str]) -> Answer:
    """Answer: calls, tokens by kind, charge, cost and share, by any dimensions."""
    by = params.get("by", "customer").split(",")
    groups = group(rated_calls(scope, params), by, scope.zone, currency_of(scope))
    sort = params.get("sort", "charge")
    rows = _rows(groups, by, sort)
    columns = (
        *by, "calls", *TOKEN_COLUMNS, "total_tokens", "charge", "currency", "cost", "share",
        "unmeasured", "unpriced", "unknown_cost",
    )  # fmt: skip
    return answered(scope, "Usage", columns, rows, groups, params)


def ordered(
    groups: Mapping[tuple[str | None, ...], Sums], by: Sequence[str], sort: str
) -> list[tuple[dict[str, Cell], tuple[str | None, ...]]]:
    """Return a row for each group with its key, largest first by a measure, or in the order of a dimension."""
    found = []
    for key, sums in groups.items():
        row: dict[str, Cell] = dict(zip(by, key[:-1], strict=True)) | sums.cells() | {"currency": key[-1]}
        found.append((row, key))
    found.sort(key=lambda pair: tuple(str(value) for value in pair[1]))
    if sort in MEASURES and sort != "margin":
        found.sort(key=lambda pair: (pair[0][sort] is None, -Decimal(str(pair[0][sort] or 0))))
    elif sort in by:
        found.sort(key=lambda pair: str(pair[0][sort]))
    return found


def _rows(groups: Mapping[tuple[str | None, ...], Sums], by: Sequence[str], sort: str) -> list[dict[str, Cell]]:
    measure = sort if sort in MEASURES and sort != "margin" else "total_tokens"
    pairs = ordered(groups, by, sort)
    wholes: dict[Cell, Decimal] = {}
    for row, _key in pairs:
        pot = row["currency"] if measure in {"charge", "cost"} else None
        wholes[str(pot)] = EXACT.add(wholes.get(str(pot), Decimal(0)), Decimal(str(row[measure] or 0)))
    for row, _key in pairs:
        pot = row["currency"] if measure in {"charge", "cost"} else None
        value = row[measure]
        row["share"] = None if value is None else share(Decimal(str(value)), wholes[str(pot)])
    return [row for row, _key in pairs]


def answered(
    scope: Scope,
    title: str,
    columns: Sequence[str],
    rows: Sequence[dict[str, Cell]],
    groups: Mapping[tuple[str | None, ...], Sums],
    params: Mapping[str, str],
) -> Answer:
    """Return rows as an answer: cut to the asked number, with totals and what has to be said about them."""
    shown = rows[: int(params["top"])] if "top" in params else rows
    if "user" in columns:
        shown = scope.people(shown)
    return Answer(
        title,
        columns,
        shown,
        scope.as_of,
        scope.zone,
        list(_notes(groups.values(), len(rows) - len(shown))),
        _totals(rows, columns),
    )


_ADDED: Final = (
    "calls", *TOKEN_COLUMNS, "total_tokens", "charge", "cost", "revenue", "base_fees", "margin",
    "unmeasured", "unpriced", "unknown_cost",
)  # fmt: skip
_IN_CURRENCY: Final = frozenset({"charge", "revenue", "base_fees", "margin", "cost"})


def _totals(rows: Sequence[Mapping[str, Cell]], columns: Sequence[str]) -> dict[str, Cell] | None:
    """Add the rows up; money only when all of it is in one currency."""
    if not rows:
        return None
    currencies = {row["currency"] for row in rows if row.get("currency") is not None}
    totals: dict[str, Cell] = {}
    for name in columns:
        known = [row[name] for row in rows if row.get(name) is not None]
        if name not in _ADDED or not known or (name in _IN_CURRENCY and len(currencies) > 1):
            continue
        total = Decimal(0)
        for value in known:
            total = EXACT.add(total, Decimal(str(value)))
        totals[name] = plain(total) if name in _IN_CURRENCY else int(total)
    if len(currencies) == 1:
        totals["currency"] = currencies.pop()
    return totals


def _notes(groups: Iterable[Sums], hidden: int) -> Iterator[str]:
    found = list(groups)
    unpriced = sum(sums.unpriced for sums in found)
    unknown = sum(sums.unknown_cost for sums in found)
    unmeasured = sum(sums.unmeasured for sums in found)
    if unpriced:
        yield f"{unpriced} calls have no price of ours: tollspan usage --unpriced --by customer,model,reason"
    if unknown:
        yield f"{unknown} calls have no known provider cost; it is not counted as 0"
    if unmeasured:
        yield f"{unmeasured} calls state no usage; they are not counted as 0"
    if hidden:
        yield f"{hidden} more rows are not shown"
