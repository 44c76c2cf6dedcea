"""What commands have set: the newest row holds, an older answer stays as it was known."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from tollspan_rater.store import state
from tollspan_rater.store.database import Database
from tollspan_rater.store.tables import table


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database(tmp_path / "store.duckdb")
    yield database
    database.close()


def _json(**body: object) -> str:
    return orjson.dumps(body).decode()


def test_customers_as_of_a_position(database: Database) -> None:
    rows = [
        ("t1", "acme", 1, 10, _json(plans=[{"plan": "free"}])),
        (
            "t1",
            "acme",
            3,
            30,
            _json(plans=[{"plan": "free"}, {"plan": "pro", "from": "2026-11-01"}], zone="Asia/Tokyo"),
        ),
        ("t2", "acme", 2, 20, _json(currency="EUR", external_ids={"stripe": "cus_1"})),
    ]
    database.append({"customers": table("customers", rows)})
    reader = database.reader()
    assert state.customers(reader, "t1")["acme"].plans == ((None, "free"), ("2026-11-01", "pro"))
    assert state.customers(reader, "t1", as_of=2)["acme"] == state.Customer("t1", "acme", ((None, "free"),))
    assert state.customers(reader, "t1", as_of=0) == {}
    assert state.customers(reader, "t2")["acme"].external_ids == {"stripe": "cus_1"}


def test_a_key_keeps_its_creation_and_shows_its_newest_state(database: Database) -> None:
    body = {"hash": "0" * 64, "scopes": ["ingest"], "label": "collector"}
    rows = [
        ("t1", "k1", 1, 10, _json(**body)),
        ("t2", "k2", 2, 20, _json(**body, customer="acme")),
        ("t1", "k1", 3, 30, _json(**body, revoked=True)),
    ]
    database.append({"keys": table("keys", rows)})
    [first, second] = state.keys(database.reader())
    assert (first.key_id, first.revoked, first.at_ns) == ("k1", True, 10)
    assert (second.key_id, second.revoked, second.customer) == ("k2", False, "acme")
    assert state.keys(database.reader(), "t2") == [second]


def test_price_versions_in_the_order_of_the_journal(database: Database) -> None:
    rows = [("t1", f"pv_{at}", at, at * 10, 0, "me", "", _json(**{"a.yaml": "x"})) for at in (2, 1)]
    database.append({"price_versions": table("price_versions", rows)})
    found = state.price_versions(database.reader(), "t1")
    assert [(version.version, version.files) for version in found] == [
        ("pv_1", {"a.yaml": "x"}),
        ("pv_2", {"a.yaml": "x"}),
    ]
    assert [version.version for version in state.price_versions(database.reader(), "t1", as_of=1)] == ["pv_1"]
    assert state.price_versions(database.reader(), "t2") == []
