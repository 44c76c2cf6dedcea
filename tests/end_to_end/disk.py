"""Everything that a rater left on the disk, readable: raw bytes, the journal's entries, the store's rows."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import duckdb
import zstandard


def everything(data: Path, scratch: Path) -> Iterator[tuple[str, bytes]]:
    """Yield where something lies and its bytes; the files are read as they are, then a copy of them is opened."""
    for path in sorted(data.rglob("*")):
        if path.is_file():
            yield path.name, path.read_bytes()
    shutil.copytree(data, scratch)
    yield from _journal(scratch / "journal")
    for path in (scratch / "store").glob("*.duckdb"):
        yield from _store(path)


def _journal(folder: Path) -> Iterator[tuple[str, bytes]]:
    for path in folder.glob("*.sqlite"):
        with closing(sqlite3.connect(path)) as file:
            for position, body in file.execute("SELECT position, body FROM entry"):
                yield f"journal entry {position}", zstandard.decompress(body)


def _store(path: Path) -> Iterator[tuple[str, bytes]]:
    with closing(duckdb.connect(str(path))) as store:
        for (name,) in store.execute("SELECT table_name FROM duckdb_tables()").fetchall():
            for row in store.execute(f'SELECT * FROM "{name}"').fetchall():  # noqa: S608 - a name of the schema
                yield f"table {name}", b"\n".join(_bytes(cell) for cell in row)


def _bytes(cell: object) -> bytes:
    return cell if isinstance(cell, bytes) else str(cell).encode()
