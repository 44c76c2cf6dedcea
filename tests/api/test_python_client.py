"""The Python client against the API before a real rater."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from decimal import Decimal

import httpx
import pytest
from tests.api.market import Market, market
from tests.query.shop import card, plan

from tollspan_rater.client import Client
from tollspan_rater.errors import NotFoundError, TollspanError, UsageError


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Market]:
    with market(tmp_path_factory.mktemp("market")) as made:
        yield made


class Through(httpx.BaseTransport):
    """Sends requests into the API without a network, and counts them."""

    def __init__(self, shop: Market) -> None:
        self._shop = shop
        self.methods: list[str] = []

    @property
    def sent(self) -> int:
        return len(self.methods)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.methods.append(request.method)
        answer = self._shop.http.request(
            request.method, request.url.raw_path.decode(), headers=dict(request.headers), content=request.read()
        )
        return httpx.Response(answer.status_code, headers=dict(answer.headers), content=answer.content)


def connect(shop: Market, key: str = "query") -> tuple[Client, Through]:
    through = Through(shop)
    token = shop.keys["north", key]["Authorization"].removeprefix("Bearer ")
    return Client("http://rater", token, transport=through), through


def test_an_answer_has_its_types(shop: Market) -> None:
    client, _ = connect(shop)
    with client:
        answer = client.ask("usage", by=["customer", "model"], from_=date(2026, 11, 2), top=3, unpriced=False)
    assert {type(row["calls"]) for row in answer.rows} == {int}
    assert all(isinstance(row["charge"], str | Decimal) for row in answer.rows)
    assert answer.zone == "UTC"


@pytest.mark.parametrize(("size", "requests"), [(2, 5), (1_000, 1)])
def test_rows_come_page_by_page(shop: Market, size: int, requests: int) -> None:
    client, through = connect(shop)
    with client:
        found = list(client.rows("usage", by=["customer", "day"], page_size=size))
        assert through.sent == requests
        assert found == list(client.ask("usage", by=["customer", "day"]).rows)
        assert [row["call_id"] for row in client.rows("calls", page_size=size)] == [
            row["call_id"] for row in client.ask("calls").rows
        ]


def test_errors_are_those_of_the_server(shop: Market) -> None:
    client, _ = connect(shop)
    with pytest.raises(UsageError, match="did you mean 'customer'"):
        client.ask("usage", custommer="acme")
    with pytest.raises(NotFoundError, match="nobody"):
        client.ask("allowance", customer="nobody")
    client, _ = connect(shop, "acme")
    with client, pytest.raises(TollspanError, match="cannot ask margin"):
        client.ask("margin")


def test_an_answer_that_is_no_json_is_an_error() -> None:
    transport = httpx.MockTransport(lambda _request: httpx.Response(200, text="<html>"))
    with Client("http://rater", "k", transport=transport) as client, pytest.raises(TollspanError, match="without JSON"):
        client.ask("usage")


def test_a_server_that_is_not_there_is_told_apart_from_one_that_went_away() -> None:
    def refuses(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("[Errno 111] Connection refused", request=request)

    asking = Client("http://127.0.0.1:1", "tsk_", transport=httpx.MockTransport(refuses))
    with pytest.raises(TollspanError, match=r"nobody answers at http://127.0.0.1:1: .*refused. Start tollspan serve"):
        asking.ask("usage")


def test_what_no_address_can_hold_is_asked_in_a_body(shop: Market) -> None:
    prices = {
        "card.yaml": json.dumps(card([{"input": "8", "output": "32"}], per="1M")),
        "plan.yaml": json.dumps(plan("pro")),
    }
    client, through = connect(shop)
    with client:
        answer = client.ask("pricing.diff", files=prices, period="2026-11", top=1)
        assert {row["part"] for row in answer.rows} >= {"price", "bill"}
        assert list(client.rows("pricing.diff", files=prices, period="2026-11", top=1)) == list(answer.rows)
        long = client.ask("usage", by=["customer"], model="m" * 3_000)
        assert long.rows == []
    assert through.methods == ["POST", "POST", "POST"]


def test_a_page_asked_for_in_a_body_names_no_address_of_the_next(shop: Market) -> None:
    said = {"by": ["customer", "day"], "page_size": 2}
    first = shop.http.post("/v1/usage", json=said, headers=shop.keys["north", "query"])
    assert "Link" not in first.headers
    second = shop.http.post(
        "/v1/usage", json={**said, "cursor": first.json()["next"]}, headers=shop.keys["north", "query"]
    )
    assert len(second.json()["rows"]) == 2
    assert second.json()["rows"] != first.json()["rows"]
