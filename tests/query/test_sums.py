"""Whatever is asked, and however it is split: the parts add up to the whole."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from query.random_traffic import calls, customers, settle_in
from query.shop import Shop, total

GROUPINGS = ["customer", "model,feature", "reason,environment", "user", "day,customer", "month,plan", "hour", "outcome"]
MONTHS = ("2026-09", "2026-10", "2026-11", "2026-12")
COUNTS = ("calls", "input_tokens", "output_tokens", "cache_read_tokens", "unmeasured", "unpriced", "unknown_cost")

many = settings(max_examples=4, deadline=None, suppress_health_check=list(HealthCheck))


def by_currency(rows: Any, column: str) -> dict[str, Decimal]:
    sums: dict[str, Decimal] = {}
    for row in rows:
        if row[column] is not None:
            sums[row["currency"]] = sums.get(row["currency"], Decimal(0)) + row[column]
    return {currency: amount for currency, amount in sums.items() if amount}


@many
@given(st.lists(calls, max_size=12), customers)
def test_every_grouping_adds_up_to_the_same(open_shop: Callable[[], Shop], drawn: Any, known: Any) -> None:
    shop = open_shop()
    settle_in(shop, drawn, known)
    listed = shop.ask("calls", limit="1000").rows
    charged = by_currency(listed, "charge")
    for by in GROUPINGS:
        rows = shop.ask("usage", by=by).rows
        assert total(rows, "calls") == len(listed)
        assert by_currency(rows, "charge") == charged
        assert total(rows, "cost") == total(listed, "cost")
        assert total(rows, "input_tokens") == total(listed, "input_tokens")
        assert total(rows, "output_tokens") == total(listed, "output_tokens")
        assert total(rows, "unpriced") == total(shop.ask("usage", by=by, unpriced="true").rows, "calls")

    lines = [row for month in MONTHS for row in shop.ask("invoice", all="true", period=month).rows]
    assert by_currency([line for line in lines if line["kind"] == "usage"], "amount_exact") == charged
    audit = shop.ask("audit", full="true")
    assert audit.ok, [row for row in audit.rows if not row["holds"]]


@many
@given(st.lists(calls, max_size=12), customers, st.sampled_from(["customer", "feature", "environment", "outcome"]))
def test_filters_partition(open_shop: Callable[[], Shop], drawn: Any, known: Any, name: str) -> None:
    shop = open_shop()
    settle_in(shop, drawn, known)
    whole = shop.ask("usage", by=name).rows
    for row in whole:
        if row[name] is None:
            continue
        asked = {"unattributed": "true"} if row[name] == "unattributed" else {name: row[name]}
        part = shop.ask("usage", by=name, **asked).rows
        same = [one for one in whole if one[name] == row[name]]
        for column in (*COUNTS, "charge", "cost"):
            assert total(part, column) == total(same, column), column


@many
@given(st.lists(calls, max_size=10), customers, st.sampled_from(["2026-10-25", "2026-11-01", "2026-11-01T06:30:00Z"]))
def test_a_cut_in_time_is_half_open(open_shop: Callable[[], Shop], drawn: Any, known: Any, cut: str) -> None:
    shop = open_shop()
    settle_in(shop, drawn, known)
    whole, before, after = (shop.ask("usage", by="model", **span).rows for span in ({}, {"to": cut}, {"from_": cut}))
    for column in (*COUNTS, "charge", "cost"):
        assert total(whole, column) == total([*before, *after], column), column


@many
@given(st.lists(calls, max_size=10), customers)
def test_margin_rows_add_up(open_shop: Callable[[], Shop], drawn: Any, known: Any) -> None:
    shop = open_shop()
    settle_in(shop, drawn, known)
    usage = shop.ask("usage").rows
    for by in ("customer", "model", "month", "plan"):
        rows = shop.ask("margin", by=by).rows
        fees = by_currency(rows, "base_fees")
        charged = by_currency(usage, "charge")
        expected = {name: fees.get(name, Decimal(0)) + charged.get(name, Decimal(0)) for name in {*fees, *charged}}
        assert by_currency(rows, "revenue") == {name: amount for name, amount in expected.items() if amount}
        assert total(rows, "cost") == total(usage, "cost")
        for row in rows:
            if row["margin"] is not None:
                assert row["margin"] == row["revenue"] - (row["cost"] or 0)


@pytest.mark.parametrize("page", ["1", "3", "100"])
def test_pages_give_every_call_once_also_when_calls_arrive_between(shop: Shop, page: str) -> None:
    early = [shop.call(f"2026-11-03T10:{minute:02}:00Z", {"input": 10}) for minute in range(7)]
    shop.send(*early)
    seen: list[Any] = []
    asked = {"limit": page}
    for _page in range(20):
        answer = shop.ask("calls", **asked)
        seen += [row["call_id"] for row in answer.rows]
        shop.send(shop.call("2026-11-03T09:00:00Z", {"input": 1}))  # before the cursor: not in later pages
        if "cursor" not in answer.details:
            break
        asked["cursor"] = str(answer.details["cursor"])
    assert len(seen) == len(set(seen)) == 7
