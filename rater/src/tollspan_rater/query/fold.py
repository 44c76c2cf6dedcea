"""Rows of sums folded into one for each value of an answer's dimensions: the database adds up what kinds come to.

The engine says of each kind of calls by which lines charge and cost follow from its counts
(:mod:`tollspan_rater.query.linear_money`); the database multiplies, in whole numbers, and adds up.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

import duckdb
import pyarrow as pa

from tollspan_rater.cost.rates import Unknown
from tollspan_rater.domain.money import EXACT
from tollspan_rater.domain.usage import TOKEN_FIELDS
from tollspan_rater.query.charge_query import LIMIT
from tollspan_rater.query.grouping import TOKEN_COLUMNS, Sums
from tollspan_rater.query.linear_money import KindMoney, Line, LinearMoney
from tollspan_rater.query.price_sql import digits_of, whole
from tollspan_rater.query.rated import Alike, RatedCall
from tollspan_rater.query.selection import CallRow
from tollspan_rater.query.sum_query import PLACE, SumQuery

ENOUGH: Final = 8  # rows of one kind from which on its lines are worth finding
FEW: Final = 400  # rows that are read as they are
_TABLE: Final = "CREATE OR REPLACE TEMP TABLE sums AS SELECT * FROM ({sql}) AS summed ({columns})"
# The first row of each kind that has enough of them, and what all its rows come to at most.
_KINDS: Final = """
    SELECT sums.*, many, {most} FROM (
        SELECT min(rowid) AS first, count(*) AS many, {sums} FROM sums WHERE alike IS NOT NULL
        GROUP BY alike, amount IS NULL HAVING count(*) >= ?
    ) AS kinds JOIN sums ON sums.rowid = kinds.first
"""
_SAME: Final = "sums.alike = kinds.alike AND (sums.amount IS NULL) = kinds.free"
_REST: Final = "SELECT sums.* FROM sums ANTI JOIN fold_kinds AS kinds ON {same}"
_FOLD: Final = """
    WITH kinds AS MATERIALIZED (SELECT * REPLACE ({whole}) FROM fold_kinds)
    SELECT {selected} FROM sums JOIN kinds ON {same} GROUP BY {keys}
