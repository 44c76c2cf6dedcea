"""Where the keys of an append-only table lie: sorted runs of its rows, so that no look-up has to scan them.

Rows are numbered from 0 without gaps and never change. A block of them, once it is full, becomes one run a key column
in a file; the rows after the last full block are held in memory. All of it is derived: files are taken in only when
the store proves them, and rows that are not taken in yet are named as the rest that has to be scanned.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from tollspan_rater.store.key_run import KeyRun, mapped, merged, read, sorted_run, write

BLOCK_ROWS: Final = 1 << 20  # 12 MiB a column, in memory at most once

log = logging.getLogger("tollspan")

Version = tuple[object, int]  # an opening of the store, and how often rows were appended since


@dataclass(frozen=True, slots=True)
class KeyView:
    """What an index knew at some moment.

    ``runs`` are by column; together they hold the rows before ``rest``, all rows when it is None.
    """

    runs: Mapping[str, Sequence[KeyRun]]
    rest: int | None

    def present(self, column: str, wanted: pa.Array) -> set[int]:
        """Return those of some keys that the rows before ``rest`` have."""
        return {key for run in self.runs[column] for key in run.present(wanted)}

    def rows_with(self, column: str, wanted: pa.Array) -> list[int]:
        """Return the rows before ``rest`` that have any of some distinct keys, as numbered in the table, ascending."""
        return sorted(row for run in self.runs[column] for row in run.rows_with(wanted))


class KeyIndex:
    """The runs of one table of a store.

    Args:
        folder: where the files of full blocks lie; it may be deleted at any time.
        table: the table; only ever appended to.
        columns: its key columns, of 64 bits.
        block_rows: how many rows a block has.
    """

    def __init__(self, folder: Path, table: str, columns: Sequence[str], block_rows: int = BLOCK_ROWS) -> None:
        self._folder = folder
        self._table = table
        self._columns = tuple(columns)
        self._block_rows = block_rows
        self._lock = threading.Lock()
        self._version: Version = (object(), 0)
        self._whole = False  # whether all rows of that version are taken in
        self._begin()

    def view(self, connection: duckdb.DuckDBPyConnection, version: Version) -> KeyView:
        """Take in what has come since the last view, at most a block of it, and return what is known now.

        Args:
            connection: sees the committed rows.
            version: of the store; another opening of it is taken for another store.
        """
        with self._lock:
            if version[0] is not self._version[0]:
                self._begin()
            if version != self._version or not self._whole:
                self._whole = self._advance(connection)
                self._version = version
            runs = {column: [*self._full[column], *self._newest[column]] for column in self._columns}
            return KeyView(runs, None if self._whole else self._rows)

    def _begin(self) -> None:
        self._rows = 0  # that are taken in
        self._whole = False
        self._full: dict[str, list[KeyRun]] = {column: [] for column in self._columns}
        self._newest: dict[str, list[KeyRun]] = {column: [] for column in self._columns}

    def _advance(self, connection: duckdb.DuckDBPyConnection) -> bool:
        """Take in a block from its files, or else rows of one block from the store; tell whether these were all."""
        first = self._rows - self._rows % self._block_rows
        end = first + self._block_rows
        if self._rows == first and self._take_files(connection, first):
            self._rows = end
            return False
        asked = end - self._rows
        names = ", ".join(self._columns)
        found = connection.sql(
            f"SELECT {names}, rowid AS row FROM {self._table} WHERE rowid >= ? LIMIT ?",  # noqa: S608 - our names
            params=[self._rows, asked],
        ).to_arrow_table()
        if not _gapless(found["row"], self._rows):
            return False
        self._take_rows(found, first)
        if self._rows == end:
            self._seal(first)
        return bool(found.num_rows < asked)

    def _take_rows(self, found: pa.Table, first: int) -> None:
        """Add rows as runs of their own, then merge from the newest on, so that each is at least half as the next."""
        if not found.num_rows:
            return
        rows = pc.subtract(found["row"], first).cast(pa.int32()).combine_chunks()
        for column in self._columns:
            runs = self._newest[column]
            runs.append(sorted_run(first, found[column].combine_chunks(), rows))
            while len(runs) > 1 and len(runs[-2]) < 2 * len(runs[-1]):
                runs[-2:] = [merged(runs[-2:])]
        self._rows += found.num_rows

    def _seal(self, first: int) -> None:
        """Turn a full block into files; without room on the disk it stays in memory until the store is opened again."""
        for column in self._columns:
            run = merged(self._newest[column])
            self._full[column].append(self._in_file(run, self._path(column, first)))
            self._newest[column] = []

    def _in_file(self, run: KeyRun, path: Path) -> KeyRun:
        try:
            self._folder.mkdir(mode=0o700, exist_ok=True)
            write(run, path)
        except OSError as error:
            log.warning("%s cannot be written, 12 MiB more stay in memory: %s", path, error)
            return run
        in_file = mapped(path, run.first_row)
        return run if in_file is None else in_file

    def _take_files(self, connection: duckdb.DuckDBPyConnection, first: int) -> bool:
        """Take in a full block from its files if the store proves them all."""
        proved = []
        for column in self._columns:
            run = self._proved(connection, column, first)
            if run is None:
                return False
            proved.append(run)
        for column, run in zip(self._columns, proved, strict=True):
            self._full[column].append(run)
        return True

    def _proved(self, connection: duckdb.DuckDBPyConnection, column: str, first: int) -> KeyRun | None:
        """Map the file of a full block if it has the keys that the store has, each at the same row."""
        path = self._path(column, first)
        run = read(path, first)
        if run is None:
            return None
        rows, *stored = connection.execute(
            f"SELECT count(*), count({column}), bit_xor(hash({column}, rowid)) FILTER ({column} IS NOT NULL) "  # noqa: S608 - our names
            f"FROM {self._table} WHERE rowid >= ? AND rowid < ?",
            [first, first + self._block_rows],
        ).fetchall()[0]
        return mapped(path, first) if rows == self._block_rows and stored == _sums(connection, run) else None

    def _path(self, column: str, first: int) -> Path:
        return self._folder / f"{self._table}.{column}.{first // self._block_rows:06d}"


def _sums(connection: duckdb.DuckDBPyConnection, run: KeyRun) -> list[int | None]:
    """Return count and digest of a run's keys, each with its row; the digest does not depend on their order."""
    connection.register("key_run", pa.table({"key": run.keys, "row": run.rows}))
    found = connection.execute(
        "SELECT count(*), bit_xor(hash(key, row::BIGINT + ?::BIGINT)) FROM key_run", [run.first_row]
    ).fetchall()
    connection.unregister("key_run")
    return list(found[0])


def _gapless(rows: pa.ChunkedArray, first: int) -> bool:
    """Whether distinct row numbers are those from ``first`` on."""
    bounds: dict[str, int] = pc.min_max(rows).as_py()
    return len(rows) == 0 or (bounds["min"], bounds["max"]) == (first, first + len(rows) - 1)
