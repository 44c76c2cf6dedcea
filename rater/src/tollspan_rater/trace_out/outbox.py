"""What traces were told and what waits to be sent: one SQLite file, written before anything leaves."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tollspan_rater.errors import FolderError
from tollspan_rater.store.sqlite_file import opened, transaction
from tollspan_rater.trace_out.money import Money, Place, from_text, to_text

FORMAT: Final = 1
_SETTINGS: Final = ("journal_mode = wal", "synchronous = full")
_CHUNK: Final = 500  # bound values of one statement
_SCHEMA: Final = f"""
begin exclusive;
create table progress (tenant text primary key, begun integer not null, come_to integer not null) strict;
create table told (
    tenant text not null, call_id text not null, trace_id text not null, span_id text not null,
    started_ns integer not null, customer text, spans integer not null, as_of integer not null, money text not null,
    primary key (tenant, call_id)
) strict, without rowid;
create index told_as_of on told (tenant, as_of);
create table waiting (id integer primary key, span blob not null) strict;
pragma user_version = {FORMAT};
commit;
"""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a tenant's journal was looked through. Calls known at ``begun`` or before are left alone."""

    begun: int
    come_to: int


@dataclass(frozen=True, slots=True)
class Told:
    """What the spans below a call say together: ``spans`` of them, as of a position; ``customer`` is the last one."""

    call_id: str
    place: Place
    customer: str | None
    spans: int
    as_of: int
    money: Money


class Outbox:
    """The file of a data folder that keeps what was told; derived, bounded, and begun anew when it is lost.

    Raises:
        FolderError: the disk refused.
        FormatVersionError: a newer release wrote the file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        with self._naming_the_file():
            self._db = opened(path, version=FORMAT, schema=_SCHEMA, settings=_SETTINGS)

    def progress(self, tenant: str, last: int) -> Progress:
        """Return how far a tenant was told; at the first time, or in another journal, it begins behind ``last``."""
        with self._lock, self._naming_the_file():
            row = self._db.execute("select begun, come_to from progress where tenant = ?", [tenant]).fetchone()
            if row is not None and row[1] <= last:
                return Progress(*row)
            self._db.execute("insert or replace into progress values (?, ?, ?)", [tenant, last, last])
            return Progress(last, last)

    def told(self, tenant: str, call_ids: Sequence[str]) -> dict[str, Told]:
        """Return what was told of some calls, by call id."""
        found: dict[str, Told] = {}
        with self._lock, self._naming_the_file():
            for place in range(0, len(call_ids), _CHUNK):
                part = call_ids[place : place + _CHUNK]
                marks = ", ".join("?" * len(part))
                rows = self._db.execute(
                    "select call_id, trace_id, span_id, started_ns, customer, spans, as_of, money from told "  # noqa: S608 - nothing but question marks
                    f"where tenant = ? and call_id in ({marks})",
                    [tenant, *part],
                )
                for call_id, trace_id, span_id, started_ns, customer, spans, as_of, money in rows:
                    found[call_id] = Told(
                        call_id, Place(trace_id, span_id, started_ns), customer, spans, as_of, from_text(money)
                    )
        return found

    def told_span(self, tenant: str) -> tuple[int, list[str | None]] | None:
        """Return the first service time that was told, and of which customers calls were; None without any."""
        with self._lock, self._naming_the_file():
            (first,) = self._db.execute("select min(started_ns) from told where tenant = ?", [tenant]).fetchone()
            rows = self._db.execute("select distinct customer from told where tenant = ?", [tenant]).fetchall()
        return None if first is None else (first, [name for (name,) in rows])

    def tell(
        self,
        tenant: str,
        told: Collection[Told],
        spans: Sequence[bytes],
        come_to: int,
        *,
        max_told: int,
        max_waiting: int,
    ) -> int:
        """Keep what is told now, queue its spans and note how far it goes, all or nothing; return the spans dropped.

        The oldest are forgotten beyond ``max_told`` calls, and dropped beyond ``max_waiting`` spans.
        """
        rows = [
            (tenant, one.call_id, one.place.trace_id, one.place.span_id, one.place.started_ns, one.customer, one.spans,
             one.as_of, to_text(one.money))
            for one in told
        ]  # fmt: skip
        with self._transaction() as db:
            db.executemany("insert or replace into told values (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
            db.executemany("insert into waiting (span) values (?)", [(span,) for span in spans])
            db.execute("update progress set come_to = ? where tenant = ?", [come_to, tenant])
            self._forget(db, tenant, max_told)
            return db.execute(
                "delete from waiting where id <= (select id from waiting order by id desc limit 1 offset ?)",
                [max_waiting],
            ).rowcount

    def waiting(self, most: int) -> list[tuple[int, bytes]]:
        """Return the spans that have waited longest, with the numbers that :meth:`sent` takes."""
        with self._lock, self._naming_the_file():
            return self._db.execute("select id, span from waiting order by id limit ?", [most]).fetchall()

    def count_waiting(self) -> int:
        """Return how many spans wait."""
        with self._lock, self._naming_the_file():
            (count,) = self._db.execute("select count(*) from waiting").fetchone()
        return int(count)

    def sent(self, last: int) -> None:
        """Take away the spans up to a number."""
        with self._transaction() as db:
            db.execute("delete from waiting where id <= ?", [last])

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def _forget(self, db: sqlite3.Connection, tenant: str, max_told: int) -> None:
        """Forget the calls told longest ago; those that are not remembered then count as known from the beginning."""
        row = db.execute(
            "select as_of from told where tenant = ? order by as_of desc limit 1 offset ?", [tenant, max_told]
        ).fetchone()
        if row is not None:
            db.execute("delete from told where tenant = ? and as_of <= ?", [tenant, row[0]])
            db.execute("update progress set begun = max(begun, ?) where tenant = ?", [row[0], tenant])

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._lock, self._naming_the_file(), transaction(self._db):
            yield self._db

    @contextmanager
    def _naming_the_file(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            problem = f"what was sent to traces cannot be read or written ({error})"
            remedy = "Free space or repair the disk, or delete the file: then money goes to traces of new calls only."
            raise FolderError(self._path, problem, remedy) from error