"""
Factors = Mapping[str, Decimal]  # what one more of each column of sums adds
Tell = Callable[[RatedCall], Hashable]


@dataclass(frozen=True, slots=True)
class _Kind:
    """Rows that agree in everything that decides on money; ``free`` of charges of their own.

    ``rated`` is one of them. ``charge`` and ``cost`` are None where they are not known. ``most`` is the sum of each
    column's absolute values, ``rows`` how many there are.
    """

    digest: int
    free: bool
    rated: RatedCall
    charge: Factors | None
    cost: Factors | None
    most: Mapping[str, int]
    rows: int

    @property
    def currency(self) -> str | None:
        """The currency of a known cost."""
        return None if isinstance(self.rated.cost, Unknown) else self.rated.cost.currency

    @property
    def unpriced(self) -> bool:
        """Whether anything of the calls has no price."""
        return self.rated.charged.amount is None or bool(self.rated.charged.unpriced)


def folded(
    connection: duckdb.DuckDBPyConnection, asked: SumQuery, money: LinearMoney, dimensions: Sequence[str], tell: Tell
) -> tuple[Iterator[tuple[RatedCall, Sums]], list[Alike]]:
    """Ask a query and return :meth:`SumsTable.folded` of its rows; few are read as they are, without a table."""
    if asked.few:
        return iter(()), list(map(asked.alike, connection.execute(asked.sql, asked.values).fetchall()))
    table = SumsTable(connection, asked)
    found = table.folded(money, dimensions, tell)
    table.drop()
    return found


class SumsTable:
    """The rows of sums of a query, kept in the database until they are dropped."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, asked: SumQuery) -> None:
        self._connection, self._asked = connection, asked
        columns = ", ".join(f'"{name}"' for name in asked.columns.all)
        [(self._rows,)] = connection.execute(_TABLE.format(sql=asked.sql, columns=columns), asked.values).fetchall()
        self._counts = [name for name in asked.columns.summed if name in TOKEN_FIELDS]

    def drop(self) -> None:
        """Forget the rows."""
        self._connection.execute("DROP TABLE sums")

    def folded(
        self, money: LinearMoney, dimensions: Sequence[str], tell: Tell
    ) -> tuple[Iterator[tuple[RatedCall, Sums]], list[Alike]]:
        """Return rows folded by columns, times and what ``tell`` says of their kind, and the rows that stay apart.

        A folded row comes with a call in which its dimensions can be read. Rows stay apart where they are few, where
        their money follows no line, and unit measures.
        """
        kinds = list(self._kinds(money)) if self._rows >= FEW else []
        telling = [tell(kind.rated) for kind in kinds]
        numbers = {said: number for number, said in enumerate(dict.fromkeys(telling))}
        told = [numbers[said] for said in telling]
        named = [name for name in dimensions if name in self._asked.columns.named]
        query = _FoldQuery(kinds, told, self._counts)
        if not kinds or query.most >= LIMIT:
            return iter(()), self._alike("FROM sums")
        self._connection.register("fold_kinds", query.kinds)
        try:
            rows = self._connection.execute(query.sql(named)).fetchall()
            all_folded = sum(kind.rows for kind in kinds) == self._rows
            rest = [] if all_folded else self._alike(_REST.format(same=_SAME))
        finally:
            self._connection.unregister("fold_kinds")
        standing_for = dict(zip(told, (kind.rated for kind in kinds), strict=True))
        return query.read(rows, named, standing_for), rest

    def _alike(self, sql: str) -> list[Alike]:
        return list(map(self._asked.alike, self._connection.execute(sql).fetchall()))

    def _kinds(self, money: LinearMoney) -> Iterator[_Kind]:
        """Yield the kinds of which there are enough rows, and whose lines are known."""
        added = ["calls", *self._counts, "amount"]
        sums = ", ".join(f'sum(abs("{name}")) AS "most_{name}"' for name in added)
        most = ", ".join(f'"most_{name}"' for name in added)
        rows = self._connection.execute(_KINDS.format(sums=sums, most=most), [ENOUGH]).fetchall()
        width = len(self._asked.columns.all)
        for row in rows:
            group = self._asked.alike(row[:width])
            lines = None if group.row.kind == "unit" or group.kind is None else money.lines(group)
            if lines is not None and group.kind is not None:
                known = {name: int(value or 0) for name, value in zip(added, row[width + 1 :], strict=True)}
                charge = self._charge(lines, group)
                rated = lines.of(group)
                yield _Kind(group.kind, group.charge is None, rated, charge, _factors(lines.cost), known, row[width])

    def _charge(self, lines: KindMoney, group: Alike) -> Factors | None:
        if group.charge is not None and lines.takes_charges:
            return {"amount": EXACT.scaleb(Decimal(1), -self._asked.charging.digits)}
        return _factors(lines.charge)


def _factors(line: Line | None) -> Factors | None:
    if line is None:
        return None
    return {"calls": line.each, **{CallRow._fields[place]: factor for place, factor in line.factors}}


