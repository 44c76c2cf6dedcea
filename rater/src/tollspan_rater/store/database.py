"""The DuckDB file: safe creation, one writing connection, readers beside it, death after an I/O error.

DuckDB's first creation is not atomic, any failed write invalidates the instance, and an error from COMMIT
may have committed: a new file is made aside and renamed, a dead instance is reported as
:class:`StoreDeadError` until it is reopened, and the journal position stands in the same transaction as
everything it caused, to be read again after reopening.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib import resources
from pathlib import Path
from typing import Literal

import duckdb
import pyarrow as pa

from tollspan_rater.errors import FormatVersionError, StoreDamagedError, StoreDeadError, StoreOutdatedError
from tollspan_rater.store.key_index import BLOCK_ROWS, KeyIndex, KeyView

FORMAT = 3
_PAUSE_S, _TRIES_TO_CLOSE = 0.02, 3_000  # a minute
_KEY_COLUMNS = {"spans": ("trace_key", "link_key"), "legs": ("trace_key",)}
# What DuckDB says of a file or log that is not what it wrote. Anything else (a lock, a full disk, missing rights)
# says nothing about the file, which is then left alone.
_DAMAGE = (
    "not a valid DuckDB database file",
    "Could not read enough bytes",
    "Corrupt",
    "Failure while replaying WAL",
    "Table with name meta does not exist",  # a database of someone else
)


class Database:
    """An open DuckDB file with the current schema.

    Args:
        path: the file; created, with its folder, when it is missing.
        failpoint: called with a name in each window in which a crash is tested.
        block_rows: how many rows each run of the key indexes has.

    Raises:
        StoreDamagedError: the file is not what was written; it can be made again from snapshots and journal.
        StoreDeadError: the file cannot be opened for another reason.
        FormatVersionError: a newer release wrote it.
        StoreOutdatedError: an older release wrote it.
    """

    def __init__(
        self, path: Path, failpoint: Callable[[str], None] = lambda _name: None, block_rows: int = BLOCK_ROWS
    ) -> None:
        self._path = path
        self._failpoint = failpoint
        self._dead = False
        self._readers = threading.local()
        self._handle = threading.RLock()  # no new cursor is taken from a connection that is being closed
        if not path.exists():
            _create(path)
        self._writer = _open(path)
        self._generation = object()
        self._appends = 0
        self._indexes = {
            table: KeyIndex(_keys_of(path), table, columns, block_rows) for table, columns in _KEY_COLUMNS.items()
        }

    @property
    def path(self) -> Path:
        """The file."""
        return self._path

    @property
    def opening(self) -> object:
        """What tells one opening of the file from the next: what was attached to one is gone in another."""
        return self._generation

    def position(self) -> int:
        """Return the journal position up to which the store has come; 0 for an empty one."""
        with self.looking_up() as connection:
            return position_in(connection)

    def require_alive(self) -> None:
        """Raise what is known of an earlier failure.

        Raises:
            StoreDeadError: the database failed, whoever used it, and has not been reopened.
        """
        if self._dead:
            raise StoreDeadError(f"{self._path} failed earlier and has to be reopened")

    def reader(self) -> duckdb.DuckDBPyConnection:
        """Return this thread's connection for questions; it sees committed states only."""
        held = getattr(self._readers, "held", None)
        if held is None or held[0] is not self._generation:
            with self._handle:
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

    def keys_of(self, table: str) -> KeyView:
        """Return where the keys of ``spans`` or ``legs`` lie, as far as committed rows are known by now.

        Raises:
            StoreDeadError: the database failed.
        """
        with self.looking_up() as connection:
            return self._indexes[table].view(connection, (self._generation, self._appends))

    @contextmanager
    def snapshot(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Give a connection whose questions all see the same committed state."""
        with self._handle:
            connection = self._writer.cursor()
        connection.execute("BEGIN TRANSACTION")
        try:
            yield connection
        except duckdb.FatalException:
            self._dead = True
            raise
        finally:
            with suppress(duckdb.Error):  # a dead instance has nothing to end, and its error would hide the first one
                connection.execute("ROLLBACK")
            connection.close()

    @contextmanager
    def trial(self) -> Iterator[Database]:
        """Give a twin of this database: what is appended to it is seen there alone, and gone at the end."""
        with self.snapshot() as connection:
            yield _Trial(self, connection)

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
        """Append the rows of Parquet files to several tables in one transaction; errors as :meth:`append`.

        A column that an older release did not write stays NULL.
        """
        with self._transaction():
            for name, path in files.items():
                quoted = str(path).replace("'", "''")
                self._writer.execute(f"INSERT INTO {name} BY NAME SELECT * FROM read_parquet('{quoted}')")  # noqa: S608 - our names

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
        try:
            self._writer.execute("CHECKPOINT")
        except duckdb.Error as error:
            self._dead = True
            raise _failure(self._path, error) from error
        self._failpoint("checkpoint")

    def reopen(self) -> None:
        """Open the file again after a failure; readers of the dead instance get new connections."""
        with self._handle:
            self._close_writer()
            self._writer = _connect(self._path)
            self._generation = object()
            self._dead = False

    def replace_with(self, path: Path) -> None:
        """Put another complete, closed database file in this one's place and open it; who asks meanwhile waits.

        A crash leaves the old file, for a moment without its log and so at an older position, or the new one.
        """
        with self._handle:
            self._close_writer()
            self._failpoint("rebuild")
            put_in_place(path, self._path)
            self._failpoint("rebuild")
            self.reopen()

    def close(self) -> None:
        """Close the file; every committed transaction is in it."""
        with self._handle:
            self._close_writer()

    def _close_writer(self) -> None:
        """Close the connection and every cursor of it; DuckDB refuses while one of them is in a call, which may end."""
        for _ in range(_TRIES_TO_CLOSE):
            try:
                self._writer.close()
            except duckdb.ResourceInUseException:
                time.sleep(_PAUSE_S)
            else:
                return
        self._writer.close()

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._fatal():
            self._writer.execute("BEGIN TRANSACTION")
            yield
            self._failpoint("before_commit")
            self._writer.execute("COMMIT")
            self._appends += 1
            self._failpoint("after_commit")

    @contextmanager
    def _fatal(self) -> Iterator[None]:
        self.require_alive()
        try:
            yield
        except (duckdb.Error, OSError) as error:
            self._dead = True
            raise _failure(self._path, error) from error

    def _insert(self, name: str, rows: pa.Table) -> None:
        self._writer.register("appended", rows)
        columns = ", ".join(f'"{column}"' for column in rows.column_names)
        self._writer.execute(f"INSERT INTO {name} ({columns}) SELECT * FROM appended")  # noqa: S608 - names are our tables
        self._writer.unregister("appended")


class _Trial(Database):
    """A database inside one transaction of another, which is rolled back by whoever made it."""

    def __init__(self, base: Database, connection: duckdb.DuckDBPyConnection) -> None:
        self._base = base
        self._path = base.path
        self._dead = False
        self._handle = threading.RLock()
        self._writer = connection
        self._committed = {table: _row_count(connection, table) for table in _KEY_COLUMNS}

    def keys_of(self, table: str) -> KeyView:
        """Return where the keys of committed rows lie; those that were appended here are behind them."""
        known = self._base.keys_of(table)
        committed = self._committed[table]
        return KeyView(known.runs, committed if known.rest is None else min(committed, known.rest))

    def reader(self) -> duckdb.DuckDBPyConnection:
        """Return the one connection that sees what was appended."""
        return self._writer

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._fatal():
            yield


def position_in(connection: duckdb.DuckDBPyConnection) -> int:
    """Return the journal position up to which the state that a connection sees has come; 0 for an empty one."""
    ((position,),) = connection.execute("SELECT coalesce(max(position), 0) FROM entries").fetchall()
    return int(position)


def remove(path: Path) -> None:
    """Delete a database file with its write-ahead log and its indexes."""
    for file in (path, _log_of(path)):
        file.unlink(missing_ok=True)
    shutil.rmtree(_keys_of(path), ignore_errors=True)


def put_in_place(aside: Path, path: Path) -> None:
    """Give a complete, closed database file its name, in one step and durably; what had the name is gone."""
    _log_of(path).unlink(missing_ok=True)  # it belongs to the old file, and no other one opens beside it
    _sync(aside)
    aside.replace(path)
    shutil.rmtree(_keys_of(path), ignore_errors=True)
    if _keys_of(aside).exists():
        _keys_of(aside).rename(_keys_of(path))
    _sync(path.parent)


def set_aside(path: Path, why: Literal["damaged", "outdated"]) -> Path:
    """Rename a database file that is no longer used, over an older one, with its write-ahead log; return where."""
    kept = path.with_name(f"{path.name}.{why}")
    remove(kept)
    if _log_of(path).exists():
        _log_of(path).rename(_log_of(kept))
    path.rename(kept)
    _sync(path.parent)
    return kept


def _failure(path: Path, error: Exception) -> StoreDeadError:
    """Return what an error of DuckDB says about a file: damaged, or only not usable now."""
    cause = str(error).partition("\n")[0]
    if any(sign in cause for sign in _DAMAGE):
        return StoreDamagedError(path, cause)
    return StoreDeadError(f"{path}: {cause}")


def _log_of(path: Path) -> Path:
    return path.with_name(path.name + ".wal")


def _keys_of(path: Path) -> Path:
    return path.with_name(path.name + ".keys")


def _row_count(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    ((count,),) = connection.execute(f"SELECT count(*) FROM {table}").fetchall()  # noqa: S608 - our names
    return int(count)


def _open(path: Path) -> duckdb.DuckDBPyConnection:
    """Open an existing file and check that it is ours; errors as :class:`Database`."""
    try:
        connection = _connect(path)
        try:
            _check(path, connection)
        except (duckdb.Error, FormatVersionError, StoreOutdatedError):
            connection.close()
            raise
    except duckdb.Error as error:
        raise _failure(path, error) from error
    return connection


def _check(path: Path, connection: duckdb.DuckDBPyConnection) -> None:
    """Read the format, whether the tables are those of this release, and what the writer needs to go on."""
    meta = dict(connection.execute("SELECT key, value FROM meta").fetchall())
    found = int(meta.get("format", 0))
    if found > FORMAT:
        raise FormatVersionError(path, found, FORMAT)
    if found < FORMAT or meta.get("tables") != _tables(_schema()):
        raise StoreOutdatedError(path, found, FORMAT)
    connection.execute("SELECT max(position) FROM entries").fetchall()


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
    schema = _schema()
    connection.execute(f"BEGIN TRANSACTION; {schema}")  # one: each table alone would wait for the disk
    connection.execute("INSERT INTO meta VALUES ('format', ?), ('tables', ?)", [str(FORMAT), _tables(schema)])
    connection.execute("COMMIT")
    connection.execute("CHECKPOINT")
    connection.close()
    aside.chmod(0o600)
    put_in_place(aside, path)


def _schema() -> str:
    return resources.files(__package__).joinpath("schema.sql").read_text()


def _tables(schema: str) -> str:
    """Return a digest of tables and views; comments and layout do not count."""
    told = " ".join(line.partition("--")[0] for line in schema.splitlines())
    return hashlib.sha256(" ".join(told.split()).encode()).hexdigest()[:16]


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
