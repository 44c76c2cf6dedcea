"""The query of marginal charges for calls of one tariff: running sums by component, what they cost before and after.

Whole numbers only: quantities and amounts are scaled by powers of ten, and no number can leave 128 bits. What some
calls that follow each other add to the bill is the same question: they are one row then, as if they were one call.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final

import pyarrow as pa

from tollspan_rater.query.added_sql import AddedSql
from tollspan_rater.query.call_kind import DIGITS, Kind, digest_sql
from tollspan_rater.query.linear_form import QUANTITY
from tollspan_rater.query.price_sql import Scaled, amount_sql, expressible, linear, units_sql, whole
from tollspan_rater.query.spell import FOUND
from tollspan_rater.rating.tariff import Tariff

ZERO: Final = Decimal(0)
_MOST_QUANTITY: Final = Decimal(10) ** (37 - 2 * DIGITS)  # a decimal has 38 digits
LIMIT: Final = 10**37  # 128 bits hold 1.7e38; nothing, and no sum of charges, may come near it


@dataclass(frozen=True, slots=True)
class ChargeQuery:
    """``sql`` selects call_id, amount (times ``10**digits``) and whether an allowance took all of the call.

    It joins a table ``call_kinds`` (``kinds``) and takes the values of :func:`~tollspan_rater.query.spell.registered`
    and ``since``, the service time before which calls only count. No amount is beyond ``most``. Of stints it selects
    the place of a spell, the service time of some call, and amount.
    """

    sql: str
    digits: int
    most: int
    kinds: pa.Table


def says(tariff: Tariff) -> bool:
    """Tell whether every amount of a tariff can be said in SQL."""
    return not tariff.wants_cost and all(expressible(component.item) for component in tariff.components)


@dataclass(frozen=True, slots=True)
class Stints:
    """What is charged as one instead of each call: what a spell has of a step in time.

    ``found`` is what calls are read from, added up or not, and ``step`` the SQL of a row's step, as ``join`` provides
    it. With ``together``, stints of all bills are added up in the end where their spells hold the same.
    """

    found: str
    step: str
    join: str
    together: bool


def charge_query(
    tariff: Tariff, kinds: Sequence[Kind], *, one_bill: bool, stints: Stints | None = None
) -> ChargeQuery | None:
    """Compose the query for calls of some kinds; None when a number could become too large.

    ``one_bill``: all calls are of one customer and period.
    """
    added = AddedSql([kind for kind in kinds if kind.forms], [pool.quantity for pool in tariff.pools])
    charge = _Charge(tariff, added)
    calls = max(sum(kind.calls for kind in kinds), 1)
    if charge.peak >= LIMIT or charge.most * calls >= LIMIT or any(map(_too_fine, kinds)):
        return None
    one, added_up, last = _by_call(charge) if stints is None else _by_stint(charge, added, stints)
    partition = "" if one_bill else "PARTITION BY bill "
    window = f"{partition}ORDER BY {', '.join(one.order)} ROWS UNBOUNDED PRECEDING"
    sums = [f"sum(q{index}) OVER counting AS s{index}" for index in charge.running]
    columns = [*added.columns(), "weight::BIGINT AS weight", f"{digest_sql(tariff.dimensions)} AS digest"]
    stages = [
        (_list(one.first, columns), one.join),
        (_list(one.head, added.quantities()), "JOIN call_kinds USING (digest)"),
        *added_up,
        (_list("*", sums), f"WINDOW counting AS ({window})"),
        *((columns, "") for columns in charge.allowances()),
        (_list("*", charge.billable()), ""),
        (_list("*", charge.converted), ""),
        *last,
    ]
    return ChargeQuery(_chained(one.found, stages), charge.digits, charge.most, added.table)


@dataclass(frozen=True, slots=True)
class _One:
    """What is charged as one: how it is found, told apart (``head``, first as ``first``), and put in order."""

    found: str
    first: Sequence[str]
    head: Sequence[str]
    order: Sequence[str]
    join: str = ""


_Stages = Sequence[tuple[str, str]]  # what each selects from the one before it, and what follows that


def _by_call(charge: _Charge) -> tuple[_One, _Stages, _Stages]:
    head = ("call_id", "started_ns", "bill")
    said = f"call_id, ({charge.sql})::HUGEINT AS amount, {charge.included} AS included"
    return _One(FOUND, head, head, ("started_ns", "call_id")), (), [(said, "WHERE started_ns >= $since")]


def _by_stint(charge: _Charge, added: AddedSql, of: Stints) -> tuple[_One, _Stages, _Stages]:
    before = "started_ns < $since"  # is a stint of its own, which only counts
    first = ("found.place", "number", "bill", "started_ns", f"CASE WHEN {before} THEN -1 ELSE {of.step} END AS step")
    head, keys = ("place", "number", "bill", "started_ns", "step"), "bill, place, number, step"
    sums = [f"sum(q{index})::HUGEINT AS q{index}" for index in added.components]
    added_up = [(_list((keys, "min(started_ns) AS started_ns"), sums), f"GROUP BY {keys}")]
    last = [(f"place, number, step, started_ns, ({charge.sql})::HUGEINT AS amount", "WHERE step >= 0")]
    if of.together:
        last += [("min(place) AS place, min(started_ns) AS started_ns, sum(amount) AS amount", "GROUP BY number, step")]
    last += [("place, started_ns, amount", "WHERE amount <> 0")]
    return _One(of.found, first, head, ("place", "step"), of.join), added_up, last


def _too_fine(kind: Kind) -> bool:
    """Tell whether a sum of quantities with decimals could leave the 38 digits of a decimal on its way."""
    return kind.most.get(QUANTITY, ZERO) >= _MOST_QUANTITY


def _chained(found: str, stages: _Stages) -> str:
    """Return one query of stages that begin with what is found."""
    named, source = "", "found"
    for number, (columns, more) in enumerate(stages):
        named += f", stage{number} AS (SELECT {columns} FROM {source} {more})"  # noqa: S608 - names and numbers of ours
        source = f"stage{number}"
    return f"{found}{named} SELECT * FROM {source}"  # noqa: S608 - names and numbers of ours


class _Charge:
    """Amounts before and after a call: ``aN`` is what is billed of component N after it, ``bN`` before it.

    ``running`` are the components whose amount depends on what was used before. Every other one adds its price.
    """

    def __init__(self, tariff: Tariff, added: AddedSql) -> None:
        pooled = {index for pool in tariff.pools for index in pool.components}
        self._tariff, self._added = tariff, added
        self.running = [
            index for index in added.components if index in pooled or not linear(tariff.components[index].item)
        ]
        self.converted: list[str] = []
        parts = [part for index in added.components for part in self._parts(index)]
        self.digits = max((part.digits for _, part in parts), default=0)
        self.sql = " ".join(f"{sign} ({part.sql}) * {10 ** (self.digits - part.digits)}" for sign, part in parts) or "0"
        self.most = sum(part.most * 10 ** (self.digits - part.digits) for _, part in parts)
        self.peak = max((self.most, *(part.peak for _, part in parts)))

    @property
    def included(self) -> str:
        """Whether a call used something of which nothing was billed."""
        if not self._tariff.pools:
            return "FALSE"
        used = " OR ".join(f"q{index} <> 0" for index in self._added.components) or "FALSE"
        still = [
            f"a{index} = b{index}" if index in self.running else f"q{index} = 0" for index in self._added.components
        ]
        return f"({used}) AND {' AND '.join(still) or 'TRUE'}"

    def allowances(self) -> Iterator[str]:
        """Yield the columns of one stage after the other that hand out allowances: ``oN``, ``pN`` are what is not free.

        The first stage is what was used at all; each pool then gives its components, in their order, what it has left.
        """
        size = self._added.digits
        members = sorted({index for pool in self._tariff.pools for index in pool.components} & set(self.running))
        if not members:
            return
        used = [f"greatest(s{index}, 0) AS o{index}, greatest(s{index} - q{index}, 0) AS p{index}" for index in members]
        yield _list("*", used)
        for pool in self._tariff.pools:
            limit, sharers = whole(pool.quantity, size), [index for index in pool.components if index in members]
            left = [
                f"{open_}{index} - {_given(open_, sharers[:place], index, limit)} AS {open_}{index}"
                for place, index in enumerate(sharers)
                for open_ in "op"
            ]
            yield f"* REPLACE ({', '.join(left)})" if left else "*"

    def billable(self) -> Iterator[str]:
        """Yield what is billed of each component after and before a call."""
        pooled = {index for pool in self._tariff.pools for index in pool.components}
        for index in self.running:
            after, before = f"s{index}", f"s{index} - q{index}"
            if index in pooled:
                after, before = f"least({after}, 0) + o{index}", f"least({before}, 0) + p{index}"
            yield f"{after} AS a{index}, {before} AS b{index}"

    def _parts(self, index: int) -> Iterator[tuple[str, Scaled]]:
        """Yield what is added to a call's charge, and taken from it, for one component."""
        component, most = self._tariff.components[index], self._added.most[index]
        if index not in self.running:
            yield "+", amount_sql(component.item, Scaled(f"(q{index}::HUGEINT)", self._added.digits, most))
            return
        for sign, column in (("+", f"a{index}"), ("-", f"b{index}")):
            billed = Scaled(column, self._added.digits, most)
            if component.item.unit is not None:
                units = units_sql(component.item.unit, billed)
                self.converted.append(f"{units.sql} AS u{column}")
                billed = replace(units, sql=f"u{column}")
            yield sign, amount_sql(component.item, billed)


def _given(open_: str, before: Sequence[int], index: int, limit: int) -> str:
    """Return the SQL of what a pool of ``limit`` units gives a component after the ones before it."""
    upto = " + ".join(f"{open_}{one}" for one in (*before, index))
    already = " + ".join(f"{open_}{one}" for one in before)
    return f"(least({upto}, {limit})" + (f" - least({already}, {limit}))" if before else ")")


def _list(first: str | Sequence[str], more: Iterable[str]) -> str:
    return ", ".join([*([first] if isinstance(first, str) else first), *more])
