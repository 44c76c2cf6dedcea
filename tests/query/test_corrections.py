"""Corrections in the answers: bills, explanations, the list of them, and the audit's terms."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from query.random_traffic import PRICES
from query.shop import Shop
from query.test_audit import audited, red
from query.test_close import PRICES as CLOSED_PRICES
from query.test_close import bill
from tollspan_rater.errors import NotFoundError

TIME = "2026-11-03T10:00:0{}Z"
SAYS = "calls as their spans say = calls + void + amended away"
NAMED = "corrected calls = calls that a correction in force names"


@pytest.fixture
def filled(shop: Shop) -> Shop:
    shop.price(PRICES)
    shop.customer("a", plan="linear")
    shop.customer("b", plan="linear")
    calls = [shop.call(TIME.format(n), {"input": 10 + n, "output": 2}, customer="a") for n in range(4)]
    shop.send(*calls, shop.unit("2026-11-03T11:00:00Z", "retrieval", "1.5", customer="a"))
    return shop


def ids(shop: Shop, kind: str = "call") -> list[str]:
    return [str(row["call_id"]) for row in shop.ask("calls", kind=kind).rows]


def correct(shop: Shop, kind: str, **body: Any) -> str:
    said = shop.rater.execute(f"call.{kind}", {"note": "a reason", **body}, tenant=shop.tenant, actor="ann")
    return str(said.body["correction"])


def charged(shop: Shop) -> dict[str, Decimal]:
    return {str(row["customer"]): Decimal(str(row["charge"])) for row in shop.ask("usage").rows}


def corrected(shop: Shop) -> tuple[list[str], str]:
    """A shop in which every kind of correction holds: a void call, an amended one, an attributed one, a void unit."""
    one, two, three, _ = names = ids(shop)
    correct(shop, "void", calls=[one])
    correct(shop, "amend", calls=[two], set={"input": 5})
    correct(shop, "reattribute", calls=[three], set={"customer": "b"})
    [unit] = ids(shop, "unit")
    correct(shop, "void", calls=[unit])
    return names, unit


def test_bills_follow_and_every_equation_holds(filled: Shop) -> None:
    before = charged(filled)
    [price] = {row["unit_price"] for row in filled.ask("invoice", customer="a", period="2026-11").rows
               if row["meter"] == "input" and row["kind"] == "usage"}  # fmt: skip
    corrected(filled)
    after = filled.ask("invoice", customer="a", period="2026-11").rows
    quantities = {row["meter"]: row["quantity"] for row in after if row["kind"] == "usage"}
    assert quantities == {"input": 5 + 13, "output": 4}
    assert price is not None
    assert charged(filled)["a"] < before["a"]
    answer = filled.ask("audit", full="true")
    assert answer.ok, [row for row in answer.rows if not row["holds"]]
    terms = {row["equation"]: row["terms"] for row in answer.rows}
    assert terms[f"{SAYS} (number)"] == "void 2, amended away 0"
    assert terms[f"{SAYS} (input)"] == "void 10, amended away 6"
    assert terms[f"{SAYS} (unit measures)"] == "void 1.5, amended away 0"
    assert terms[NAMED] == "2 void, 2 other; corrections made 4, and 0 that take some back"


DAMAGES = [
    ("a void call counts again", "DELETE FROM legs WHERE TENANT AND sign = -1 AND input = 10", {NAMED}),
    ("a correction is lost", "DELETE FROM corrections WHERE TENANT AND kind = 'amend'",
     {NAMED, "calls named by corrections in the journal = in the store"}),
    ("a re-attribution changed a quantity", "UPDATE legs SET input = 99 WHERE TENANT AND customer = 'b' AND sign = 1",
     {f"{SAYS} (input)", "sum of legs"}),
    ("what the spans say is lost", "DELETE FROM uncorrected WHERE TENANT AND input = 10",
     {"stored spans = call members", "stored spans that are one", "units, and call spans", "own spans",
      "evidence of chosen measures", "calls that a correction"}),
]  # fmt: skip


@pytest.mark.parametrize(("statement", "broken"), [pytest.param(s, b, id=name) for name, s, b in DAMAGES])
def test_damage_turns_an_equation_of_corrections_red(filled: Shop, statement: str, broken: set[str]) -> None:
    corrected(filled)
    assert red(audited(filled)) == set()
    names = red(audited(filled, statement))
    assert names
    assert any(any(part in name for part in broken) for name in names), names


def explained(shop: Shop, name: str) -> list[tuple[str, str]]:
    return [(str(row["what"]), str(row["value"])) for row in shop.ask("explain", id=name).rows]


def test_explain_says_who_when_why_and_what_was_before(filled: Shop) -> None:
    (void, amended, moved, untouched), unit = corrected(filled)
    rows = dict(explained(filled, void))
    assert rows["state"] == "void: it counts nowhere"
    [said] = [value for what, value in rows.items() if what.startswith("correction cr_")]
    assert said.startswith("void; by ann on 2026-12-15T12:00:00.000000Z at journal position ")
    assert said.endswith(": a reason")
    assert "(call.void)" in rows["leg -1"]
    assert dict(explained(filled, unit))["state"] == "void: it counts nowhere"
    [said] = [value for what, value in explained(filled, amended) if what.startswith("correction cr_")]
    assert said.startswith("amended: input 11 -> 5; by ann")
    [said] = [value for what, value in explained(filled, moved) if what.startswith("correction cr_")]
    assert said.startswith("attributed anew: customer a -> b; by ann")
    assert not [what for what, _ in explained(filled, untouched) if what.startswith("correction")]


def test_explain_keeps_what_was_taken_back(filled: Shop) -> None:
    name = ids(filled)[0]
    first = correct(filled, "amend", calls=[name], set={"input": 5})
    back = correct(filled, "restore", correction=first)
    correct(filled, "amend", calls=[name], set={"input": 6})
    said = [(what, value) for what, value in explained(filled, name) if what.startswith("correction")]
    assert [what for what, _ in said][:2] == [f"correction {first}", f"correction {back}"]
    assert "input 10 -> 5" in said[0][1]
    assert said[1][1].startswith(f"takes {first} back; by ann")
    assert "input 10 -> 6" in said[2][1]


def test_a_trace_and_a_span_show_their_void_call(filled: Shop) -> None:
    [row] = [row for row in filled.ask("calls").rows if row["call_id"] == ids(filled)[0]]
    [trace] = list(row["trace_ids"] or ())  # type: ignore[arg-type]
    correct(filled, "void", calls=[str(row["call_id"])])
    assert ("state", "void: it counts nowhere") in explained(filled, str(trace))


def test_the_list_of_corrections(filled: Shop) -> None:
    one, two, *_ = ids(filled)
    first = correct(filled, "amend", each=[{"call": one, "set": {"input": 5}}, {"call": two, "set": {"output": 1}}])
    second = correct(filled, "void", calls=[two])
    back = correct(filled, "restore", calls=[two])
    rows = filled.ask("corrections.list").rows
    assert [(row["correction"], row["kind"], row["calls"], row["taken_back"], row["changes"]) for row in rows] == [
        (back, "restore", 1, 0, ""),
        (second, "void", 1, 1, ""),
        (first, "amend", 2, 1, "differ by call"),
    ]
    assert {row["actor"] for row in rows} == {"ann"}
    calls = filled.ask("corrections.list", correction=first).rows
    assert {(row["call_id"], row["changes"], row["taken_back_by"]) for row in calls} == {
        (one, "input=5", None),
        (two, "output=1", back),
    }
    assert len(filled.ask("corrections.list", limit="1").rows) == 1
    with pytest.raises(NotFoundError, match="no correction 'cr_x' is known"):
        filled.ask("corrections.list", correction="cr_x")


def test_amended_usage_is_listed_as_not_exact(filled: Shop) -> None:
    correct(filled, "amend", calls=ids(filled)[:1], set={"input": 5})
    [row] = filled.ask("inexact", quality="amended").rows
    assert (row["why"], row["calls"]) == ("a person stated the quantities", 1)


FEE = ("base_fee", "base_fee", "49.00", "49")
OCTOBER = "adjustment of 2026-10"


@pytest.fixture
def closed(shop: Shop) -> Shop:
    """October of acme and zed: acme used 1,000,500 input at 2 a million, and 300 output at 8; 2.00 was booked."""
    shop.price(CLOSED_PRICES)
    for customer in ("acme", "zed"):
        shop.customer(customer, plan="pro")
    shop.send(shop.call("2026-10-03T10:00:00Z", {"input": 1_000_500, "output": 300}, customer="acme"))
    for customer in ("acme", "zed"):
        shop.close("2026-10", customer=customer)
    return shop


@pytest.mark.parametrize(
    ("kind", "body", "acme", "zed"),
    [
        ("void", {}, [FEE, (OCTOBER, "input", "-2.00", "-2.001"), (OCTOBER, "output", "0.00", "-0.0024")], [FEE]),
        ("amend", {"set": {"input": 500_000}}, [FEE, (OCTOBER, "input", "-1.00", "-1.001")], [FEE]),
        (
            "reattribute",
            {"set": {"customer": "zed"}},
            [FEE, (OCTOBER, "input", "-2.00", "-2.001"), (OCTOBER, "output", "0.00", "-0.0024")],
            [FEE, (OCTOBER, "input", "2.00", "2.001"), (OCTOBER, "output", "0.00", "0.0024")],
        ),
        (
            "amend",
            {"set": {"started_at": "2026-11-01T00:00:00Z"}},
            [
                FEE, ("usage", "input", "2.00", "2.001"), ("usage", "output", "0.00", "0.0024"),
                (OCTOBER, "input", "-2.00", "-2.001"), (OCTOBER, "output", "0.00", "-0.0024"),
            ],
            [FEE],
        ),
    ],
    ids=["void", "fewer tokens", "another customer", "another month"],
)  # fmt: skip
def test_after_closing_a_correction_is_an_adjustment_of_the_open_period(
    closed: Shop, kind: str, body: dict[str, Any], acme: list[Any], zed: list[Any]
) -> None:
    before = bill(closed, "2026-10")
    correct(closed, kind, calls=ids(closed), **body)
    assert bill(closed, "2026-11", "acme") == acme
    assert bill(closed, "2026-11", "zed") == zed
    assert bill(closed, "2026-10") == before
    answer = closed.ask("audit")
    assert answer.ok, [row for row in answer.rows if not row["holds"]]
    correct(closed, "restore", calls=ids(closed) or [void(closed)])
    assert bill(closed, "2026-11", "acme") == bill(closed, "2026-11", "zed") == [FEE]


def void(shop: Shop) -> str:
    [row] = [row for row in shop.ask("corrections.list").rows if row["kind"] == "void"]
    [call] = shop.ask("corrections.list", correction=str(row["correction"])).rows
    return str(call["call_id"])


def test_as_known_before_a_correction_nothing_is_corrected(filled: Shop) -> None:
    name = ids(filled)[0]
    before = filled.ask("usage").rows
    as_of = str(filled.rater.writer.position)
    correct(filled, "void", calls=[name])
    assert filled.ask("usage", as_of=as_of).rows == before != filled.ask("usage").rows
    then = [(str(row["what"]), str(row["value"])) for row in filled.ask("explain", id=name, as_of=as_of).rows]
    assert not [what for what, _ in then if what.startswith(("correction", "state"))]
    assert filled.ask("corrections.list", as_of=as_of).rows == []
