"""Groups of calls as the rows of an answer: order, shares, totals, and what has to be said about them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Final

from tollspan_rater.domain.money import EXACT, exact_sum
from tollspan_rater.errors import UsageError
from tollspan_rater.query.answer import Answer, Cell
from tollspan_rater.query.grouping import TOKEN_COLUMNS, ZERO, Key, Sums, share
from tollspan_rater.query.scope import Scope
from tollspan_rater.query.wording import plain

Row = dict[str, Cell]

_CURRENCY_OF: Final[Mapping[str, str]] = {
    "charge": "currency", "revenue": "currency", "base_fees": "currency", "modifiers": "currency",
    "imported": "currency",
    "cost": "cost_currency",
}  # fmt: skip
_POTS: Final[Mapping[str, str]] = {**_CURRENCY_OF, "margin": "currency"}  # whose parts are of one whole
_AMOUNTS: Final = (*_POTS, "quantity")
_COUNTED: Final = ("calls", "units", *TOKEN_COLUMNS, "total_tokens", "unmeasured", "unpriced", "unknown_cost")


def rows_of(groups: Mapping[Key, Sums], by: Sequence[str]) -> list[Row]:
    """Return a row for each group: its dimensions, measures and the currency of the plan.

    Amounts are as they came out: of thousands of rows few may be shown (:func:`answered`).
    """
    return [
        {**dict(zip(by, key[:-1], strict=True)), **sums.measures(), "currency": key[-1]}
        for key, sums in sorted(groups.items(), key=lambda item: tuple(str(value) for value in item[0]))
    ]


def ordered(rows: list[Row], sort: str, columns: Sequence[str]) -> list[Row]:
    """Return rows largest first by a measure, unknown last, or in the order of a dimension.

    Raises:
        UsageError: the answer has no such column.
    """
    if sort not in columns:
        raise UsageError(f"there is no column {sort!r} to sort by; there are: {', '.join(columns)}")
    if any(isinstance(row[sort], str) for row in rows):
        return sorted(rows, key=lambda row: (row[sort] is None, str(row[sort])))
    return sorted(rows, key=lambda row: (row[sort] is None, -number(row[sort])))


def add_shares(rows: Sequence[Row], measure: str, params: Mapping[str, str]) -> None:
    """Add each shown row's share of a measure in percent, and the share of all rows down to it, in the order given.

    Money is shared within its currency, counts within all rows. What is unknown has no share.
    """
    known = all(measure in row for row in rows)
    whole = wholes(rows, measure) if known else {}
    down: dict[str | None, Decimal] = {}
    for row in shown(rows, params):
        row["share"] = row["cumulative_share"] = None
        if not known or row[measure] is None:
            continue
        pot = pot_of(row, measure)
        down[pot] = EXACT.add(down.get(pot, ZERO), number(row[measure]))
        row["share"] = share(number(row[measure]), whole[pot])
        row["cumulative_share"] = share(down[pot], whole[pot])


def shown(rows: Sequence[Row], params: Mapping[str, str]) -> Sequence[Row]:
    """Return the first rows, as many as are asked for."""
    return rows[: int(params["top"])] if "top" in params else rows


def number(cell: Cell) -> Decimal:
    """Return a numeric cell as a decimal, unknown as nothing."""
    if isinstance(cell, Decimal):
        return cell
    return ZERO if cell is None else Decimal(cell if isinstance(cell, int) else str(cell))


def _added(cells: Sequence[Cell]) -> Decimal:
    whole = [cell for cell in cells if isinstance(cell, int)]
    return Decimal(sum(whole)) if len(whole) == len(cells) else exact_sum(map(number, cells))


def wholes(rows: Sequence[Row], measure: str) -> dict[str | None, Decimal]:
    """Add a measure up, money by its currency; the key of a count is None."""
    if measure not in _POTS:
        return {None: _added([row[measure] for row in rows])} if rows else {}
    pots: dict[str | None, list[Decimal]] = {}
    for row in rows:
        pots.setdefault(pot_of(row, measure), []).append(number(row[measure]))
    return {pot: exact_sum(amounts) for pot, amounts in pots.items()}


def pot_of(row: Row, measure: str) -> str | None:
    """Return the currency that a measure of a row is in, None for a count."""
    currency = row[_POTS[measure]] if measure in _POTS else None
    return None if currency is None else str(currency)


def totals(rows: Sequence[Row], columns: Sequence[str]) -> Row | None:
    """Add the rows up; a column of money only when all of it is in one currency."""
    if not rows:
        return None
    found: Row = {}
    for name in (name for name in columns if name in _COUNTED or name in _CURRENCY_OF):
        known = [row for row in rows if row[name] is not None]
        sums = wholes(known, name)
        if len(sums) == 1:
            ((pot, total),) = sums.items()
            found[name] = plain(total) if name in _CURRENCY_OF else int(total)
            if pot is not None:
                found[_CURRENCY_OF[name]] = pot
    return found


def answered(
    scope: Scope,
    title: str,
    columns: Sequence[str],
    rows: list[Row],
    groups: Mapping[Key, Sums],
    params: Mapping[str, str],
    total: Row | None,
    path: str,
) -> Answer:
    """Return rows as an answer: cut to the asked number, people by name, with what has to be said."""
    first: Sequence[Row] = [row | dict(_plainly(row)) for row in shown(rows, params)]
    if "user" in columns:
        first = scope.people(first)
    notes = list(_notes(groups.values(), len(rows) - len(first)))
    return Answer(title, columns, first, scope.as_of, scope.zone, notes, total, details={"path": path})


def _plainly(row: Row) -> Iterator[tuple[str, Cell]]:
    for name in _AMOUNTS:
        amount = row.get(name)
        if isinstance(amount, Decimal):
            yield name, plain(amount)


def _notes(groups: Iterable[Sums], hidden: int) -> Iterator[str]:
    found = list(groups)
    unpriced = sum(sums.unpriced for sums in found)
    unknown = sum(sums.unknown_cost for sums in found)
    unmeasured = sum(sums.unmeasured for sums in found)
    if unpriced:
        yield f"{unpriced:,} calls have no price of ours: tollspan usage --unpriced --by customer,model,reason"
    if unknown:
        yield f"{unknown:,} calls have no known provider cost; it is not counted as 0"
    if unmeasured:
        yield f"{unmeasured:,} calls state no usage; they are not counted as 0"
    if any(len(sums.costs) > 1 for sums in found):
        yield "costs in several currencies are never added: such a row has no cost"
    if hidden:
        yield f"{hidden:,} more rows are not shown"
