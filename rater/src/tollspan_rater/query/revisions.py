"""What some journal entries changed in the calls: for each customer and meter, how much there was and is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import groupby
from typing import Final, NamedTuple, TypeVar

import duckdb

from tollspan_rater.domain.money import EXACT
from tollspan_rater.query.answer import Cell
from tollspan_rater.query.rated import used
from tollspan_rater.query.selection import CallRow
from tollspan_rater.query.wording import plain
from tollspan_rater.store.paged import paged

T = TypeVar("T")

COLUMNS: Final = ("customer", "meter", "dialect_was", "dialect_is", "calls", "was", "is", "difference")
BY_CUSTOMER: Final = ("customer", "meter", "calls", "was", "is", "difference")
_FETCH: Final = 10_000
_CALL_COLUMNS: Final = ", ".join("false AS retried" if name == "retried" else f'"{name}"' for name in CallRow._fields)
# The state before is the oldest revision that the entries took back, the state after the newest one that they left.
_CHANGED: Final = f"""
    WITH own AS (SELECT * FROM legs WHERE tenant = $tenant AND list_contains($positions, position)),
    gone AS (SELECT call_id, revision FROM own WHERE sign = -1),
    was AS (
        SELECT legs.* FROM legs SEMI JOIN gone USING (call_id, revision)
        WHERE tenant = $tenant AND sign = 1 AND NOT list_contains($positions, position)
        QUALIFY row_number() OVER (PARTITION BY call_id ORDER BY revision) = 1
    ),
    now AS (SELECT own.* FROM own ANTI JOIN gone USING (call_id, revision) WHERE sign = 1)
    SELECT false AS is_now, dialect, {_CALL_COLUMNS} FROM was
    UNION ALL
    SELECT true, dialect, {_CALL_COLUMNS} FROM now
    ORDER BY call_id, is_now
"""  # noqa: S608 - our names


class State(NamedTuple):
    """A call before or after, and the dialect that its usage was read by."""

    is_now: bool
    dialect: str
    call: CallRow


@dataclass(slots=True)
class Sums:
    """How much of a meter there was and is in some calls; None: no call said anything."""

    calls: int = 0
    was: Decimal | None = None
    now: Decimal | None = None

    def add(self, was: Decimal | None, now: Decimal | None) -> None:
        """Add one call."""
        self.calls += 1
        self.was, self.now = _plus(self.was, was), _plus(self.now, now)

    def cells(self) -> dict[str, Cell]:
        """Return the figures as cells."""
        difference = EXACT.subtract(self.now or Decimal(0), self.was or Decimal(0))
        return {"calls": self.calls, "was": plain(self.was), "is": plain(self.now), "difference": plain(difference)}


@dataclass(slots=True)
class Revisions:
    """``calls`` that were revised; the quantities that changed by (customer, meter, dialects), and by meter."""

    calls: int = 0
    by_place: dict[tuple[str | None, str, str | None, str | None], Sums] = field(default_factory=dict)
    by_meter: dict[str, Sums] = field(default_factory=dict)

    def rows(self) -> list[dict[str, Cell]]:
        """Return a row for each customer, meter and pair of dialects."""
        places = sorted(self.by_place.items(), key=lambda item: tuple(part or "" for part in item[0]))
        return [dict(zip(COLUMNS, place, strict=False)) | sums.cells() for place, sums in places]

    def by_customer(self) -> list[dict[str, Cell]]:
        """Return a row for each customer and meter, whatever read the usage."""
        found: dict[tuple[str | None, str], Sums] = {}
        for (customer, meter, *_), sums in self.by_place.items():
            place = found.setdefault((customer, meter), Sums())
            place.calls += sums.calls
            place.was, place.now = _plus(place.was, sums.was), _plus(place.now, sums.now)
        places = sorted(found.items(), key=lambda item: tuple(part or "" for part in item[0]))
        return [{"customer": customer, "meter": meter} | sums.cells() for (customer, meter), sums in places]

    def sums(self) -> dict[str, dict[str, Cell]]:
        """Return the sums over all customers, by meter."""
        return {meter: sums.cells() for meter, sums in sorted(self.by_meter.items())}


def revisions(connection: duckdb.DuckDBPyConnection, tenant: str, positions: Sequence[int]) -> Revisions:
    """Add up what the legs at some journal positions changed, whatever lies between the first and the last of them."""
    found = Revisions()
    for _, states in groupby(_states(connection, tenant, positions), key=lambda state: state.call.call_id):
        by_time = {state.is_now: state for state in states}
        found.calls += 1
        _add(found, by_time.get(False), by_time.get(True))
    return found


def _states(connection: duckdb.DuckDBPyConnection, tenant: str, positions: Sequence[int]) -> Iterator[State]:
    for fetched in paged(connection, _CHANGED, {"tenant": tenant, "positions": list(positions)}, _FETCH):
        yield from (State(is_now, dialect, CallRow._make(call)) for is_now, dialect, *call in fetched)


def _add(found: Revisions, was: State | None, now: State | None) -> None:
    dialects = (None if was is None else was.dialect, None if now is None else now.dialect)
    for customer in _distinct(state.call.customer for state in (was, now) if state is not None):
        before, after = _of(was, customer), _of(now, customer)
        for meter in _distinct([*before, *after]):
            quantities = before.get(meter), after.get(meter)
            if quantities[0] != quantities[1]:
                found.by_place.setdefault((customer, meter, *dialects), Sums()).add(*quantities)
    before, after = _used(was), _used(now)
    for meter in _distinct([*before, *after]):
        if before.get(meter) != after.get(meter):
            found.by_meter.setdefault(meter, Sums()).add(before.get(meter), after.get(meter))


def _used(state: State | None) -> Mapping[str, Decimal]:
    return {} if state is None else used(state.call)


def _of(state: State | None, customer: str | None) -> Mapping[str, Decimal]:
    return _used(state) if state is not None and state.call.customer == customer else {}


def _distinct(values: Iterable[T]) -> list[T]:
    return list(dict.fromkeys(values))


def _plus(one: Decimal | None, other: Decimal | None) -> Decimal | None:
    if one is None or other is None:
        return other if one is None else one
    return EXACT.add(one, other)
