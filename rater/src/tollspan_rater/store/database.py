"""The DuckDB file: safe creation, one writing connection, readers beside it, death after an I/O error.

DuckDB's first creation is not atomic, any failed write invalidates the instance, and an error from COMMIT
may have committed: a new file is made aside and renamed, a dead instance is reported as
:class:`StoreDeadError` until it is reopened, and the journal position stands in the same transaction as
everything it caused, to be read again after reopening.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from importlib import resources
from pathlib import Path

import duckdb
import pyarrow as pa

from tollspan_rater.errors import FormatVersionError, StoreDeadError

FORMAT = 1


class Database:
    """An open DuckDB file with the current schema.

    Args:
        path: the file; created, with its folder, when it is missing.
        failpoint: called with a name in each window in which a crash is tested.
    """

    def __init__(self, path: Path, failpoint: Callable[[str], None] = lambda _name: None) -> None:
        self._path = path
        self._failpoint = failpoint
        self._dead = False
        self._readers = threading.local()
        if not path.exists():
            _create(path)
        self._writer = _connect(path)
        self._generation = object()
        found = int(self._writer.execute("SELECT value FROM meta WHERE key = 'format'").fetchall()[0][0])
        if found > FORMAT:
            self._writer.close()
            raise FormatVersionError(path, found, FORMAT)

    @property
    def path(self) -> Path:
        """The file."""
        return self._path

    def position(self) -> int:
        """Return the journal position up to which the store has come; 0 for an empty one."""
        rows = self.reader().execute("SELECT coalesce(max(position), 0) FROM entries").fetchall()
        return int(rows[0][0])

    def reader(self) -> duckdb.DuckDBPyConnection:
        """Return this thread's connection for questions; it sees committed states only."""
        held = getattr(self._readers, "held", None)
        if held is None or held[0] is not self._generation:
            self._readers.held = held = (self._generation, self._writer.cursor())
        connection: duckdb.DuckDBPyConnection = held[1]
        return connection

    @contextmanager
    def looking_up(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Give this thread's connection to look up what an append needs to know.

        Raises:
            StoreDeadError: the database failed; what could not be looked up must not be taken for absent.
        """
        with self._fatal():
            yield self.reader()

    @contextmanager
    def snapshot(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Give a connection whose questions all see the same committed state."""
        connection = self._writer.cursor()
        connection.execute("BEGIN TRANSACTION")
        try:
            yield connection
        finally:
            connection.execute("ROLLBACK")
            connection.close()

    def append(self, tables: Mapping[str, pa.Table]) -> None:
        """Append rows to several tables in one transaction.

        Raises:
            StoreDeadError: the database failed. Whether the transaction counts is known only after
                :meth:`reopen`, from :meth:`position`.
        """
        with self._transaction():
            for name, rows in tables.items():
                if rows.num_rows:
                    self._insert(name, rows)

    def append_files(self, files: Mapping[str, Path]) -> None:
        """Append the rows of Parquet files to several tables in one transaction; errors as :meth:`append`."""
        with self._transaction():
            for name, path in files.items():
                quoted = str(path).replace("'", "''")
                self._writer.execute(f"INSERT INTO {name} SELECT * FROM read_parquet('{quoted}')")  # noqa: S608 - our names

    def append_from(self, other: duckdb.DuckDBPyConnection, names: Iterable[str]) -> None:
        """Append all rows that another connection sees in some tables, in one transaction; errors as :meth:`append`."""
        with self._transaction():
            for name in names:
                self._writer.register("appended", other.table(name).to_arrow_reader())
                self._writer.execute(f"INSERT INTO {name} SELECT * FROM appended")  # noqa: S608 - our names
                self._writer.unregister("appended")

    def checkpoint(self) -> None:
        """Write everything into the main file, so that nothing depends on its write-ahead log."""
        self._failpoint("checkpoint")
        self._writer.execute("CHECKPOINT")

    def reopen(self) -> None:
        """Open the file again after a failure; readers of the dead instance get new connections."""
        self._writer.close()
        self._writer = _connect(self._path)
        self._generation = object()
        self._dead = False

    def replace_with(self, path: Path) -> None:
        """Put another complete, closed database file in this one's place and open it.

        At each instant one of the two is there, and never with the other's write-ahead log.
        """
        self._writer.close()
        _log_of(self._path).unlink(missing_ok=True)
        path.rename(self._path)
        _sync(self._path.parent)
        self.reopen()

    def close(self) -> None:
        """Close the file; every committed transaction is in it."""
        self._writer.close()

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._fatal():
            self._writer.execute("BEGIN TRANSACTION")
            yield
            self._failpoint("before_commit")
            self._writer.execute("COMMIT")
            self._failpoint("after_commit")

    @contextmanager
    def _fatal(self) -> Iterator[None]:
        if self._dead:
            raise StoreDeadError("the database failed earlier and has to be reopened")
        try:
            yield
        except (duckdb.Error, OSError) as error:
            self._dead = True
            raise StoreDeadError(f"{self._path}: {error}") from error

    def _insert(self, name: str, rows: pa.Table) -> None:
        self._writer.register("appended", rows)
        columns = ", ".join(f'"{column}"' for column in rows.column_names)
        self._writer.execute(f"INSERT INTO {name} ({columns}) SELECT * FROM appended")  # noqa: S608 - names are our tables
        self._writer.unregister("appended")


def remove(path: Path) -> None:
    """Delete a database file with its write-ahead log."""
    for file in (path, _log_of(path)):
        file.unlink(missing_ok=True)


def _log_of(path: Path) -> Path:
    return path.with_name(path.name + ".wal")


def _connect(path: Path) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(str(path), config={"checkpoint_threshold": "64MB"})
    connection.execute("SET TimeZone = 'UTC'")
    return connection


def _create(path: Path) -> None:
    """Make a complete file under another name, then give it its name in one step."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    aside = path.with_name(path.name + ".new")
    remove(aside)
    connection = duckdb.connect(str(aside))
    connection.execute(resources.files(__package__).joinpath("schema.sql").read_text())
    connection.execute("INSERT INTO meta VALUES ('format', ?)", [str(FORMAT)])
    connection.execute("CHECKPOINT")
    connection.close()
    aside.chmod(0o600)
    _sync(aside)
    aside.rename(path)
    _sync(path.parent)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
