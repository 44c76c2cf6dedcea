"""A small SQLite file of a data folder: opened by its format, written in whole transactions."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tollspan_rater.errors import FormatVersionError


def opened(path: Path, *, version: int, schema: str, settings: Sequence[str]) -> sqlite3.Connection:
    """Open a file for any thread, or make it, readable by its owner alone.

    Args:
        path: the file.
        version: the ``user_version`` that this release writes; ``schema`` makes a file of it.
        schema: statements with a transaction of their own.
        settings: pragmas, set each time.

    Raises:
        FormatVersionError: a newer release wrote the file.
        sqlite3.Error, OSError: the disk refused.
    """
    path.touch(mode=0o600)
    db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    (found,) = db.execute("pragma user_version").fetchone()
    if found > version:
        db.close()
        raise FormatVersionError(path, found, version)
    for setting in settings:
        db.execute(f"pragma {setting}")
    if found < version:
        db.executescript(schema)
    return db


@contextmanager
def transaction(db: sqlite3.Connection) -> Iterator[None]:
    """Write all of it or, whatever happens meanwhile, nothing."""
    db.execute("begin immediate")
    try:
        yield
        db.execute("commit")
    finally:
        if db.in_transaction:
            db.execute("rollback")
