"""Answers as of an earlier position: what was known then, whatever came later."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from query.shop import Shop, at, card, plan
from tollspan_rater.domain.clock import FixedClock
from tollspan_rater.errors import UsageError
from tollspan_rater.query.answer import Answer
from tollspan_rater.query.questions import QUESTIONS
from tollspan_rater.store.tables import SCHEMAS

CALL = {"input": 1_000_000, "output": 0}
ASKED: list[tuple[str, dict[str, str]]] = [
    ("usage", {"by": "customer,model,day,reason"}),
    ("calls", {}),
    ("margin", {"by": "plan"}),
    ("invoice", {"all": "true", "period": "2026-11"}),
    ("inexact", {}),
    ("customers.list", {}),
    ("audit", {"full": "true"}),
    ("audit", {"senders": "true"}),
]


def files(price: str, fee: str = "31") -> dict[str, object]:
    return {
        "card.yaml": card([{"input": price, "output": "16"}], per="1M"),
        "plan.yaml": plan("pro", base_fee=fee, included={"output": "5"}),
    }


def said(answer: Answer) -> str:
    return json.dumps([answer.as_of, answer.zone, answer.rows, answer.totals, answer.details], default=str)


def asked(shop: Shop, number: int, **when: str) -> str:
    name, params = ASKED[number % len(ASKED)]
    return said(shop.ask(name, **params, **when))


@pytest.fixture
def pro(shop: Shop) -> Shop:
    shop.price(files("4"))
    shop.customer("a", plan="pro")
    return shop


def amounts(shop: Shop, **when: str) -> list[str]:
    return [str(row["amount"]) for row in shop.ask("invoice", customer="a", period="2026-11", **when).rows]


def test_a_late_call_a_new_price_and_a_new_plan_are_not_known_before_they_came(pro: Shop) -> None:
    first = pro.send(pro.call("2026-11-03T10:00Z", CALL, customer="a"))
    late = pro.send(pro.call("2026-11-02T10:00Z", CALL, customer="a"))
    pro.price(files("5"))  # for all time: yesterday's bill is another one from now on
    dearer = pro.ask("usage").as_of
    pro.price({**files("5"), "free.yaml": plan("free")})
    pro.customer("a", plan="free", **{"from": "2026-11-01"})
    assert amounts(pro, as_of=str(first)) == ["31.00", "4.00"]
    assert amounts(pro, as_of=str(late)) == ["31.00", "8.00"]
    assert amounts(pro, as_of=str(dearer)) == ["31.00", "10.00"]
    assert amounts(pro) == ["10.00"]
    assert [row["calls"] for row in pro.ask("usage", as_of=str(first)).rows] == [1]
    assert [row["calls"] for row in pro.ask("usage").rows] == [2]


def test_a_view_that_came_later_does_not_change_what_was_known(pro: Shop) -> None:
    record = pro.call("2026-11-03T10:00Z", CALL, outcome="failed")
    first = pro.send(record)
    (call,) = pro.ask("calls").rows
    again = {"attempt": 2, "retry_of": record.identity.record_id}
    pro.send(pro.call("2026-11-03T10:00:09Z", CALL, **again))
    assert [row["reason"] for row in pro.ask("calls", as_of=str(first)).rows] == ["failed"]
    assert [row["reason"] for row in pro.ask("calls").rows] == ["retried", "no plan"]
    legs = [row["what"] for row in pro.ask("explain", id=str(call["call_id"]), as_of=str(first)).rows]
    assert "leg +1" in legs


def test_an_answer_says_as_of_when_it_is(pro: Shop) -> None:
    position = pro.send(pro.call("2026-11-03T10:00Z", CALL, customer="a"))
    answer = pro.ask("usage", as_of=str(position))
    assert answer.as_of == position
    assert answer.notes[-1] == f"as it was known at journal position {position}, 2026-12-15T12:00:00.000000Z"


def test_a_time_is_the_last_position_before_it(pro: Shop) -> None:
    clock = pro.rater.clock
    assert isinstance(clock, FixedClock)
    now = clock.now_ns()
    try:
        clock.set(at("2027-01-01T00:00:00Z"))
        first = pro.send(pro.call("2026-11-03T10:00Z", CALL, customer="a"))
        clock.set(at("2027-01-02T00:00:00Z"))
        pro.send(pro.call("2026-11-03T11:00Z", CALL, customer="a"))
        clock.set(at("2027-01-01T12:00:00Z"))  # a clock set back moves no earlier answer
        last = pro.send(pro.call("2026-11-03T12:00Z", CALL, customer="a"))
        clock.set(at("2027-01-03T00:00:00Z"))
        for text, position in (
            ("2027-01-01T00:00:00Z", first), ("2027-01-01", first), ("2027-01-01T23:59Z", first),
            ("2027-01-02", last), ("2027-01-03", last),
        ):  # fmt: skip
            assert pro.ask("usage", as_of=text).as_of == position, text
        assert said(pro.ask("calls", as_of="2027-01-01T05:00Z")) == said(pro.ask("calls", as_of=str(first)))
        pro.customer("a", zone="America/New_York")
        assert pro.ask("usage", customer="a", as_of="2027-01-01").as_of == first
        for text in ("2027-01-03T00:00:01Z", str(last + 9)):
            with pytest.raises(UsageError, match="is not known"):
                pro.ask("usage", as_of=text)
    finally:
        clock.set(now)


def test_before_everything_nothing_is_known(pro: Shop) -> None:
    pro.send(pro.call("2026-11-03T10:00Z", CALL, customer="a"))
    assert list(pro.ask("usage", as_of="0").rows) == []
    assert list(pro.ask("invoice", all="true", as_of="2026-01-01").rows) == []


def test_every_table_of_facts_can_be_cut(pro: Shop) -> None:
    with pro.rater.database.looking_up() as connection:
        tables = connection.execute("SELECT table_name FROM duckdb_tables() WHERE table_name <> 'meta'").fetchall()
    assert {name for (name,) in tables} == set(SCHEMAS)
    assert [
        name for name, schema in SCHEMAS.items() if not {"position", "at_position"}.intersection(schema.names)
    ] == []


@pytest.mark.parametrize(
    "name",
    ["usage", "calls", "invoice", "lines", "margin", "inexact", "duplicates", "explain", "customers.list",
     "statements.list", "statements.show", "ledger", "allowance", "leakage", "latency", "audit"],
)  # fmt: skip
def test_usage_and_money_can_be_asked_as_of(name: str) -> None:
    assert "as_of" in {param.name for param in QUESTIONS[name].params}


acts = st.lists(
    st.one_of(
        st.tuples(st.just("call"), st.sampled_from(["a", "b", None]), st.integers(1, 28), st.integers(0, 9_000)),
        st.tuples(st.just("again"), st.sampled_from(["a", "b", None]), st.integers(1, 28), st.integers(0, 9_000)),
        st.tuples(st.just("price"), st.sampled_from(["1", "7"]), st.integers(1, 28), st.integers(0, 1)),
        st.tuples(st.just("plan"), st.sampled_from(["a", "b"]), st.integers(1, 28), st.integers(0, 1)),
    ),
    min_size=2,
    max_size=5,
)


def act(shop: Shop, done: tuple[Any, ...], last: list[Any]) -> int:
    """One thing happens: a call, another attempt of the last call, prices or a plan from a day on. Its position."""
    kind, name, day, number = done
    if kind == "call" or (kind == "again" and not last):
        last[:] = [shop.call(f"2026-11-{day:02}T10:00Z", {"input": number, "output": 9}, customer=name)]
        shop.send(*last)
    elif kind == "again":
        later = {"attempt": 2, "retry_of": last[0].identity.record_id}
        shop.send(replace(shop.call(f"2026-11-{day:02}T11:00Z", {"input": number}, customer=name), **later))
    elif kind == "price":
        shop.price(files(name, str(number)), since=f"2026-11-{day:02}")
    else:
        shop.customer(name, plan="pro", **{"from": f"2026-11-{day:02}"})
    return shop.rater.journal.last_position


@settings(max_examples=5, deadline=None, phases=(Phase.generate,), suppress_health_check=list(HealthCheck))
@given(acts, st.integers(0, len(ASKED)))
def test_later_entries_never_change_an_answer_as_of_an_earlier_position(
    open_shop: Callable[[], Shop], drawn: list[tuple[Any, ...]], first: int
) -> None:
    shop = open_shop()
    then: dict[str, tuple[int, str]] = {}
    last: list[Any] = []
    for number, done in enumerate(drawn, first):
        position = act(shop, done, last)
        then[str(position)] = (number, asked(shop, number))
    for position, (number, answer) in then.items():
        assert asked(shop, number, as_of=position) == answer
