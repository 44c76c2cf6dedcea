"""Closing periods: what is booked, and what comes later, with lines worked out by hand.

Prices a million: input 2, output 8 USD; base fee 49 a month. The clock stands on 15 December 2026.
"""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from query.shop import Shop, at, card, plan
from tests.extract.spans import OTEL, a_span, chat
from tests.pipeline.rig import request
from tollspan import semconv
from tollspan_rater.domain.clock import FixedClock
from tollspan_rater.errors import CloseRefusedError, NotFoundError, UsageError
from tollspan_rater.query.answer import Answer
from tollspan_rater.query.audit import audit
from tollspan_rater.query.bill import rated_periods
from tollspan_rater.query.render import MACHINE_FORMATS
from tollspan_rater.rating.line import RatedPeriod

PRICES = {"card.yaml": card([{"input": "2", "output": "8"}], per="1M"), "plan.yaml": plan("pro", base_fee="49")}
FEE = ("base_fee", "base_fee", "49.00", "49")


@pytest.fixture
def closed(shop: Shop) -> Shop:
    """October of acme: 1,000,500 input and 300 output."""
    shop.price(PRICES)
    shop.customer("acme", plan="pro")
    shop.send(shop.call("2026-10-03T10:00:00Z", {"input": 1_000_500, "output": 300}, customer="acme"))
    shop.close("2026-10", customer="acme")
    return shop


def bill(shop: Shop, period: str, customer: str = "acme") -> list[tuple[str, str, str, str]]:
    """The lines of a bill: kind, meter, rounded and exact amount; an adjustment's kind names its period."""
    rows = shop.ask("invoice", customer=customer, period=period).rows
    return [
        (
            str(row["kind"]) if row["kind"] != "adjustment" else f"adjustment of {row['service_period']}",
            str(row["meter"]),
            f"{row['amount']:f}",
            f"{row['amount_exact']:f}",
        )
        for row in rows
    ]


def state(answer: Answer, customer: str = "acme") -> Any:
    details: Any = answer.details[customer]
    return details["state"]


def audited(shop: Shop) -> dict[str, tuple[Any, Any]]:
    """The equations of the ledger; every equation holds."""
    answer = shop.ask("audit")
    assert [row for row in answer.rows if not row["holds"]] == []
    names = ("booked", "statements", "sum of all postings", "receivables")
    return {
        str(row["equation"]): (row["left"], row["right"])
        for row in answer.rows
        if str(row["equation"]).startswith(names)
    }


def test_a_closed_bill_is_what_was_booked(closed: Shop) -> None:
    assert bill(closed, "2026-10") == [
        FEE,
        ("usage", "input", "2.00", "2.001"),
        ("usage", "output", "0.00", "0.0024"),
    ]
    (statement,) = closed.ask("statements.list").rows
    assert (statement["amount"], statement["amount_exact"]) == (Decimal("51.00"), Decimal("51.0034"))
    balances = {row["account"]: row["amount"] for row in closed.ask("ledger", balances="true").rows}
    assert balances == {
        "receivable/acme": Decimal("51.00"),
        "revenue/base_fee": Decimal(-49),
        "revenue/usage": Decimal("-2.0034"),
        "rounding/USD": Decimal("0.0034"),
    }
    assert audited(closed)["sum of all postings = 0 (USD)"] == (0, 0)


def test_a_late_event_is_adjusted_in_the_oldest_open_period_and_booked_once(closed: Shop) -> None:
    before = closed.ask("statements.show", customer="acme", period="2026-10")
    closed.send(closed.call("2026-10-31T23:59:59Z", {"input": 2_500, "output": 0}, customer="acme"))
    late = ("adjustment of 2026-10", "input", "0.01", "0.005")  # 2.006 is 2.01, of which 2.00 is booked
    assert bill(closed, "2026-11") == [FEE, late]
    assert bill(closed, "2026-12") == [FEE]
    audited(closed)
    closed.close("2026-11", customer="acme")
    assert bill(closed, "2026-11") == [FEE, late]
    assert bill(closed, "2026-12") == [FEE]
    sums = audited(closed)
    assert sums["booked = closed periods rated now - not yet booked (USD)"] == (Decimal("100.0084"),) * 2
    after = closed.ask("statements.show", customer="acme", period="2026-10")
    assert after.details == before.details
    assert after.rows[:3] == before.rows
    ((row,),) = [after.rows[3:]]
    assert (row["booked_in"], row["amount"], row["amount_exact"]) == ("2026-11", None, None)
    assert (row["adjusted_since"], row["adjusted_since_exact"]) == (Decimal("0.01"), Decimal("0.005"))
    assert row["corrects"] == before.rows[1]["line_id"]


