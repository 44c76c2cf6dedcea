from collections.abc import Mapping
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.demo.plans import planned
from tollspan_rater.demo.comparison import (
    Check,
    Counted,
    bill_checks,
    by_customer,
    exact_money,
    fate_checks,
    money,
    usage_checks,
)
from tollspan_rater.demo.reference import Bill
from tollspan_rater.demo.sending import Sent
from tollspan_rater.query.answer import Answer, Cell

CALLS = planned(300)


def usage(counts: Mapping[str, Counted]) -> Answer:
    rows: list[dict[str, Cell]] = [
        {"customer": name, "calls": count.calls, "input_tokens": count.input, "output_tokens": count.output or None}
        for name, count in counts.items()
    ]
    return Answer("Usage", ("customer",), rows, 7)


def differing(checks: list[Check]) -> list[str]:
    return [check.what for check in checks if not check.equal]


def test_equal_usage_is_equal() -> None:
    assert differing(usage_checks(CALLS, usage(by_customer(CALLS)))) == []


AGREE = "customers whose calls and tokens agree"


@pytest.mark.parametrize(
    ("change", "seen"),
    [
        (Counted(calls=-1), ["calls", AGREE]),
        (Counted(input=1), ["input tokens", AGREE]),
        (Counted(output=-1), ["output tokens", AGREE]),
    ],
)
def test_one_token_too_many_or_too_few_is_seen(change: Counted, seen: list[str]) -> None:
    counts = by_customer(CALLS)
    first = next(iter(counts))
    assert differing(usage_checks(CALLS, usage(counts | {first: counts[first].plus(change)}))) == seen


def test_tokens_that_wander_from_one_customer_to_another_are_seen() -> None:
    counts = by_customer(CALLS)
    one, other = list(counts)[:2]
    moved = {one: counts[one].plus(Counted(input=5)), other: counts[other].plus(Counted(input=-5))}
    assert differing(usage_checks(CALLS, usage(counts | moved))) == [AGREE]


SENT = Sent(requests=9, acknowledged=1_000, copies=100, retries=4, unsure=(30, 40))
EQUATION = "pieces journaled = sum of fates"


@pytest.mark.parametrize(
    ("terms", "seen"),
    [
        ("duplicate 100, stored 940", 0),
        ("duplicate 130, stored 940", 0),
        ("duplicate 140, stored 940", 0),
        ("duplicate 170, stored 940", 0),
        ("duplicate 150, stored 940", 1),
        ("duplicate 99, stored 940", 1),
        ("duplicate 100, stored 939", 1),
        ("duplicate 100, quarantined 1, stored 939", 2),
        ("nothing yet", 2),
    ],
)
def test_every_span_is_stored_once_and_every_copy_is_a_duplicate(terms: str, seen: int) -> None:
    rows: list[dict[str, Cell]] = [{"equation": EQUATION, "terms": terms}]
    assert len(differing(fate_checks(SENT, 40, Answer("Audit", (), rows, 7)))) == seen


def invoice(exact: str, rounded: str) -> Answer:
    details = {"acme": {"exact_totals": {"USD": exact}, "totals": {"USD": rounded}}, "silent": {"totals": {}}}
    return Answer("Invoices", (), [], 7, details=details)


@pytest.mark.parametrize(
    ("exact", "rounded", "seen"),
    [
        ("1.2345", "1.23", []),
        ("1.2346", "1.23", ["bills equal to the last digit", "exact sum, USD"]),
        ("1.2345", "1.24", ["bills equal to the cent", "sum of all bills, USD"]),
    ],
)
def test_a_bill_must_agree_to_the_last_digit(exact: str, rounded: str, seen: list[str]) -> None:
    expected = {
        ("acme", "2026-11"): Bill(Fraction("1.2345"), Fraction("1.23")),
        ("silent", "2026-11"): Bill(Fraction(0), Fraction(0)),
    }
    assert differing(bill_checks(expected, {"2026-11": invoice(exact, rounded)})) == seen


@given(st.integers(-(10**12), 10**12))
def test_money_is_written_exactly(cents: int) -> None:
    amount = Fraction(cents, 100)
    assert Fraction(money(amount).replace(",", "")) == amount
    assert Fraction(exact_money(amount / 10**9).replace(",", "")) == amount / 10**9 or cents % 10