class _FoldQuery:
    """The query that folds rows, and what its results are; ``told`` numbers what is told of each kind.

    ``most`` is what no number in it is beyond, either way.
    """

    def __init__(self, kinds: Sequence[_Kind], told: Sequence[int], counts: Sequence[str]) -> None:
        self._columns = ["calls", *counts, "amount"]
        self._tokens = {column: name for column, name in TOKEN_COLUMNS.items() if name in counts}
        self._currencies = sorted({kind.currency for kind in kinds if kind.currency is not None})
        lines = [line for kind in kinds for line in (kind.charge, kind.cost) if line is not None]
        self._digits = max((digits_of(factor) for line in lines for factor in line.values()), default=0)
        scaled = [[self._scaled(line) for line in (kind.charge, kind.cost)] for kind in kinds]
        self.most = sum(
            abs(factor) * max(kind.most[name], 1)
            for kind, lines in zip(kinds, scaled, strict=True)
            for line in lines
            for name, factor in line.items()
        )
        self._factors = {
            f"{which}_{name}": [str(lines[place].get(name, 0)) for lines in scaled]
            for place, which in enumerate(("charge", "cost"))
            for name in self._columns
            if any(lines[place].get(name) for lines in scaled)
        }
        self.kinds = pa.table(
            {
                "alike": pa.array([kind.digest for kind in kinds], pa.uint64()),
                "free": [kind.free for kind in kinds],
                "told": pa.array(told, pa.int32()),
                "priced": [kind.charge is not None for kind in kinds],
                "unpriced": [kind.unpriced for kind in kinds],
                "measured": [kind.rated.row.usage.measured for kind in kinds],
                "currency": pa.array([kind.currency for kind in kinds], pa.string()),
                **self._factors,
            }
        )

    def sql(self, named: Sequence[str]) -> str:
        """Return the SQL of the rows, apart by some columns."""
        columns = [f'"{name}"' for name in named]
        selected = [
            *columns, "told", "min(started_ns)", "sum(calls)", "sum(calls) FILTER (WHERE NOT measured)",
            "sum(calls) FILTER (WHERE unpriced)", "sum(calls) FILTER (WHERE currency IS NULL)",
            *(f'sum("{name}")' for name in self._tokens.values()),
            f"sum({self._product('charge')}) FILTER (WHERE priced)",
            *(f"sum({self._product('cost')}) FILTER (WHERE currency = '{one}')" for one in self._currencies),
        ]  # fmt: skip
        exact = ", ".join(f"{name}::HUGEINT AS {name}" for name in self._factors) or "told AS told"
        return _FOLD.format(
            same=_SAME, whole=exact, selected=", ".join(selected), keys=", ".join([*columns, "told", "step"])
        )

    def read(
        self, rows: Sequence[tuple[Any, ...]], named: Sequence[str], standing_for: Mapping[int, RatedCall]
    ) -> Iterator[tuple[RatedCall, Sums]]:
        """Yield the rows, each with a call that stands for it."""
        places = [PLACE[name] for name in named]
        start, width = PLACE["started_ns"], len(named)
        for row in rows:
            told, started_ns, calls, unmeasured, unpriced, unknown, *more = row[width:]
            known = standing_for[told]
            cells: list[Any] = list(known.row)
            for place, value in zip(places, row, strict=False):
                cells[place] = value
            cells[start] = started_ns
            row_of = CallRow._make(cells)
            call = RatedCall(row_of, known.period, known.plan, known.decision, known.charged, known.cost, int(calls))
            yield call, self._sums(int(calls), (unmeasured, unpriced, unknown), more)

    def _sums(self, calls: int, counted: Sequence[int | None], more: Sequence[int | None]) -> Sums:
        unmeasured, unpriced, unknown = (int(count or 0) for count in counted)
        width = len(self._tokens)
        tokens = {name: int(count) for name, count in zip(self._tokens, more, strict=False) if count is not None}
        charge, *costs = (None if one is None else EXACT.scaleb(Decimal(one), -self._digits) for one in more[width:])
        known = {name: cost for name, cost in zip(self._currencies, costs, strict=True) if cost is not None}
        return Sums(calls, unmeasured, 0, None, tokens, charge, unpriced, known, unknown)

    def _scaled(self, line: Factors | None) -> dict[str, int]:
        return {name: whole(factor, self._digits) for name, factor in (line or {}).items() if factor}

    def _product(self, which: str) -> str:
        found = [name for name in self._columns if f"{which}_{name}" in self._factors]
        parts = (f'coalesce("{name}"::HUGEINT, 0) * {which}_{name}' for name in found)
        return " + ".join(parts) or "0::HUGEINT"
