"""Names of people and customers, kept in one place so that a person can be forgotten and every total stays."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
import re
import secrets
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Literal

from tollspan_rater.errors import FolderError
from tollspan_rater.store.folder import Folder, replace_file
from tollspan_rater.store.sqlite_file import opened, transaction

Kind = Literal["user", "customer"]

FORMAT = 1
_KEY_BYTES = 32
_SUBJECT = re.compile(r"u_[0-9a-f]{16}")
_CHUNK = 500
_SCHEMA = f"""
begin exclusive;
create table if not exists name (
    tenant text not null, kind text not null, id text not null, name text not null, primary key (tenant, kind, id)
) strict, without rowid;
create table if not exists forgotten (
    tenant text not null, kind text not null, id text not null, primary key (tenant, kind, id)
) strict, without rowid;
pragma user_version = {FORMAT};
commit;
"""
_REMEMBER = """
insert into name select :tenant, :kind, :id, :name
where not exists (select 1 from forgotten where tenant = :tenant and kind = :kind and id = :id)
on conflict do update set name = excluded.name where name <> excluded.name
"""
_KNOWN = """
select 1 from name where tenant = :tenant and kind = :kind and id = :id
union all select 1 from forgotten where tenant = :tenant and kind = :kind and id = :id
"""


class Names:
    """The names in a data folder; any thread may use it.

    People (kind ``user``) have ids that only the folder's key can make; customers (kind ``customer``) keep the id
    that the user gave them, and a display name beside it.

    Args:
        folder: the data folder, which the caller owns.
        random_bytes: makes the key on first use.

    Raises:
        FolderError: when the key is missing or damaged beside existing names, or the disk refuses.
        FormatVersionError: when a newer release wrote the names.
    """

    def __init__(self, folder: Folder, random_bytes: Callable[[int], bytes] = secrets.token_bytes) -> None:
        self._path = folder.names
        self._lock = threading.Lock()
        self.subject_key = _read_or_make_key(folder, random_bytes)
        with self._naming_the_file():
            self._db = _open(folder)
        self._hashed = lru_cache(maxsize=65_536)(self._hash)

    def subject_id(self, tenant: str, name: str) -> str:
        """Return a person's id: the same for the same tenant, key and name, and an id that is known for itself.

        After a name is forgotten its journal holds the id in the name's place; fed back in, the id stays.
        """
        if looks_like_id(name) and self._is_known(tenant, "user", name):
            return name
        return self._hashed(tenant, name)

    def remember(self, tenant: str, names: Mapping[str, str], kind: Kind = "user") -> None:
        """Keep names by id, durable on return; the newest name of an id holds, a forgotten id stays forgotten."""
        rows = [{"tenant": tenant, "kind": kind, "id": key, "name": name} for key, name in names.items() if key != name]
        with self._transaction() as db:
            db.executemany(_REMEMBER, rows)

    def name_of(self, tenant: str, ids: Iterable[str], kind: Kind = "user") -> dict[str, str]:
        """Return the names of those ids that have one."""
        wanted = list(ids)
        found: dict[str, str] = {}
        with self._lock, self._naming_the_file():
            for start in range(0, len(wanted), _CHUNK):
                chunk = wanted[start : start + _CHUNK]
                marks = ",".join("?" * len(chunk))
                query = f"select id, name from name where tenant = ? and kind = ? and id in ({marks})"  # noqa: S608  only question marks
                found.update(self._db.execute(query, (tenant, kind, *chunk)))
        return found

    def known_id(self, tenant: str, name_or_id: str, kind: Kind = "user") -> str | None:
        """Return the id of someone who was ever named here, forgotten or not; None for a stranger."""
        key = self.subject_id(tenant, name_or_id) if kind == "user" else name_or_id
        return key if self._is_known(tenant, kind, key) else None

    def forget(self, tenant: str, name_or_id: str, kind: Kind = "user") -> str | None:
        """Delete a name for good, never to be remembered again, and return the id; None when it is not known.

        The freed bytes are overwritten in the file.
        """
        key = self.known_id(tenant, name_or_id, kind)
        if key is None:
            return None
        self._hashed.cache_clear()
        row = {"tenant": tenant, "kind": kind, "id": key}
        with self._transaction() as db:
            db.execute("delete from name where tenant = :tenant and kind = :kind and id = :id", row)
            db.execute("insert or ignore into forgotten values (:tenant, :kind, :id)", row)
        return key

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()

    def _hash(self, tenant: str, name: str) -> str:
        return hashed_id(self.subject_key, tenant, name)

    def _is_known(self, tenant: str, kind: Kind, key: str) -> bool:
        with self._lock, self._naming_the_file():
            return self._db.execute(_KNOWN, {"tenant": tenant, "kind": kind, "id": key}).fetchone() is not None

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._lock, self._naming_the_file(), transaction(self._db):
            yield self._db

    @contextlib.contextmanager
    def _naming_the_file(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            problem = f"the names cannot be read or written ({error})"
            raise FolderError(self._path, problem, "Free space or repair the disk, or restore a backup.") from error


def hashed_id(key: bytes, tenant: str, name: str) -> str:
    """Return the id that a key gives to a person of a tenant."""
    message = json.dumps([tenant, "user", name]).encode()
    return "u_" + hmac.new(key, message, hashlib.sha256).hexdigest()[:16]


def looks_like_id(name: str) -> bool:
    """Tell whether a name is written like a person's id."""
    return name.startswith("u_") and _SUBJECT.fullmatch(name) is not None


def _open(folder: Folder) -> sqlite3.Connection:
    """Open or make the file. A rollback journal, not a write-ahead log: a log would keep deleted names."""
    settings = ("journal_mode = truncate", "synchronous = full", "secure_delete = on")
    return opened(folder.names, version=FORMAT, schema=_SCHEMA, settings=settings)


def _read_or_make_key(folder: Folder, random_bytes: Callable[[int], bytes]) -> bytes:
    """Read the key; it is made only in a folder without names, since another key would rename everyone."""
    path = folder.subject_key
    if not path.exists():
        if folder.names.exists():
            raise FolderError(path, "the key of the names beside it is missing", "Restore it from a backup.")
        replace_file(path, random_bytes(_KEY_BYTES))
    key = path.read_bytes()
    if len(key) != _KEY_BYTES:
        raise FolderError(path, f"the key has {len(key)} bytes instead of {_KEY_BYTES}", "Restore it from a backup.")
    return key
