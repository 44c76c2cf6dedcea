"""Cost centres: own, shared and in all; each column adds up, whatever the rule."""

from __future__ import annotations

from decimal import Decimal

import pytest

from query.shop import Shop, card, plan, total
from tollspan_rater.config.model import Allocation
from tollspan_rater.errors import UsageError
from tollspan_rater.query.accounts import Accounts
from tollspan_rater.query.allocation import allocation
from tollspan_rater.query.scope import Scope

TIME = "2026-11-03T10:00:0{}Z"
PRICES = {"card.json": card([{"input": 1, "output": 0}], per=1), "plan.json": plan("flat")}


@pytest.fixture
def filled(shop: Shop) -> Shop:
    """100 of research, 300 of support, 60 shared, 7 of nobody; all charged to one customer at 1 a token."""
    shop.price(PRICES)
    shop.customer("us", plan="flat")
    centres = (("research", 100), ("support", 300), ("shared", 60), (None, 7))
    shop.send(
        *(
            shop.call(TIME.format(n), {"input": count, "output": 0}, customer="us", organization=centre)
            for n, (centre, count) in enumerate(centres)
        )
    )
    return shop


def divided(shop: Shop, **params: str) -> dict[str, tuple[Decimal, ...]]:
    answer = shop.ask("allocation", by="organization", measure="charge", **params)
    rows = answer.rows
    assert total(rows, "own") == total(rows, "amount") == Decimal(467)
    assert total(rows, "shared") == 0
    assert answer.totals == {"own": 467, "shared": 0, "amount": 467, "currency": "USD"}
    return {
        str(row["organization"]): tuple(Decimal(str(row[name])) for name in ("own", "shared", "amount")) for row in rows
    }


@pytest.mark.parametrize(
    ("params", "research", "support"),
    [
        ({}, 15, 45),
        ({"rule": "usage"}, 15, 45),
        ({"rule": "equal"}, 30, 30),
        ({"rule": "weights", "weights": "research=2,support=1"}, 40, 20),
    ],
)
def test_the_shared_is_borne_by_rule(filled: Shop, params: dict[str, str], research: int, support: int) -> None:
    assert divided(filled, **params) == {
        "research": (100, research, 100 + research),
        "support": (300, support, 300 + support),
        "shared": (60, -60, 0),
        "unattributed": (7, 0, 7),
    }


def test_weights_may_name_who_used_nothing(filled: Shop) -> None:
    assert divided(filled, rule="weights", weights="board=1")["board"] == (0, 60, 60)


def test_another_value_may_stand_for_all(filled: Shop) -> None:
    found = divided(filled, shared="support")
    assert found["support"] == (300, -300, 0)
    assert found["research"] == (100, Decimal("187.5"), Decimal("287.5"))


def test_cost_is_divided_by_default(filled: Shop) -> None:
    rows = filled.ask("allocation", by="organization").rows
    cost = total(filled.ask("usage").rows, "cost")
    assert total(rows, "own") == total(rows, "amount") == cost > 0


def test_with_nobody_to_bear_it_the_shared_stays(shop: Shop) -> None:
    shop.send(shop.call(TIME.format(1), {"input": 10, "output": 1}, organization="shared"))
    answer = shop.ask("allocation", by="organization")
    [row] = answer.rows
    assert row["own"] == row["amount"]
    assert any(note.startswith("nobody bears the shared ") for note in answer.notes)


def test_what_has_no_price_is_told(shop: Shop) -> None:
    shop.send(shop.call(TIME.format(1), {"input": 10, "output": 1}, organization="research"))
    answer = shop.ask("allocation", by="organization", measure="charge")
    assert answer.rows == []
    assert answer.notes == ["1 calls have no known charge; it is not counted as 0, nor divided"]


@pytest.mark.parametrize(
    ("params", "complaint"),
    [
        ({"rule": "weights"}, "weights and the rule weights go together"),
        ({"weights": "a=1"}, "weights and the rule weights go together"),
        ({"rule": "weights", "weights": "a"}, "'a' is no weight of its own: give NAME=NUMBER"),
        ({"rule": "weights", "weights": "shared=1,a=2"}, "shared is what is divided and cannot bear a part"),
        ({"by": "model"}, "by cannot be 'model'"),
    ],
)
def test_what_is_refused(shop: Shop, params: dict[str, str], complaint: str) -> None:
    with pytest.raises(UsageError, match=complaint):
        shop.ask("allocation", **params)


def test_the_configuration_says_how_when_the_question_does_not(filled: Shop) -> None:
    standard = Allocation(by="organization", shared="support", rule="weights", weights="research=1, board=2")
    with filled.rater.database.snapshot() as connection:
        scope = Scope(connection, Accounts(connection, filled.tenant, "UTC"), 1, "UTC", filled.rater.names)
        rows = allocation(scope, {"measure": "charge"}, standard).rows
        assert {row["organization"]: row["shared"] for row in rows} == {
            "research": 100, "board": 200, "support": -300, "shared": 0, "unattributed": 0,
        }  # fmt: skip
        [both] = {row["shared"] for row in allocation(scope, {"measure": "charge", "rule": "equal"}, standard).rows
                  if row["organization"] in {"research", "shared"}}  # fmt: skip
        assert both == 150
        with pytest.raises(UsageError, match=r"allocation\.by = 'modell' is no attribution key"):
            allocation(scope, {}, Allocation(by="modell"))
