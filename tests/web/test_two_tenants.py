"""Two tenants with the same customers, and two customers' keys, never see each other on any page and parameter."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient
from tests.api.market import LOCAL, Market, market

from tollspan_rater.api.app import create_app
from tollspan_rater.web.app import page_routes

PAGES = {  # with their parameters
    "": ("month", "as_of", "customer"),
    "customer": ("customer", "period", "as_of", "cursor"),
    "call": ("id", "as_of"),
    "explain": ("id", "as_of"),
    "audit": ("as_of",),
}
TRIED = {
    "month": ["2026-11"],
    "period": ["2026-11", "2026-12"],
    "as_of": ["1", "2026-12-01"],
    "cursor": ["00000000000000000001.c_0"],
}
Browser = Callable[[str, str], TestClient]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Market]:
    with market(tmp_path_factory.mktemp("market")) as made:
        yield made


@pytest.fixture(scope="module")
def browser(shop: Market) -> Browser:
    """A browser that is signed in with the key of a tenant and a name: a scope, or a customer."""
    names = (f"session-{number}" for number in itertools.count())
    routes = page_routes(shop.rater, LOCAL, shop.rater.clock, lambda: next(names))
    app = create_app(shop.rater, LOCAL, more=routes)

    def signed_in(tenant: str, name: str) -> TestClient:
        client = TestClient(app, raise_server_exceptions=False, client=("127.0.0.1", 50000))
        client.post("/pages/sign-in", data={"key": shop.keys[tenant, name]["Authorization"].removeprefix("Bearer ")})
        return client

    return signed_in


def somebody(shop: Market, tenant: str, customer: str) -> dict[str, list[str]]:
    """Return names and ids of a customer of a tenant, by the parameter that takes them."""

    def rows(name: str, **params: Any) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = shop.get((tenant, "query"), name, **params).json()["rows"]
        return found

    (line, *_rest) = rows("invoice", customer=customer, period="2026-11")
    (call, *_more) = rows("calls", customer=customer, limit=1)
    return {"customer": [customer], "id": [call["call_id"], call["trace_ids"][0], line["line_id"]]}


def asked(known: dict[str, list[str]]) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield every page with each of its parameters, about a customer or an id where it needs one."""
    for page, params in PAGES.items():
        for name in params:
            for value in known.get(name) or TRIED[name]:
                yield page, {"customer": known["customer"][0], "id": known["id"][0], name: value}


def told(text: str, params: dict[str, str]) -> str:
    """Return what a page says beside what its reader said."""
    for value in params.values():
        text = text.replace(value, "") if len(value) > 2 else text
    return text


def test_a_tenant_sees_no_other_tenant(shop: Market, browser: Browser) -> None:
    mine, seen = browser("north", "admin"), set()
    for page, params in asked(somebody(shop, "south", "acme")):
        answer = mine.get(f"/pages/{page}", params=params)
        seen.add(answer.status_code)
        assert answer.status_code in {200, 400, 404}, (page, params, answer.text)
        assert "south" not in told(answer.text, params), (page, params)
    assert seen == {200, 400, 404}


def test_a_customer_sees_nobody_else(shop: Market, browser: Browser) -> None:
    mine, seen = browser("north", "acme"), set()
    for page, params in asked(somebody(shop, "north", "globex")):
        answer = mine.get(f"/pages/{page}", params=params)
        seen.add(answer.status_code)
        assert answer.status_code in {200, 400, 403, 404}, (page, params, answer.text)
        assert "globex" not in told(answer.text, params), (page, params)
    assert {200, 403} <= seen


@pytest.mark.parametrize(("tenant", "name"), [("north", "admin"), ("south", "admin"), ("north", "acme")])
def test_the_same_addresses_show_everyone_their_own(shop: Market, browser: Browser, tenant: str, name: str) -> None:
    text = browser(tenant, name).get("/pages/customer", params={"customer": "acme", "period": "2026-11"}).text
    assert f"feature-acme-{tenant}" in text
