"""One meter by aggregate, window and dimension, held against loops that a reader can follow."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from query.shop import SECOND, Shop, at, card, plan
from tollspan_rater.domain.clock import from_ns
from tollspan_rater.errors import UsageError

FILES = {
    "card.yaml": card([{"input": "4", "output": "16"}], per="1M", meters=["page"]),
    "plan.yaml": plan("pro", zone="Europe/Berlin"),
    "week.yaml": plan("weekly", every="week"),
}
PAGES = (
    ("2026-11-02T10:00:00Z", "3", "a", "ann"),
    ("2026-11-02T10:00:30Z", "1.5", "a", "bob"),
    ("2026-11-02T11:59:59Z", "2", "b", "ann"),
    ("2026-11-09T00:00:00Z", "10", "a", "ann"),
)


@pytest.fixture
def pages(shop: Shop) -> Shop:
    shop.price(FILES)
    shop.customer("a", plan="pro", segment="big")
    shop.customer("b", plan="weekly", segment="small")
    shop.send(*(shop.unit(when, "page", much, customer=who, user=user) for when, much, who, user in PAGES))
    shop.send(shop.unit("2026-11-02T10:00:00Z", "scan", "7", customer="a"))
    shop.send(shop.call("2026-11-02T10:00Z", {"input": 500, "cache_read": 100}, customer="a"))
    shop.send(shop.call("2026-11-02T11:00Z", None, customer="a"))
    return shop


@pytest.mark.parametrize(
    ("asked", "values"),
    [
        ({"aggregate": "sum"}, {"a": "14.5", "b": "2"}),
        ({}, {"a": "14.5", "b": "2"}),
        ({"aggregate": "count"}, {"a": "3", "b": "1"}),
        ({"aggregate": "unique", "of": "user"}, {"a": "2", "b": "1"}),
        ({"aggregate": "max"}, {"a": "10", "b": "2"}),
        ({"aggregate": "latest"}, {"a": "10", "b": "2"}),
        ({"aggregate": "latest", "to": "2026-11-03"}, {"a": "1.5", "b": "2"}),
        ({"by": "minute", "aggregate": "count", "to": "2026-11-02T11:00Z"}, {"2026-11-02T10:00Z": "2"}),
        ({"by": "hour", "aggregate": "sum"},
         {"2026-11-02T10:00Z": "4.5", "2026-11-02T11:00Z": "2", "2026-11-09T00:00Z": "10"}),
        ({"by": "week", "aggregate": "max"}, {"2026-W45": "3", "2026-W46": "10"}),
        ({"by": "quarter"}, {"2026-Q4": "16.5"}),
        ({"by": "period"}, {"2026-11": "14.5", "2026-W45": "2"}),  # each customer's own
        ({"by": "segment"}, {"big": "14.5", "small": "2"}),
        ({"by": "plan"}, {"pro": "14.5", "weekly": "2"}),
        ({"by": "reason"}, {"billable": "16.5"}),
        ({"by": "currency", "aggregate": "latest"}, {"USD": "10"}),  # of customers that are added up apart
        ({"by": "currency", "aggregate": "max"}, {"USD": "10"}),
        ({"by": "currency", "aggregate": "latest", "to": "2026-11-03"}, {"USD": "2"}),
        ({"by": "currency", "segment": "small"}, {"USD": "2"}),
        ({"user": "bob"}, {"a": "1.5"}),
    ],
)  # fmt: skip
def test_a_meter_is_added_up_as_asked(pages: Shop, asked: dict[str, str], values: dict[str, str]) -> None:
    answer = pages.ask("usage", meter="page", **asked)
    by = asked.get("by", "customer")
    assert {row[by]: row["value"] for row in answer.rows} == {key: Decimal(value) for key, value in values.items()}


@pytest.mark.parametrize(
    ("meter", "value", "events", "unstated"),
    [("input", 500, 1, 1), ("cache_read", 100, 1, 1), ("tokens", 500, 1, 1), ("request", 2, 2, 0), ("scan", 7, 1, 2)],
)
def test_calls_state_meters_too_and_those_that_do_not_are_counted(
    pages: Shop, meter: str, value: int, events: int, unstated: int
) -> None:
    (row,) = pages.ask("usage", meter=meter, customer="a").rows
    assert (row["value"], row["events"], row["unstated"]) == (value, events, unstated)


def test_shares_add_up_from_the_largest_down(pages: Shop) -> None:
    answer = pages.ask("usage", meter="page", by="user")
    assert [(row["user"], row["value"], row["share"], row["cumulative_share"]) for row in answer.rows] == [
        ("ann", 15, Decimal("90.91"), Decimal("90.91")), ("bob", Decimal("1.5"), Decimal("9.09"), 100),
    ]  # fmt: skip
    assert answer.totals == {"value": Decimal("16.5"), "events": 4}
    assert pages.ask("usage", meter="page", aggregate="max").totals is None
    assert "1 more rows are not shown" in pages.ask("usage", meter="page", by="user", top="1").notes


@pytest.mark.parametrize(
    "asked",
    [
        {"aggregate": "sum"}, {"of": "user"}, {"meter": "page", "aggregate": "unique"},
        {"meter": "page", "of": "user"}, {"meter": "page", "unpriced": "true"},
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused(shop: Shop, asked: dict[str, str]) -> None:
    with pytest.raises(UsageError):
        shop.ask("usage", **asked)


def test_a_meter_that_nobody_states_is_said(pages: Shop) -> None:
    answer = pages.ask("usage", meter='pa"ge')
    assert list(answer.rows) == []
    assert "nothing states a quantity" in answer.notes[0]


@dataclass(frozen=True)
class Event:
    at_ns: int
    customer: str | None
    user: str | None
    quantity: str


HOURS = 26 * 3600
events = st.lists(
    st.builds(
        Event,
        st.integers(-HOURS, HOURS).map(lambda second: at("2026-10-25T01:00Z") + second * SECOND),
        st.sampled_from(["a", "b", None]),
        st.sampled_from(["ann", "bob", None]),
        st.sampled_from(["0", "1", "2.5", "1000000.000000000001"]),
    ),
    min_size=1,
    max_size=12,
    unique_by=lambda event: event.at_ns,
)
NAIVE: dict[str, Callable[[list[Event]], Decimal]] = {
    "sum": lambda found: sum((Decimal(event.quantity) for event in found), Decimal(0)),
    "count": lambda found: Decimal(len(found)),
    "unique": lambda found: Decimal(len({event.user for event in found if event.user is not None})),
    "max": lambda found: max(Decimal(event.quantity) for event in found),
    "latest": lambda found: Decimal(max(found, key=lambda event: event.at_ns).quantity),
}
WINDOWS: dict[str, Callable[[Any], str]] = {
    "hour": lambda local: local.isoformat()[:13] + ":00" + local.isoformat()[-6:],
    "day": lambda local: local.isoformat()[:10],
    "week": lambda local: f"{local.isocalendar().year}-W{local.isocalendar().week}",
    "month": lambda local: local.isoformat()[:7],
    "quarter": lambda local: f"{local.year}-Q{'111222333444'[local.month - 1]}",
}


@settings(max_examples=8, deadline=None, phases=(Phase.generate,), suppress_health_check=list(HealthCheck))
@given(events, st.sampled_from(sorted(NAIVE)), st.sampled_from(sorted(WINDOWS)))
def test_aggregates_are_what_a_loop_computes(
    open_shop: Callable[[], Shop], drawn: list[Event], aggregate: str, window: str
) -> None:
    shop = open_shop()
    shop.customer("a", zone="Europe/Berlin")
    shop.send(
        *(
            shop.unit(
                from_ns(one.at_ns).isoformat(), "page", one.quantity,
                **{name: value for name in ("customer", "user") if (value := getattr(one, name)) is not None},
            )
            for one in drawn
        )
    )  # fmt: skip
    asked = {"meter": "page", "aggregate": aggregate} | ({"of": "user"} if aggregate == "unique" else {})
    for params, zone, mine in (
        ({}, "UTC", drawn),
        ({"customer": "a"}, "Europe/Berlin", [one for one in drawn if one.customer == "a"]),
    ):
        groups: dict[tuple[str, str], list[Event]] = {}
        for one in mine:
            local = from_ns(one.at_ns).astimezone(ZoneInfo(zone)).replace(microsecond=0)
            label = WINDOWS[window](local).replace("+00:00", "Z")
            groups.setdefault((one.customer or "unattributed", label), []).append(one)
        answer = shop.ask("usage", by=f"customer,{window}", **asked, **params)
        found = {(row["customer"], row[window]): row["value"] for row in answer.rows}
        assert found == {key: NAIVE[aggregate](held) for key, held in groups.items()}
