"""What was handed over: items, their facts, and which exports are paused."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, Literal

import duckdb
import orjson

# Facts after which an item is never sent again, strongest first: a rejection may be told after the receipt.
_SETTLED: Final = ("superseded", "rejected", "receipt")


@dataclass(frozen=True, slots=True)
class ItemRow:
    """An item with the facts known of it, in their order; ``draft``, ``element`` and facts are plain JSON values."""

    item_id: str
    place: int
    at_ns: int
    position: int
    stamp_ns: int
    draft: dict[str, Any]
    element: dict[str, Any]
    facts: tuple[dict[str, Any], ...]


@dataclass(frozen=True, slots=True)
class ComponentRow:
    """All items of one component: ``items`` in all, ``standing`` of them not superseded, which add up to ``quantity``.

    ``draft`` and ``last`` are those of the newest.
    """

    customer: str
    component: str
    items: int
    standing: int
    quantity: Decimal
    draft: dict[str, Any]
    last: str


def items(
    connection: duckdb.DuckDBPyConnection,
    tenant: str,
    export: str,
    *,
    after: int = -1,
    most: int | None = None,
    ids: Collection[str] | None = None,
    unsettled: bool = False,
    where: tuple[tuple[Literal["customer", "period", "meter"], str], ...] = (),
) -> list[ItemRow]:
    """Return items of an export with their facts, in the order in which they were planned.

    ``unsettled`` leaves out those that a target has or refused, and those that others replaced.
    """
    settled = "AND item_id NOT IN (SELECT item_id FROM export_facts WHERE tenant = $tenant AND export = $export"
    condition = f"{settled} AND kind IN {_SETTLED})" if unsettled else ""
    condition += "".join(f" AND {name} = ${name}" for name, _ in where)
    values: dict[str, Any] = {"tenant": tenant, "export": export, "after": after, "most": most, **dict(where)}
    if ids is not None:
        condition += " AND item_id IN (SELECT unnest($ids::VARCHAR[]))"
        values["ids"] = list(ids)
    rows = connection.execute(
        "WITH chosen AS (SELECT item_id, place, at_ns, position, stamp_ns, draft, element FROM export_items "  # noqa: S608 - fixed names
        f"WHERE tenant = $tenant AND export = $export AND place > $after {condition} ORDER BY place LIMIT $most) "
        "SELECT chosen.*, (SELECT list({'kind': kind, 'at_ns': facts.at_ns, 'body': body} ORDER BY facts.place) "
        "FROM export_facts AS facts WHERE facts.tenant = $tenant AND facts.export = $export "
        "AND facts.item_id = chosen.item_id) FROM chosen ORDER BY place",
        values,
    ).fetchall()
    return [
        ItemRow(
            item_id,
            place,
            at_ns,
            position,
            stamp_ns,
            orjson.loads(draft),
            orjson.loads(element),
            tuple(_fact(one) for one in facts or ()),
        )
        for item_id, place, at_ns, position, stamp_ns, draft, element, facts in rows
    ]


def unsettled_facts(
    connection: duckdb.DuckDBPyConnection, tenant: str, export: str
) -> list[tuple[dict[str, Any], ...]]:
    """Return the facts of each item that no target has or refused, and that no other replaced."""
    rows = connection.execute(
        "SELECT list({'kind': kind, 'at_ns': facts.at_ns, 'body': body} ORDER BY facts.place) "  # noqa: S608 - fixed names
        "FILTER (WHERE kind IS NOT NULL) FROM export_items AS items "
        "LEFT JOIN export_facts AS facts USING (tenant, export, item_id) "
        "WHERE tenant = $tenant AND export = $export GROUP BY item_id "
        f"HAVING NOT coalesce(bool_or(kind IN {_SETTLED}), FALSE)",
        {"tenant": tenant, "export": export},
    ).fetchall()
    return [tuple(_fact(one) for one in facts or ()) for (facts,) in rows]


def components(
    connection: duckdb.DuckDBPyConnection,
    tenant: str,
    export: str,
    span: tuple[int | None, int | None] = (None, None),
    gone: Collection[str] = (),
) -> list[ComponentRow]:
    """Return what was planned of each component of an export whose service began in a span of time.

    The items ``gone`` count as superseded, too.
    """
    rows = connection.execute(
        "WITH gone AS (SELECT item_id FROM export_facts WHERE tenant = $tenant AND export = $export "
        "AND kind = 'superseded' UNION SELECT unnest($gone::VARCHAR[])) "
        "SELECT customer, component, count(*), count(*) FILTER (WHERE gone.item_id IS NULL), "
        "coalesce(sum(quantity::DECIMAL(38, 12)) FILTER (WHERE gone.item_id IS NULL), 0), "
        "arg_max(draft, place), arg_max(items.item_id, place) "
        "FROM export_items AS items LEFT JOIN gone USING (item_id) "
        "WHERE tenant = $tenant AND export = $export "
        "AND ($start::BIGINT IS NULL OR start_ns >= $start) AND ($end::BIGINT IS NULL OR start_ns < $end) "
        "GROUP BY customer, component",
        {"tenant": tenant, "export": export, "start": span[0], "end": span[1], "gone": list(gone)},
    ).fetchall()
    return [
        ComponentRow(customer, component, of_it, standing, quantity, orjson.loads(draft), last)
        for customer, component, of_it, standing, quantity, draft, last in rows
    ]


def planned(
    connection: duckdb.DuckDBPyConnection, tenant: str, export: str, components: Collection[str]
) -> tuple[int, int | None]:
    """Return how many items of some components were planned and not superseded, and when the last of them was."""
    count, last_ns = connection.execute(
        "SELECT count(*), max(items.at_ns) FROM export_items AS items "
        "ANTI JOIN (SELECT item_id FROM export_facts WHERE tenant = $tenant AND export = $export "
        "AND kind = 'superseded') AS gone USING (item_id) "
        "WHERE tenant = $tenant AND export = $export AND component IN (SELECT unnest($components::VARCHAR[]))",
        {"tenant": tenant, "export": export, "components": list(components)},
    ).fetchall()[0]
    return count, last_ns


def standing(connection: duckdb.DuckDBPyConnection, tenant: str, names: Collection[str]) -> set[str]:
    """Return the ids of all items of some exports that were not superseded."""
    rows = connection.execute(
        "SELECT item_id FROM export_items AS items ANTI JOIN (SELECT export, item_id FROM export_facts "
        "WHERE tenant = $tenant AND kind = 'superseded') AS gone USING (export, item_id) "
        "WHERE tenant = $tenant AND export IN (SELECT unnest($names::VARCHAR[]))",
        {"tenant": tenant, "names": list(names)},
    ).fetchall()
    return {item_id for (item_id,) in rows}


def told_by(
    connection: duckdb.DuckDBPyConnection, tenant: str, others: Collection[str]
) -> list[tuple[str, str, str, int, int]]:
    """Return what other exports hand over: export, customer, meter, service time; each once."""
    return connection.execute(
        "SELECT DISTINCT export, customer, meter, start_ns, end_ns FROM export_items AS items "
        "ANTI JOIN (SELECT export, item_id FROM export_facts WHERE tenant = $tenant "
        "AND kind IN ('superseded', 'rejected')) AS gone USING (export, item_id) "
        "WHERE tenant = $tenant AND export IN (SELECT unnest($others::VARCHAR[]))",
        {"tenant": tenant, "others": list(others)},
    ).fetchall()


def counts(connection: duckdb.DuckDBPyConnection, tenant: str) -> dict[str, dict[str, int]]:
    """Return how many items of each export are settled in which way, and how many are ``open``."""
    ranks = " ".join(f"WHEN bool_or(kind = '{kind}') THEN '{kind}'" for kind in _SETTLED)
    rows = connection.execute(
        f"WITH stands AS (SELECT export, item_id, CASE {ranks} ELSE 'open' END AS stand FROM export_facts "  # noqa: S608 - fixed names
        "WHERE tenant = $tenant GROUP BY export, item_id) "
        "SELECT export, coalesce(stand, 'open'), count(*) FROM export_items LEFT JOIN stands USING (export, item_id) "
        "WHERE tenant = $tenant GROUP BY ALL ORDER BY 1, 2",
        {"tenant": tenant},
    ).fetchall()
    found: dict[str, dict[str, int]] = {}
    for export, stand, count in rows:
        found.setdefault(export, {})[stand] = count
    return found


def paused(connection: duckdb.DuckDBPyConnection, tenant: str) -> dict[str, bool]:
    """Return which exports were paused, and not resumed since."""
    rows = connection.execute(
        "SELECT export, arg_max(paused, position) FROM export_switches WHERE tenant = ? GROUP BY export", [tenant]
    ).fetchall()
    return dict(rows)


def _fact(row: dict[str, Any]) -> dict[str, Any]:
    return {"kind": row["kind"], "at_ns": row["at_ns"], **orjson.loads(row["body"])}