@pytest.mark.parametrize("write", ["csv", "json"])
def test_the_amounts_of_a_statement_add_up_to_its_total_whatever_adjusts_it_since(closed: Shop, write: str) -> None:
    closed.send(closed.call("2026-10-31T23:59:59Z", {"input": 2_500, "output": 0}, customer="acme"))
    closed.close("2026-11", customer="acme")
    closed.send(closed.call("2026-10-31T23:59:59Z", {"input": 900_000, "output": 0}, customer="acme"))
    closed.send(closed.call("2026-11-30T00:00:00Z", {"input": 50_000, "output": 0}, customer="acme"))
    for period in ("2026-10", "2026-11"):
        (listed,) = closed.ask("statements.list", customer="acme", period=period).rows
        answer = closed.ask("statements.show", customer="acme", period=period)
        rows = read(write, MACHINE_FORMATS[write](answer))
        for column in ("amount", "amount_exact"):
            assert sum(Decimal(row[column]) for row in rows if row[column]) == listed[column], (period, column)
        assert any(row["adjusted_since"] for row in rows)
        assert {row["booked_in"] for row in rows if row["amount"]} == {period}
        assert answer.notes[-1].startswith("the last lines are on other bills and not in the total")


def read(form: str, text: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = list(csv.DictReader(text.splitlines())) if form == "csv" else json.loads(text)
    return found


def seen(shop: Shop, number: int, started: str, *, own: bool, customer: str = "acme") -> int:
    """Send a view of one call of 1,000,500 input and 300 output: a framework's, or our own record below it."""
    said: dict[str, Any] = {"tollspan.customer": customer}
    if own:
        said |= {semconv.RECORD_ID: f"r{number}", semconv.PROCESS_ID: f"views-{shop.tenant}", semconv.SEQ: 1}
    place = {"span_id": f"{2 if own else 1:016x}", "parent_id": f"{1:016x}" if own else ""}
    times = {"start_ns": at(started), "end_ns": at("2026-11-01T00:00:09Z")}
    scope = semconv.SCOPE_NAME if own else OTEL
    span = a_span(chat(1_000_500, 300) | said, trace_id=f"{number:032x}", scope=scope, **place, **times)
    return shop.put(request([span]), encoding="otlp-json")


def test_a_call_moves_across_midnight_by_a_later_view(shop: Shop) -> None:
    shop.price(PRICES)
    shop.customer("acme", plan="pro")
    seen(shop, 1, "2026-10-31T23:59:59Z", own=False)
    shop.close("2026-10", customer="acme")
    seen(shop, 1, "2026-11-01T00:00:01Z", own=True)
    assert bill(shop, "2026-10") == [FEE, ("usage", "input", "2.00", "2.001"), ("usage", "output", "0.00", "0.0024")]
    assert bill(shop, "2026-11") == [
        FEE,
        ("usage", "input", "2.00", "2.001"),
        ("usage", "output", "0.00", "0.0024"),
        ("adjustment of 2026-10", "input", "-2.00", "-2.001"),
        ("adjustment of 2026-10", "output", "0.00", "-0.0024"),
    ]
    audited(shop)
    shop.close("2026-11", customer="acme")
    assert [row["amount"] for row in shop.ask("statements.list").rows] == [Decimal("51.00"), Decimal("49.00")]
    audited(shop)


def test_a_call_changes_its_customer_by_a_later_view(shop: Shop) -> None:
    shop.price(PRICES)
    for name in ("acme", "other"):
        shop.customer(name, plan="pro")
        shop.send(shop.call("2026-10-03T10:00:00Z", {"input": 500_000, "output": 0}, customer=name))
    seen(shop, 1, "2026-10-31T23:59:59Z", own=False)
    shop.close("2026-10", all=True)
    seen(shop, 1, "2026-10-31T23:59:59Z", own=True, customer="other")
    assert bill(shop, "2026-11") == [
        FEE,
        ("adjustment of 2026-10", "input", "-2.00", "-2.001"),
        ("adjustment of 2026-10", "output", "0.00", "-0.0024"),
    ]
    assert bill(shop, "2026-11", "other") == [
        FEE,
        ("adjustment of 2026-10", "input", "2.00", "2.001"),
        ("adjustment of 2026-10", "output", "0.00", "0.0024"),
    ]
    audited(shop)
    shop.close("2026-11", all=True)
    sums = audited(shop)
    assert sums["booked = closed periods rated now - not yet booked (USD)"] == (Decimal("200.0034"),) * 2


CORRECTIONS = [
    ("call.void", {}, [("adjustment of 2026-10", "input", "-2.00", "-2.001"),
                       ("adjustment of 2026-10", "output", "0.00", "-0.0024")], []),
    ("call.amend", {"set": {"input": 3_000_000}}, [("adjustment of 2026-10", "input", "4.00", "3.999")], []),
    ("call.reattribute", {"set": {"customer": "other"}},
     [("adjustment of 2026-10", "input", "-2.00", "-2.001"), ("adjustment of 2026-10", "output", "0.00", "-0.0024")],
     [("usage", "input", "2.00", "2.001"), ("usage", "output", "0.00", "0.0024")]),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "change", "adjusted", "of_other"), CORRECTIONS)
