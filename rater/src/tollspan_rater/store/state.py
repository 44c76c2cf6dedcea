"""What commands have set: customers, keys and price versions, as of a journal position."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import duckdb
import orjson

LATEST: Final = (1 << 63) - 1


@dataclass(frozen=True, slots=True)
class Customer:
    """What is known of a customer. ``plans`` are (day as text or None for since ever, plan), in time order.

    ``addons`` are ``{addon, quantity, from, to}`` as texts, ``anchor`` is a day on which one of its periods begins.
    """

    tenant: str
    customer: str
    plans: tuple[tuple[str | None, str], ...] = ()
    segment: str | None = None
    phase: str | None = None
    currency: str | None = None
    zone: str | None = None
    external_ids: Mapping[str, str] = field(default_factory=dict)
    addons: tuple[Mapping[str, str], ...] = ()
    anchor: str | None = None

    @staticmethod
    def from_body(tenant: str, customer: str, body: Mapping[str, Any]) -> Customer:
        """Return a customer from the JSON body of its row."""
        return Customer(
            tenant,
            customer,
            tuple((plan.get("from"), plan["plan"]) for plan in body.get("plans", ())),
            body.get("segment"),
            body.get("phase"),
            body.get("currency"),
            body.get("zone"),
            dict(body.get("external_ids", {})),
            tuple(body.get("addons", ())),
            body.get("anchor"),
        )


@dataclass(frozen=True, slots=True)
class Key:
    """A key: only the hash of its secret is kept."""

    tenant: str
    key_id: str
    hash: str
    scopes: tuple[str, ...]
    label: str
    customer: str | None
    revoked: bool
    at_ns: int


@dataclass(frozen=True, slots=True)
class PriceVersion:
    """An applied folder of rate cards and plans: immutable, valid from an instant, known from a position on."""

    tenant: str
    version: str
    position: int
    at_ns: int
    valid_from_ns: int
    author: str
    note: str
    files: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class RulesVersion:
    """Applied span rules: they hold for the journal entries after their position, until the next ones."""

    tenant: str
    version: str
    position: int
    at_ns: int
    author: str
    note: str
    body: Mapping[str, Any]


def last_set(connection: duckdb.DuckDBPyConnection, tenant: str) -> tuple[int | None, ...]:
    """Return by which journal entries a tenant's customers, prices and closed periods came to be what they are."""
    tables = ("customers", "price_versions", "statements")
    last = ", ".join(f"(SELECT max(position) FROM {table} WHERE tenant = $tenant)" for table in tables)  # noqa: S608 - our names
    [row] = connection.execute(f"SELECT {last}", {"tenant": tenant}).fetchall()
    return row


def customers(connection: duckdb.DuckDBPyConnection, tenant: str, as_of: int = LATEST) -> dict[str, Customer]:
    """Return all customers of a tenant by id."""
    rows = connection.execute(
        "SELECT customer, arg_max(body, position) FROM customers WHERE tenant = ? AND position <= ? "
        "GROUP BY customer ORDER BY customer",
        [tenant, as_of],
    ).fetchall()
    return {name: Customer.from_body(tenant, name, orjson.loads(body)) for name, body in rows}


def keys(connection: duckdb.DuckDBPyConnection, tenant: str | None = None) -> list[Key]:
    """Return the keys of a tenant, or of all, newest state of each."""
    rows = connection.execute(
        "SELECT tenant, key_id, arg_max(body, position), min(at_ns) FROM keys "
        "WHERE ?::VARCHAR IS NULL OR tenant = ? GROUP BY tenant, key_id ORDER BY min(position)",
        [tenant, tenant],
    ).fetchall()
    found = []
    for owner, key_id, text, at_ns in rows:
        body = orjson.loads(text)
        found.append(
            Key(owner, key_id, body["hash"], tuple(body["scopes"]), body.get("label", ""), body.get("customer"),
                bool(body.get("revoked")), at_ns)
        )  # fmt: skip
    return found


def price_versions(connection: duckdb.DuckDBPyConnection, tenant: str, as_of: int = LATEST) -> list[PriceVersion]:
    """Return the applied price versions of a tenant in the order in which they were recorded."""
    rows = connection.execute(
        "SELECT version, position, at_ns, valid_from_ns, author, note, body FROM price_versions "
        "WHERE tenant = ? AND position <= ? ORDER BY position",
        [tenant, as_of],
    ).fetchall()
    return [
        PriceVersion(tenant, version, position, at_ns, valid_from_ns, author, note, orjson.loads(body))
        for version, position, at_ns, valid_from_ns, author, note, body in rows
    ]


def span_rules(connection: duckdb.DuckDBPyConnection, tenant: str | None = None) -> list[RulesVersion]:
    """Return the applied span rules of a tenant, or of all, in the order in which they were applied."""
    rows = connection.execute(
        "SELECT tenant, version, position, at_ns, author, note, body FROM span_rules "
        "WHERE ?::VARCHAR IS NULL OR tenant = ? ORDER BY position",
        [tenant, tenant],
    ).fetchall()
    return [
        RulesVersion(owner, version, position, at_ns, author, note, orjson.loads(body))
        for owner, version, position, at_ns, author, note, body in rows
    ]
