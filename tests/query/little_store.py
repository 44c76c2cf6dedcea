"""A store in memory that holds what a test says: prices, customers, calls; nothing is decoded or settled."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from importlib import resources
from typing import Any

import duckdb
import pyarrow as pa

from tollspan_rater import store
from tollspan_rater.query.accounts import Accounts
from tollspan_rater.store.tables import SCHEMAS

TENANT = "t"
DEFAULTS: dict[str, Any] = {
    "tenant": TENANT, "revision": 1, "sign": 1, "position": 1, "trace_key": 1, "kind": "call", "members": [],
    "trace_ids": [], "evidence": "", "dialect": "tollspan", "outcome": "complete", "quality": "exact", "flags": [],
    "provider": "openai", "model": "gpt-4.1", "operation": "chat",
}  # fmt: skip


def store_with(
    files: Mapping[str, object], customers: Mapping[str, Mapping[str, Any]], legs: Sequence[Mapping[str, Any]]
) -> duckdb.DuckDBPyConnection:
    """Return a connection to a store; a leg takes ``DEFAULTS`` for what it does not say."""
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute(resources.files(store).joinpath("schema.sql").read_text())
    texts = json.dumps({name: json.dumps(document) for name, document in files.items()})
    _insert(connection, "price_versions", [(TENANT, "pv_1", 1, 0, 0, "", "", texts)])
    _insert(connection, "customers", [(TENANT, name, 1, 0, json.dumps(body)) for name, body in customers.items()])
    rows = [{"ended_ns": leg["started_ns"], **DEFAULTS, **leg} for leg in legs]
    schema = SCHEMAS["legs"]
    columns = {field.name: pa.array([row.get(field.name) for row in rows], field.type) for field in schema}
    connection.register("appended", pa.table(columns))
    connection.execute("INSERT INTO legs BY NAME SELECT * FROM appended")
    connection.unregister("appended")
    return connection


def accounts_of(connection: duckdb.DuckDBPyConnection) -> Accounts:
    """Return the customers and prices of a store in memory."""
    return Accounts(connection, TENANT, "UTC")


def _insert(connection: duckdb.DuckDBPyConnection, table: str, rows: Sequence[tuple[Any, ...]]) -> None:
    for row in rows:
        connection.execute(f"INSERT INTO {table} VALUES ({', '.join('?' * len(row))})", row)  # noqa: S608 -- our tables