def test_a_correction_after_the_close_is_adjusted_and_taken_back_nets_zero(
    closed: Shop, kind: str, change: dict[str, Any], adjusted: list[Any], of_other: list[Any]
) -> None:
    """The other customer's October is open, so what it gets stands there."""
    closed.customer("other", plan="pro")
    (call,) = closed.ask("calls").rows
    closed.execute(kind, {"calls": [call["call_id"]], "note": "the provider says so", **change})
    position = closed.rater.journal.last_position
    assert bill(closed, "2026-11") == [FEE, *adjusted]
    assert bill(closed, "2026-10", "other") == [FEE, *of_other]
    line = closed.ask("invoice", customer="acme", period="2026-11").rows[1]
    causes = [value for what, value in said(closed, line["line_id"]) if what == "changed after the cut-off"]
    assert (
        f"call {call['call_id']}: leg -1 at journal position {position} ({kind}): input 1000500, output 300" in causes
    )
    audited(closed)
    closed.close("2026-11", customer="acme")
    closed.execute("call.restore", {"calls": [call["call_id"]], "note": "it was wrong"})
    amounts = [(one[0], one[1], -Decimal(one[3])) for one in adjusted]
    assert [(one[0], one[1], Decimal(one[3])) for one in bill(closed, "2026-12")[1:]] == amounts
    audited(closed)


def test_a_backdated_price_and_back_nets_zero(closed: Shop) -> None:
    dearer = PRICES | {"card.yaml": card([{"input": "3", "output": "8"}], per="1M")}
    closed.price(dearer)
    assert bill(closed, "2026-11") == [
        FEE,
        ("adjustment of 2026-10", "input", "3.00", "3.0015"),
        ("adjustment of 2026-10", "input", "-2.00", "-2.001"),
    ]
    closed.price(PRICES)
    assert bill(closed, "2026-11") == [FEE]
    audited(closed)


def test_a_backdated_price_that_was_booked_nets_zero_too(closed: Shop) -> None:
    closed.price(PRICES | {"card.yaml": card([{"input": "3", "output": "8"}], per="1M")})
    closed.close("2026-11", customer="acme")
    closed.price(PRICES)
    assert bill(closed, "2026-12") == [
        FEE,
        ("adjustment of 2026-10", "input", "2.00", "2.001"),
        ("adjustment of 2026-10", "input", "-3.00", "-3.0015"),
    ]
    audited(closed)


def test_states_of_a_bill(closed: Shop) -> None:
    states = [state(closed.ask("invoice", customer="acme", period=f"2026-{month}")) for month in (10, 11, 12)]
    assert states == ["closed", "draft", "preview"]


