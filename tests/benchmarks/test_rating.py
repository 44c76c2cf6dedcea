"""The benchmark of rating in its small form: its store fits, and every way of it is measured."""

from __future__ import annotations

from benchmarks.rating.__main__ import lines


def test_a_small_month_is_measured() -> None:
    found = list(lines(calls=2_000, customers=20, rounds=1))
    assert [line.split("|")[1].strip().partition(",")[0] for line in found] == [
        "invoices of one customer",
        "charges of one customer",
        "invoices of 20 customers",
        "charges of 20 customers",
    ]
