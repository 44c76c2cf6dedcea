"""Correcting calls: who is meant is looked up now, and the journal holds every call by its spans.

A correction is booked in entries of bounded size under one id. What is so already is left out, so that the same
correction twice changes nothing; a key says that two requests are one even when other corrections came between.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

import duckdb
import orjson

from tollspan_rater.domain.call import Call
from tollspan_rater.domain.correction import Changes, Correction
from tollspan_rater.domain.entries import Command, NewCommand
from tollspan_rater.errors import NotFoundError, UsageError
from tollspan_rater.query import correction_changes as said_of
from tollspan_rater.query import correction_targets as targets
from tollspan_rater.query.accounts import Accounts
from tollspan_rater.query.rater import Receipt
from tollspan_rater.query.revisions import revisions
from tollspan_rater.query.selection import COLUMN_FILTERS, Selection, instant
from tollspan_rater.server.care import APPLIED_S
from tollspan_rater.store.corrections import corrections_known
from tollspan_rater.store.database import position_in

if TYPE_CHECKING:
    from tollspan_rater.server.rater import Rater

CALLS_AN_ENTRY: Final = 2_000

_NOT_ASKED: Final = ("note", "key", "dry_run")  # what two requests for the same may differ in


@dataclass(frozen=True, slots=True)
class Target:
    """One call that is to be corrected, and how; ``undoes`` is the correction to take back."""

    call_id: str
    meter: str | None
    members: tuple[str, ...]
    changes: Changes
    undoes: str | None = None

    def body(self) -> dict[str, Any]:
        """Return what the journal holds of it."""
        body: dict[str, Any] = {"call": self.call_id, "members": list(self.members), "changes": dict(self.changes)}
        return body | {name: value for name, value in (("meter", self.meter), ("undoes", self.undoes)) if value}


@dataclass(frozen=True, slots=True)
class Found:
    """What a request comes to at a position: calls to correct, and how many are so already."""

    as_of: int
    targets: list[Target]
    unchanged: int


def correct(kind: str) -> Callable[[Rater, dict[str, Any], str, str], Receipt]:
    """Return what executes one kind of correction."""

    def execute(rater: Rater, body: dict[str, Any], tenant: str, actor: str) -> Receipt:
        with rater.caring:
            rater.writer.wait_for(rater.journal.last_position, APPLIED_S)
            return _Run(rater, kind, body, tenant, actor).receipt()

    return execute


class _Run:
    def __init__(self, rater: Rater, kind: str, body: dict[str, Any], tenant: str, actor: str) -> None:
        self._rater, self._kind, self._body, self._tenant, self._actor = rater, kind, body, tenant, actor
        self._people: dict[str, str] = {}
        self._as_of = rater.writer.position
        asked = {name: value for name, value in body.items() if name not in _NOT_ASKED}
        self._wish = sha256(orjson.dumps([kind, asked], option=orjson.OPT_SORT_KEYS)).hexdigest()[:24]
        named = ["key", body["key"]] if "key" in body else [self._wish, self._as_of]
        self._id = "cr_" + sha256(orjson.dumps([tenant, *named])).hexdigest()[:24]

    def receipt(self) -> Receipt:
        """Book what is asked for, or try it."""
        done = self._done()
        in_all = done[0].calls if done else 0
        is_whole = bool(done) and len(done) >= in_all
        found = Found(self._as_of, [], in_all) if is_whole else self._found({(one.call_id, one.undoes) for one in done})
        entries = self._entries(found, in_all or len(found.targets))
        is_trial = bool(self._body.get("dry_run"))
        position, differences = self._tried(entries) if is_trial else self._booked(entries)
        said = {
            "correction": self._id,
            "booked": not is_trial,
            "calls_corrected": len({one.call_id for one in found.targets}),
            "calls_unchanged": found.unchanged,
        }
        return Receipt(position, said | differences)

    def _done(self) -> list[Correction]:
        """Return what is booked under this key already.

        Raises:
            UsageError: the key was used for something else.
        """
        known = corrections_known(self._rater.database.reader(), self._tenant, "correction = ?", self._id)
        if known and known[0].wish != self._wish:
            raise UsageError(f"key {self._body['key']!r} was used for another correction, {self._id}; take a new one")
        return known

    def _found(self, done: set[tuple[str, str | None]]) -> Found:
        with self._rater.database.snapshot() as connection:
            wanted = _WANTED[self._kind](self, connection)
            found = [target for target in wanted if target is None or (target.call_id, target.undoes) not in done]
            as_of = position_in(connection)
        return Found(as_of, [target for target in found if target is not None], found.count(None))

    def _entries(self, found: Found, in_all: int) -> list[NewCommand]:
        shared = {"correction": self._id, "wish": self._wish, "note": self._body["note"], "as_of": found.as_of,
                  "calls_in_all": in_all}  # fmt: skip
        now_ns = self._rater.clock.now_ns()
        return [
            NewCommand(now_ns, self._tenant, self._actor, self._kind, {**shared, "calls": [one.body() for one in some]})
            for start in range(0, len(found.targets), CALLS_AN_ENTRY)
            for some in [found.targets[start : start + CALLS_AN_ENTRY]]
        ]

    def _booked(self, entries: list[NewCommand]) -> tuple[int, dict[str, Any]]:
        if self._people:
            self._rater.names.remember(self._tenant, self._people)
        position = self._rater.append(list(entries)) if entries else self._as_of
        made = self._rater.database.reader()
        known = corrections_known(made, self._tenant, "correction = ? AND position > ?", self._id, self._as_of)
        return position, _differences(made, self._tenant, sorted({one.position for one in known}))

    def _tried(self, entries: list[NewCommand]) -> tuple[int, dict[str, Any]]:
        positions = []
        with self._rater.database.trial() as trial, self._rater.writing_to(trial) as writer:
            for one in entries:
                positions.append(writer.position + 1)
                writer.apply(Command(positions[-1], one.at_ns, one.tenant, one.actor, one.kind, one.body))
            return self._as_of, _differences(trial.reader(), self._tenant, positions)

    def voided(self, connection: duckdb.DuckDBPyConnection) -> Iterator[Target | None]:
        """Yield the calls that are to be void; None for one that is."""
        for call, stands in self._calls(connection):
            yield Target(call.call_id, call.meter, call.members, {}) if stands else None

    def changed(self, connection: duckdb.DuckDBPyConnection) -> Iterator[Target | None]:
        """Yield the calls that are to be amended or attributed anew; None for one that says so already.

        Raises:
            UsageError: a call is void, or cannot be what is asked for.
        """
        own = {one["call"]: self._changes(one["set"]) for one in self._body.get("each", ())}
        shared = self._changes(self._body.get("set", {}))
        after = said_of.after_amendment if self._kind == "call.amend" else said_of.after_attribution
        for call, stands in self._calls(connection):
            if not stands:
                raise UsageError(f"call {call.call_id} is void: take that back first (tollspan correct restore)")
            changes = own.get(call.call_id, shared)
            is_news = _essence(after(call, changes)) != _essence(call)
            yield Target(call.call_id, call.meter, call.members, changes) if is_news else None

    def restored(self, connection: duckdb.DuckDBPyConnection) -> Iterator[Target | None]:
        """Yield what is to be taken back, by the calls as they were when they were corrected; None for what was."""
        if "correction" in self._body:
            name = self._body["correction"]
            made = corrections_known(connection, self._tenant, "correction = ? AND kind <> 'restore'", name)
            if not made:
                raise NotFoundError("correction", name, "tollspan correct list shows them.")
            undone = corrections_known(connection, self._tenant, "undoes = ?", name)
            gone = {one.call_id for one in undone}
            yield from (None if one.call_id in gone else _taken_back(one) for one in made)
            return
        calls = targets.settled(connection, self._tenant, self._body["calls"])
        for found in targets.holding(connection, self._tenant, calls.values()).values():
            yield from map(_taken_back, found) if found else (None,)

    def _calls(self, connection: duckdb.DuckDBPyConnection) -> Iterator[tuple[Call, bool]]:
        """Yield the calls that are named, and whether each counts; void ones as their spans alone say."""
        names = self._body.get("calls") or [one["call"] for one in self._body.get("each", ())]
        if not names:
            yield from ((call, True) for call in targets.selected(connection, self._selection(connection)))
            return
        known = targets.settled(connection, self._tenant, names)
        counts = targets.standing(connection, self._tenant, names)
        yield from ((counts.get(name, known[name]), name in counts) for name in dict.fromkeys(names))

    def _selection(self, connection: duckdb.DuckDBPyConnection) -> Selection:
        filters: dict[str, str] = dict(self._body.get("filters", {}))
        for name in filters:
            if name not in COLUMN_FILTERS:
                raise UsageError(f"calls cannot be found by {name!r}; known are: {', '.join(COLUMN_FILTERS)}")
        zone = self._rater.config.zone
        if "customer" in filters:
            zone = Accounts(connection, self._tenant, zone).zone(filters["customer"])
        if "user" in filters:
            filters["user"] = self._rater.names.subject_id(self._tenant, filters["user"])
        start, end = (instant(self._body[name], zone) if name in self._body else None for name in ("from", "to"))
        return Selection(self._tenant, start, end, tuple(filters.items()), "unattributed" in self._body)

    def _changes(self, said: Mapping[str, Any]) -> Changes:
        if self._kind == "call.amend":
            return said_of.amendment(said, self._rater.config.zone)
        return said_of.attribution(said, self._subject)

    def _subject(self, name: str) -> str:
        subject = self._rater.names.subject_id(self._tenant, name)
        if subject != name:
            self._people[subject] = name
        return subject


_WANTED: Final[Mapping[str, Callable[[_Run, duckdb.DuckDBPyConnection], Iterator[Target | None]]]] = {
    "call.void": _Run.voided,
    "call.amend": _Run.changed,
    "call.reattribute": _Run.changed,
    "call.restore": _Run.restored,
}


def _taken_back(one: Correction) -> Target:
    return Target(one.call_id, one.meter, one.members, {}, one.correction)


def _essence(call: Call) -> Call:
    return replace(call, flags=(), quality="", details=())


def _differences(connection: duckdb.DuckDBPyConnection, tenant: str, positions: list[int]) -> dict[str, Any]:
    revised = revisions(connection, tenant, positions)
    return {"calls_changed": revised.calls, "differences": revised.by_customer(), "sums": revised.sums()}
