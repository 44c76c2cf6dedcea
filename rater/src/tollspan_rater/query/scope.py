"""What a question is asked of, and the rated calls that its parameters select."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Final, Literal, Protocol

import duckdb

from tollspan_rater.domain.span import Piece
from tollspan_rater.query.accounts import Accounts
from tollspan_rater.query.alike import Split, alike, split, sum_query
from tollspan_rater.query.answer import Cell
from tollspan_rater.query.call_fact import TAG, fact_of
from tollspan_rater.query.fold import folded
from tollspan_rater.query.grouping import Key, Sums, Value, dimension, group
from tollspan_rater.query.linear_money import LinearMoney
from tollspan_rater.query.rated import RatedCall, Rater
from tollspan_rater.query.resumed import resumed
from tollspan_rater.query.selection import COLUMN_FILTERS, Selection, bounds, instant, select
from tollspan_rater.query.stints import StintsBy
from tollspan_rater.query.stretch import select_in_stretches
from tollspan_rater.query.window import WINDOWS
from tollspan_rater.store.weighed import LEGS, Weighed

_OF_BILLS: Final = {"customer", "segment", "period"}
_OF_SPELLS: Final = {*_OF_BILLS, "plan", "currency"}
_LATE_FILTERS: Final = ("reason", "plan", "currency", "segment")  # of what a call has only once it is rated


PiecesAt = Callable[[int], Sequence[Piece] | None]


class People(Protocol):
    """The names of people, which live apart from facts."""

    def subject_id(self, tenant: str, name: str, /) -> str:
        """Return the id of a person; an id gives itself."""
        ...

    def name_of(self, tenant: str, ids: Iterable[str], /, kind: Literal["user", "customer"] = "user") -> dict[str, str]:
        """Return the known names by id."""
        ...


def _nothing(_position: int) -> None:
    """No journal is at hand."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What a question is asked of: one tenant's data as of a position, the names of its people, and now.

    ``pieces_at`` reads the pieces of the request at a position again from the journal, None when they are gone.
    ``sums`` is what sums are read from.
    """

    connection: duckdb.DuckDBPyConnection
    accounts: Accounts
    as_of: int
    zone: str
    names: People
    now_ns: int = 0
    pieces_at: PiecesAt = _nothing
    sums: Weighed = LEGS

    def people(self, rows: Sequence[dict[str, Cell]]) -> Sequence[dict[str, Cell]]:
        """Put names in the place of subject ids in a column ``user``; a forgotten person stays an id."""
        known = self.names.name_of(self.accounts.tenant, {str(row["user"]) for row in rows if row.get("user")})
        for row in rows:
            row["user"] = known.get(str(row.get("user")), row.get("user"))
        return rows


def reader(scope: Scope, name: str) -> Value:
    """Return how to read a dimension of a rated call, or a tag; a customer's segment is the one it has now."""
    if name.startswith(TAG):
        return lambda call: fact_of(call.row, name)
    if name == "segment":
        customer = scope.accounts.customer
        return lambda call: customer(call.row.customer).segment
    return dimension(name, scope.zone)


def column_of(name: str) -> str:
    """Return the column of calls that a dimension is read from, where it is one: all tags are in one."""
    return "tags" if name.startswith(TAG) else name


def rated_calls(
    scope: Scope, params: Mapping[str, str], after_ns: int | None = None, first: int | None = None
) -> Iterator[RatedCall]:
    """Yield the calls that a question's parameters select, in the order of time, with their money.

    A marginal charge depends on the calls before it in its period, so these count, too. ``after_ns`` leaves out the
    calls before an instant. Who takes no more than ``first`` calls has few others read.
    """
    start, selection = _asked(scope, params)
    if after_ns is not None:
        start = max(start or 0, after_ns)
    if start is None:
        return _singly(scope, selection, params, None, first)
    return filter(Wanted(params, scope), resumed(scope.connection, scope.accounts, selection, start, first))


def rated_sums(scope: Scope, params: Mapping[str, str], by: Sequence[str]) -> tuple[Iterator[RatedCall], str]:
    """Return the selected calls with their money, added up as far as ``by`` and exactness allow, and how.

    Calls are added up in the database, their charges computed there where they depend on the calls before. The calls
    of customers whose prices SQL cannot say are rated one after the other. Both ways come to the same digits.
    """
    start, selection = _asked(scope, params)
    parts = split(scope.connection, scope.accounts, selection, scope.sums)
    wanted = Wanted(params, scope)
    dimensions = [column_of(name) for name in (*by, *wanted.names)]
    groups = alike(scope.connection, scope.accounts, parts, dimensions, scope.zone)
    found = filter(wanted, LinearMoney(Rater(scope.accounts)).rate(groups))
    return chain(found, _apart(scope, params, selection, parts, start)), _path(parts)


