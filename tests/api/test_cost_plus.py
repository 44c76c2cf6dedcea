"""A price made of the provider's cost tells a customer what is charged, and nothing of the cost or the margin."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from tests.api.market import Market, market
from tests.query.shop import Shop, card, plan

FORMS = ("application/json", "text/csv", "application/jsonl", "text/html", "application/vnd.tollspan.answer+json")


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Market]:
    with market(tmp_path_factory.mktemp("market")) as made:
        prices: list[Any] = [{"input": {"cost_plus": {"markup": "20", "margin": "0.5", "per": "1M"}}, "output": "16"}]
        north = Shop(made.rater, "north")
        north.price({"card.yaml": card(prices, per="1M"), "plan.yaml": plan("pro")}, since="2026-01-01")
        yield made


def invoice(shop: Market, key: str, accept: str) -> str:
    headers = {**shop.keys["north", key], "Accept": accept}
    answer = shop.http.get("/v1/invoice?customer=acme&period=2026-11", headers=headers)
    assert answer.status_code == 200, answer.text
    return str(answer.text)


@pytest.mark.parametrize("accept", FORMS)
def test_a_customers_bill_does_not_say_what_the_provider_charges(shop: Market, accept: str) -> None:
    whole = invoice(shop, "query", accept)
    assert "provider cost x 1.2" in whole
    assert "margin of each unit" in whole
    told = invoice(shop, "acme", accept)
    assert "provider cost" not in told
    assert "margin of" not in told
    assert "cost plus" not in told


def test_the_steps_that_a_customer_sees_come_to_the_same_amount(shop: Market) -> None:
    lines = shop.get(("north", "acme"), "invoice", period="2026-11").json()["rows"]
    [charged] = [line for line in lines if line["meter"] == "input"]
    assert charged["steps"] == [f"at the agreed price = {charged['amount_exact']}"]
    [others] = [line["steps"] for line in lines if line["meter"] == "output"]
    assert others == [step for step in others if " x " in step] != []
