"""Whatever comes late, in whatever order and parts: what is booked is what one bill of everything would be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from random import Random
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.books import OWNER, book, due, in_parts, month, nothing
from rating.bills import NOVEMBER, bill, group
from tollspan_rater.domain.money import exact_sum
from tollspan_rater.ledger.adjustment import Key, Standing, standing
from tollspan_rater.ledger.posting import balances, out_of_balance
from tollspan_rater.ledger.statement import Statement, booked_of, closing, digest_of, from_document, to_document
from tollspan_rater.rating.line import RatedPeriod, UsageGroup, line_id
from tollspan_rater.rating.rounding import rounded

ZERO: Final = Decimal(0)
PLANS = ("", "base_fee: 49", "included: {input: 1000}")
CARDS = (
    "  - {input: 0.0000033, output: 0.1}\n",
    "  - {input: {graduated: [{up_to: 500, price: 0.0021}, {price: 0.0007}]}, output: 0.013}\n",
    "  - {input: {volume: [{up_to: 800, price: 0.01}, {price: 0.004}]}, output: 0.0151}\n",
)
groups = st.builds(
    lambda tokens_in, tokens_out: group({"input": tokens_in, "output": tokens_out}),
    st.integers(0, 900),
    st.integers(0, 50),
)
parts = st.lists(st.lists(groups, max_size=3), min_size=1, max_size=6)
TRIED = settings(max_examples=60, deadline=None)


def sums(of: RatedPeriod) -> dict[Key, tuple[Decimal, Decimal, Decimal]]:
    """Quantity, exact and rounded amount of each component that comes to something."""
    return netted(standing(NOVEMBER, of.lines))


def netted(found: Mapping[Key, Standing]) -> dict[Key, tuple[Decimal, Decimal, Decimal]]:
    shown = {key: (one.sums["quantity"], one.sums["amount_exact"], one.sums["amount"]) for key, one in found.items()}
    return {key: amounts for key, amounts in shown.items() if any(amounts)}


def booked(statements: Sequence[Statement]) -> dict[Key, tuple[Decimal, Decimal, Decimal]]:
    return netted(booked_of(NOVEMBER, statements))


@TRIED
@given(st.sampled_from(CARDS), st.sampled_from(PLANS), parts)
def test_any_number_of_part_bills_is_one_bill(card: str, plan: str, parts: list[list[UsageGroup]]) -> None:
    statements = in_parts(card, plan, parts)
    whole = bill(card, plan, *(one for part in parts for one in part))
    assert booked(statements) == sums(whole)
    assert all(not out_of_balance(statement.postings) for statement in statements)


@TRIED
@given(st.sampled_from(CARDS), parts, st.randoms(use_true_random=False))
def test_the_order_in_which_parts_come_does_not_matter(
    card: str, parts: list[list[UsageGroup]], random: Random
) -> None:
    mixed = list(parts)
    random.shuffle(mixed)
    assert booked(in_parts(card, "", parts)) == booked(in_parts(card, "", mixed))


@TRIED
@given(st.sampled_from(CARDS), st.sampled_from(PLANS), parts)
def test_what_is_booked_stays_and_is_not_booked_again(card: str, plan: str, parts: list[list[UsageGroup]]) -> None:
    statements: list[Statement] = []
    known: list[UsageGroup] = []
    digests: list[str] = []
    for part in parts:
        known.extend(part)
        book(statements, bill(card, plan, *known))
        assert [digest_of(to_document(one)) for one in statements[:-1]] == digests
        digests.append(digest_of(to_document(statements[-1])))
        assert due(month(len(statements)), bill(card, plan, *known), statements) == ()


@TRIED
@given(st.lists(st.sampled_from(CARDS), min_size=1, max_size=5), st.lists(groups, max_size=4))
def test_other_prices_and_back_net_zero(cards: list[str], usage: list[UsageGroup]) -> None:
    statements: list[Statement] = []
    for card in [*cards, cards[0]]:
        book(statements, bill(card, "", *usage))
    first = bill(cards[0], "", *usage)
    assert booked(statements) == sums(first)
    assert sum((money.amount for one in statements for money in one.totals), ZERO) == sum(
        (money.amount for money in first.totals), ZERO
    )


@TRIED
@given(st.sampled_from(CARDS), parts)
def test_a_statement_is_read_as_it_was_written(card: str, parts: list[list[UsageGroup]]) -> None:
    for statement in in_parts(card, "base_fee: 49", parts):
        document = to_document(statement)
        assert from_document(document) == statement
        assert digest_of(to_document(from_document(document))) == digest_of(document)


@TRIED
@given(st.sampled_from(CARDS), parts)
def test_accounts_say_what_lines_say(card: str, parts: list[list[UsageGroup]]) -> None:
    """The customer owes the rounded lines; revenue is exact; rounding is the rest, at most half a cent a component."""
    statements = in_parts(card, "base_fee: 49", parts)
    accounts = balances(leg for statement in statements for leg in statement.postings)
    lines = [line for statement in statements for line in statement.whole.lines]
    assert accounts.get(("receivable/acme", "USD"), ZERO) == exact_sum(line.amount for line in lines)
    exact = exact_sum(line.amount_exact for line in lines)
    assert -exact == exact_sum(amount for (name, _), amount in accounts.items() if name.startswith("revenue/"))
    rest = accounts.get(("rounding/USD", "USD"), ZERO)
    assert abs(rest) <= Decimal("0.005") * len(booked(statements))


def test_the_sum_over_customers_is_the_whole() -> None:
    rated = [bill(CARDS[0], "", group({"input": 1_000_000 * n, "output": n})) for n in (1, 2, 3)]
    statements = [closing(f"c{n}", 1, one) for n, one in enumerate(rated)]
    accounts = balances(leg for statement in statements for leg in statement.postings)
    owed = {name: amount for (name, _), amount in accounts.items() if name.startswith("receivable/")}
    assert owed == {
        "receivable/c0": Decimal("3.40"),
        "receivable/c1": Decimal("6.80"),
        "receivable/c2": Decimal("10.20"),
    }
    assert sum(owed.values()) == sum(one.total for one in rated)


def test_1000_progressive_bills_are_one() -> None:
    """Each of 1,000 bills adds 2,700 units at 0.0000033: 0.00891 each, 8.91 in all; each alone would round to 0.01."""
    statements: list[Statement] = []
    for number in range(1, 1001):
        book(statements, bill("  - {input: 0.0000033}\n", "", group({"input": 2_700 * number})))
    amounts = [money.amount for statement in statements for money in statement.totals]
    assert len(statements) == 1000
    assert set(amounts) == {Decimal("0.00"), Decimal("0.01")}
    assert sum(amounts) == Decimal("8.91") == rounded(Decimal("8.91"), "USD")
    accounts = balances(leg for statement in statements for leg in statement.postings)
    assert accounts["receivable/acme", "USD"] == Decimal("8.91")
    assert accounts["rounding/USD", "USD"] == 0


def test_what_remains_goes_to_rounding() -> None:
    statement = closing("acme", 7, bill("  - {input: 0.0000033}\n", "", group({"input": 1_001})))
    assert balances(statement.postings) == {
        ("revenue/usage", "USD"): Decimal("-0.0033033"),
        ("rounding/USD", "USD"): Decimal("0.0033033"),
    }


def test_an_adjustment_points_back_and_explains_itself() -> None:
    card = "  - {input: 0.002}\n"
    statements = [closing("acme", 1, bill(card, "", group({"input": 1_000})))]
    (one,) = due(month(1), bill(card, "", group({"input": 1_300}, calls=2)), statements)
    (line,) = statements[0].bill.lines
    assert (one.corrects.line_id, one.corrects.period, one.corrects.kind) == (line.line_id, NOVEMBER, "usage")
    assert (one.line.kind, one.line.quantity, one.line.amount, one.line.calls) == (
        "adjustment",
        300,
        Decimal("0.60"),
        1,
    )
    assert one.line.line_id == line_id(OWNER, month(1), f"adjustment/2026-11/UTC/{line.component}")
    assert [(step.text, step.quantity, step.amount) for step in one.line.steps] == [
        ("as known now", 1_300, Decimal("2.6")),
        ("booked so far", -1_000, Decimal(-2)),
    ]
    assert one.line.description == "adjustment of 2026-11: input"
    assert one.line.why == "2026-11 is closed with 2.00 USD booked for this; it comes to 2.60 USD now"
    assert one.line.contains == (("input", Decimal(300)),)


def test_a_component_that_is_no_more_is_reversed() -> None:
    statements = [closing("acme", 1, bill("  - {input: 0.002}\n", "", group({"input": 1_000})))]
    new, old = due(month(1), bill("  - {input: 0.003}\n", "", group({"input": 1_000})), statements)
    assert [one.line.amount for one in (new, old)] == [Decimal("3.00"), Decimal("-2.00")]
    assert old.line.why.endswith("it is no longer priced so and is reversed")
    assert new.corrects.line_id != old.corrects.line_id == statements[0].bill.lines[0].line_id


@pytest.mark.parametrize("amount", ["0.12345678901234567890123456789", "1E+3", "12345678901234567890.5"])
def test_no_digit_of_an_amount_is_lost(amount: str) -> None:
    """More digits than the 28 of the usual context: in the document, in postings, in the difference."""
    price = f"{Decimal(amount):f}"
    one = closing("acme", 1, bill(f"  - {{input: {price}}}\n", "", group({"input": 7_654_321})))
    assert from_document(to_document(one)) == one
    (back,) = due(month(1), nothing(month(1)), [one])
    assert back.line.amount_exact == one.bill.lines[0].amount_exact.copy_negate()
    assert back.line.steps[0].amount == back.line.amount_exact