def test_closing_again_changes_nothing(closed: Shop) -> None:
    position = closed.rater.journal.last_position
    again = closed.close("2026-10", customer="acme")
    (said,) = again["periods"]
    assert (said["customer"], said["period"], said["state"]) == ("acme", "2026-10", "closed before")
    assert said["digest"] == closed.ask("statements.list").rows[0]["digest"]
    assert closed.rater.journal.last_position == position


REFUSED = [
    ("2026-12", "it ends 2027-01-01T00:00:00.000000Z, in UTC"),
    ("2026-09", "a later period of acme is closed"),
]


@pytest.mark.parametrize(("period", "reason"), REFUSED)
def test_what_may_not_be_closed(closed: Shop, period: str, reason: str) -> None:
    with pytest.raises(CloseRefusedError, match=f"period {period} is not closed: {reason}"):
        closed.close(period, customer="acme")


def test_periods_close_in_their_order(closed: Shop) -> None:
    clock = closed.rater.clock
    assert isinstance(clock, FixedClock)
    now_ns = clock.now_ns()
    clock.set(at("2027-01-01T00:00:00Z"))
    try:
        with pytest.raises(CloseRefusedError, match="2026-11 of acme is still open and has something on its bill"):
            closed.close("2026-12", customer="acme")
    finally:
        clock.set(now_ns)