def grouped_sums(scope: Scope, params: Mapping[str, str], by: Sequence[str]) -> tuple[dict[Key, Sums], str]:
    """Return what the selected calls add up to by dimensions and, last, currency, and how: :func:`rated_sums`, grouped.

    The database adds up further what the engine has said of kinds of calls, so that few rows are left.
    """
    start, selection = _asked(scope, params)
    wanted, readers, currency = Wanted(params, scope), [reader(scope, name) for name in by], currency_of(scope)
    names = list(dict.fromkeys((*by, *wanted.names)))
    stints = None if wanted.unpriced else _stints_by(scope, names)
    parts = split(scope.connection, scope.accounts, selection, scope.sums, stints)
    dimensions = [column_of(name) for name in names]
    groups: dict[Key, Sums] = {}
    with sum_query(scope.connection, scope.accounts, parts, dimensions, scope.zone) as asked:
        if asked is not None:
            money = LinearMoney(Rater(scope.accounts))
            apart = {*asked.columns.named, *WINDOWS}
            told = [reader(scope, name) for name in names if column_of(name) not in apart]
            found, rest = folded(
                scope.connection,
                asked,
                money,
                dimensions,
                lambda call: (*(read(call) for read in told), currency(call), wanted.unpriced and wanted.priced(call)),
            )
            for call, sums in found:
                if wanted(call):
                    key = (*(read(call) for read in readers), currency(call))
                    if key in groups:
                        groups[key].merge(sums)
                    else:
                        groups[key] = sums
            group(filter(wanted, money.rate(rest)), readers, currency, groups)
    if parts.stints is not None:
        group(filter(wanted, parts.stints.charged(scope.connection, scope.accounts)), readers, currency, groups)
    group(_apart(scope, params, selection, parts, start), readers, currency, groups)
    return groups, _path(parts)


def _stints_by(scope: Scope, names: Sequence[str]) -> StintsBy | None:
    """Return how stints are told apart by dimensions; None where one of these tells calls of a stint apart."""
    windows = tuple(name for name in names if name in WINDOWS)
    of_spells = set(names).difference(windows)
    if not of_spells <= _OF_SPELLS:
        return None
    return StintsBy(windows, scope.zone, together=not of_spells & _OF_BILLS)


def _apart(
    scope: Scope, params: Mapping[str, str], selection: Selection, parts: Split, start: int | None
) -> Iterator[RatedCall]:
    """Yield the calls that must not be added up before they are rated."""
    if not parts.singly:
        return iter(())
    rest = replace(selection, start_ns=_period_start(scope, start), only=parts.singly)
    return _singly(scope, rest, params, start)


def _path(parts: Split) -> str:
    if not parts.singly:
        return "added up in the database"
    who = f"{len(parts.singly)} customers whose prices look at single calls"
    return f"call by call for {who}, else added up in the database"


def asked_selection(scope: Scope, params: Mapping[str, str]) -> Selection:
    """Return the calls in the asked span of time, of the asked customer; other filters look at rated calls."""
    _start, selection = _asked(scope, params)
    return selection


def asked_span(scope: Scope, params: Mapping[str, str]) -> tuple[int, int] | None:
    """Return the service times of the first and the last call in the asked span of time, whoever made them."""
    _start, selection = _asked(scope, params)
    return bounds(scope.connection, replace(selection, filters=()))


def _asked(scope: Scope, params: Mapping[str, str]) -> tuple[int | None, Selection]:
    start = instant(params["from"], scope.zone) if "from" in params else None
    end = instant(params["to"], scope.zone) if "to" in params else None
    customer = (("customer", params["customer"]),) if "customer" in params else ()
    return start, Selection(scope.accounts.tenant, start, end, customer, "unattributed" in params)


def _singly(
    scope: Scope, selection: Selection, params: Mapping[str, str], start: int | None, first: int | None = None
) -> Iterator[RatedCall]:
    wanted = Wanted(params, scope)
    found = (
        select(scope.connection, selection)
        if first is None
        else select_in_stretches(scope.connection, selection, first)
    )
    for call in Rater(scope.accounts).rate(found):
        if (start is None or call.row.started_ns >= start) and wanted(call):
            yield call


def _period_start(scope: Scope, start: int | None) -> int | None:
    """Return an instant that no period containing ``start`` begins before, of any customer."""
    if start is None:
        return None
    return min(scope.accounts.period_at(name, start).start_ns for name in (None, *scope.accounts.names()))


class Wanted:
    """A filter on rated calls: dimensions equal to given values, and whether something lacks a price.

    ``names`` are those dimensions, ``unpriced`` is whether prices matter.
    """

    def __init__(self, params: Mapping[str, str], scope: Scope) -> None:
        wanted = {name: params[name] for name in (*COLUMN_FILTERS, *_LATE_FILTERS) if name in params}
        if "user" in wanted:
            wanted["user"] = scope.names.subject_id(scope.accounts.tenant, wanted["user"])
        self.names = tuple(wanted)
        self._equal = [(reader(scope, name), value) for name, value in wanted.items()]
        self.unpriced = "unpriced" in params

    def __call__(self, call: RatedCall) -> bool:
        """Tell whether a call is one of them."""
        return not (self.unpriced and self.priced(call)) and all(read(call) == value for read, value in self._equal)

    def priced(self, call: RatedCall) -> bool:
        """Tell whether all of a call has a price."""
        return call.charged.amount is not None and not call.charged.unpriced


class _Currency:
    def __init__(self, scope: Scope) -> None:
        self._accounts = scope.accounts
        self._known: dict[str | None, str | None] = {}

    def __call__(self, call: RatedCall) -> str | None:
        if call.charged.currency is not None:
            return call.charged.currency
        name = call.row.customer
        if name not in self._known:
            self._known[name] = self._accounts.currency(name)
        return self._known[name]


def currency_of(scope: Scope) -> Callable[[RatedCall], str | None]:
    """Return how to tell the currency in which a call is charged, or would be: that of its customer's plan."""
    return _Currency(scope)