def test_a_close_is_refused_while_the_audit_does_not_hold(closed: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    position = closed.rater.journal.last_position
    found = Answer("Audit", (), [{"equation": "a = b", "holds": True}, {"equation": "c = d", "holds": False}], 1)
    monkeypatch.setattr("tollspan_rater.query.closing.audit", lambda *_asked: found)
    with pytest.raises(CloseRefusedError, match="the audit does not hold: c = d\\. "):
        closed.close("2026-11", customer="acme")
    assert closed.rater.journal.last_position == position


def test_all_customers_with_something_on_their_bill(closed: Shop) -> None:
    closed.customer("idle")
    closed.customer("other", plan="pro", **{"from": "2026-11-01"})
    receipt = closed.close("2026-11", all=True)
    came = [(said["customer"], said["period"], said["state"]) for said in receipt["periods"]]
    assert came == [("acme", "2026-11", "closed"), ("other", "2026-11", "closed")]
    audited(closed)


def test_who_is_meant_must_be_said(closed: Shop) -> None:
    with pytest.raises(UsageError, match="name one customer, or say all"):
        closed.close("2026-11")
    with pytest.raises(NotFoundError, match="no customer 'nobody'"):
        closed.close("2026-11", customer="nobody")


def said(shop: Shop, name: object) -> list[tuple[str, str]]:
    return [(str(row["what"]), str(row["value"])) for row in shop.ask("explain", id=str(name)).rows]


def test_explain_goes_from_a_booked_line_to_its_adjustments_and_their_causes_and_back(closed: Shop) -> None:
    position = closed.send(closed.call("2026-10-31T23:59:59Z", {"input": 2_500, "output": 0}, customer="acme"))
    (_fee, adjustment) = closed.ask("invoice", customer="acme", period="2026-11").rows
    pending = dict(said(closed, adjustment["line_id"]))
    assert pending["on the bill of"] == "acme, 2026-11 (UTC), draft"
    assert pending["corrects"] == f"{adjustment['corrects']} of 2026-10: input"
    leg = f"leg +1 at journal position {position} (batch): input 2500, output 0"
    assert pending["changed after the cut-off"].endswith(leg)

    booked = dict(said(closed, adjustment["corrects"]))
    (statement,) = closed.ask("statements.list").rows
    assert booked["on the bill of"] == "acme, 2026-10 (UTC), closed"
    assert booked["booked"].endswith(f"cut-off position {statement['cutoff']}; statement {statement['digest']}")
    assert booked["amount"] == "2.001 USD, rounded 2.00"
    waiting = f"+0.01 USD on the open bill, not booked yet: {adjustment['line_id']}"
    assert booked["adjusted since"] == waiting
    assert booked["as known now"] == "2.01 USD"
    assert booked["changed after the cut-off"] == pending["changed after the cut-off"]

    late = max(closed.ask("calls").rows, key=lambda row: str(row["started_at"]))
    place = dict(said(closed, late["call_id"]))["is it on an invoice, on which line"]
    assert f"adjusted by {adjustment['line_id']} on the bill of the open period" in place

    closed.close("2026-11", customer="acme")
    assert ("adjusted since", waiting.replace("the open bill, not booked yet", "the bill of 2026-11")) in said(
        closed, adjustment["corrects"]
    )
    after = dict(said(closed, adjustment["line_id"]))
    assert after["on the bill of"] == "acme, 2026-11 (UTC), closed"
    assert after["changed after the cut-off"] == pending["changed after the cut-off"]


def test_explain_names_the_prices_that_came_after_the_cut_off(closed: Shop) -> None:
    closed.price(PRICES | {"card.yaml": card([{"input": "3", "output": "8"}], per="1M")})
    position = closed.rater.journal.last_position
    (_fee, new, old) = closed.ask("invoice", customer="acme", period="2026-11").rows
    for line in (new, old):
        assert ("changed after the cut-off", f"pricing.apply at journal position {position} by test") in said(
            closed, line["line_id"]
        )
    assert ("as known now", "not on the bill: it is no longer priced so") in said(closed, old["corrects"])


def test_a_statement_shows_its_lines_and_the_ledger_every_leg_of_them(closed: Shop) -> None:
    lines = closed.ask("statements.show", customer="acme", period="2026-10").rows
    legs = closed.ask("ledger", customer="acme").rows
    for line in lines:
        of_line = [leg for leg in legs if leg["line_id"] == line["line_id"]]
        assert sum((Decimal(str(leg["amount"])) for leg in of_line), Decimal(0)) == 0
        owed = [leg["amount"] for leg in of_line if leg["account"] == "receivable/acme"]
        assert owed == ([line["amount"]] if line["amount"] else [])
    assert closed.ask("ledger", account="receivable/other").rows == []
    assert len(closed.ask("ledger", period="2026-10").rows) == len(legs)
    with pytest.raises(NotFoundError, match="no statement 'of acme for 2026-11' is known"):
        closed.ask("statements.show", customer="acme", period="2026-11")


DAMAGES = [
    ("UPDATE postings SET amount = '1' WHERE {} AND account = 'receivable/acme' AND amount = '49.00'",
     {"sum of all postings = 0 (USD)", "receivables posted = totals of statements (USD)"}),
    ("UPDATE statements SET digest = 'x' WHERE {}",
     {"statements = statements that are what was closed, by their digest"}),
    ("UPDATE statements SET cutoff = 999999 WHERE {}",
     {"booked = closed periods rated now - not yet booked (USD)",
      "booked, rounded = the same of rounded lines (USD)"}),
]  # fmt: skip


@pytest.mark.parametrize(("statement", "broken"), DAMAGES)
def test_damage_turns_the_equations_of_the_ledger_red(closed: Shop, statement: str, broken: set[str]) -> None:
    """Late usage that a wrong cut-off hides shows, because the audit rates all closed periods anew."""
    closed.send(closed.call("2026-10-31T23:59:59Z", {"input": 10_000, "output": 0}, customer="acme"))
    with closed.rater.asker.scope(closed.tenant) as scope:
        scope.connection.execute(statement.format(f"tenant = '{closed.tenant}'"))
        answer = audit(scope, {}, closed.rater.folder)
    assert {row["equation"] for row in answer.rows if not row["holds"]} == broken


def test_another_release_that_rates_otherwise_shows_in_adjustments(
    closed: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tollspan_rater.query.late.RELEASE", "99.0")
    assert bill(closed, "2026-11") == [FEE]
    half: Any = lambda scope, wanted: map(halved, rated_periods(scope, wanted))  # noqa: E731 - one line says it
    monkeypatch.setattr("tollspan_rater.query.books.rated_periods", half)
    assert bill(closed, "2026-11") == [
        ("base_fee", "base_fee", "24.50", "24.5"),
        ("adjustment of 2026-10", "base_fee", "-24.50", "-24.5"),
        ("adjustment of 2026-10", "input", "-1.00", "-1.0005"),
        ("adjustment of 2026-10", "output", "0.00", "-0.0012"),
    ]


def halved(rated: RatedPeriod) -> RatedPeriod:
    """What a release that takes half would say."""
    lines = (replace(one, amount_exact=one.amount_exact / 2, amount=one.amount / 2) for one in rated.lines)
    return replace(rated, lines=tuple(lines))
