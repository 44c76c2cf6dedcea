"""The delta rule: the items of a component add up to what is known of it, whatever came when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import ROUND_FLOOR, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tollspan_rater.export.bucket import HOUR, SECOND, service_at
from tollspan_rater.export.contract import Contract
from tollspan_rater.export.draft import Draft, Service, item_id
from tollspan_rater.export.plan import Plan, Planned, Told, Use, plan_lines, plan_usage, spread

NOW = 490_000 * HOUR + 7 * 60 * SECOND
PLAIN = Contract("any", "usage", "no vendor")
CARRIED = replace(PLAIN, negative="carried")
ONCE = replace(PLAIN, bucket="hour", once=True, negative="carried", late="next", past_s=24 * 3600, digits=6)


def use(quantity: str, hours_ago: int = 1, meter: str = "input", customer: str = "acme") -> Use:
    service = service_at("hour", NOW - hours_ago * HOUR, "UTC")
    return Use(customer, meter, (), service, "2025-11", Decimal(quantity))


class Teller:
    """Plans again and again, and remembers what it planned, as the store does."""

    def __init__(self, contract: Contract) -> None:
        self.contract = contract
        self.told: dict[tuple[str, str], Told] = {}
        self.items: list[Planned] = []

    def plan(self, known: Sequence[Use], now_ns: int = NOW) -> Plan:
        made = plan_usage(known, self.told.values(), self.contract, now_ns)
        uses = {(one.customer, one.component): one for one in known}
        for one in made.items:
            draft = one.draft
            key = (draft.customer, draft.component)
            assert draft.quantity is not None
            before = self.told.get(key)
            like = (
                before.use
                if before
                else uses.get(key)
                or Use(draft.customer, draft.meter, draft.dimensions, draft.service, draft.period, Decimal(0))
            )
            count = before.items if before else 0
            assert draft.ordinal == count
            assert draft.corrects == (before.last if before else None)
            total = (before.use.quantity if before else Decimal(0)) + draft.quantity
            name = item_id("t", "x", draft)
            self.told[key] = Told(replace(like, quantity=total), count + 1, count + 1, name)
        self.items.extend(made.items)
        return made

    def sum(self, **where: str) -> Decimal:
        found = [
            one.draft for one in self.items if all(getattr(one.draft, key) == value for key, value in where.items())
        ]
        return sum((draft.quantity or Decimal(0) for draft in found), Decimal(0))


def test_the_first_plan_tells_everything_the_next_one_the_differences() -> None:
    teller = Teller(PLAIN)
    teller.plan([use("10", 3), use("5", 2)])
    teller.plan([use("10", 3), use("5", 2)])
    teller.plan([use("12", 3), use("5", 2), use("1.5", 1)])
    told = [(one.draft.service.label, one.draft.ordinal, str(one.draft.quantity)) for one in teller.items]
    hours = [service_at("hour", NOW - ago * HOUR, "UTC").label for ago in (3, 2, 3, 1)]
    assert told == list(zip(hours, [0, 0, 1, 0], ["10", "5", "2", "1.5"], strict=True))
    assert teller.items[2].draft.corrects == item_id("t", "x", teller.items[0].draft)


def test_what_is_known_no_more_is_taken_back() -> None:
    teller = Teller(PLAIN)
    teller.plan([use("10", 3), use("5", 2)])
    teller.plan([use("5", 2)])
    assert [str(one.draft.quantity) for one in teller.items] == ["10", "5", "-10"]


def test_below_zero_is_carried_until_later_usage_outweighs_it() -> None:
    teller = Teller(CARRIED)
    teller.plan([use("10", 3)])
    made = teller.plan([use("4", 3)])
    assert (made.items, list(made.carried.values())) == ((), [Decimal(-6)])
    assert teller.plan([use("4", 3), use("5", 2)]).carried == {("acme", "input", ()): Decimal(-1)}
    made = teller.plan([use("4", 3), use("5", 2), use("8", 1)])
    assert [(one.draft.service, str(one.draft.quantity)) for one in made.items] == [(use("8", 1).service, "7")]
    assert not made.carried


def test_carrying_stays_with_customer_and_meter() -> None:
    teller = Teller(CARRIED)
    teller.plan([use("10", 3)])
    known = [use("4", 3), use("9", 2, meter="output"), use("9", 2, customer="globex")]
    assert len(teller.plan(known).items) == 2


def test_a_stamp_is_the_beginning_of_the_bucket_or_the_running_hour() -> None:
    window = replace(PLAIN, past_s=12 * 3600, late="next")
    fresh, old = plan_usage([use("1", 2), use("1", 12)], [], window, NOW).items[::-1]
    assert (fresh.stamp_ns, old.stamp_ns) == (use("1", 2).service.start_ns, NOW // HOUR * HOUR)
    own = plan_usage([use("1", 12)], [], replace(window, late="own"), NOW).items[0]
    assert own.stamp_ns == use("1", 12).service.start_ns


def test_one_value_a_bucket_is_told_when_the_bucket_has_ended() -> None:
    teller = Teller(ONCE)
    assert teller.plan([use("3", 0)]).items == ()
    teller.plan([use("3", 0), use("10", 2)])
    assert teller.sum() == 10
    made = teller.plan([use("3", 0), use("14", 2)])
    assert [(one.draft.service, str(one.draft.quantity)) for one in made.items] == [(use("0", 1).service, "4")]
    made = teller.plan([use("3", 0), use("15", 2)])
    assert (made.items, list(made.carried.values())) == ((), [Decimal(4)])
    made = teller.plan([use("3", 0), use("15", 2)], NOW + HOUR)
    assert [str(one.draft.quantity) for one in made.items] == ["4"]


def test_what_left_the_window_of_a_target_that_takes_one_value_goes_to_the_newest_bucket() -> None:
    made = Teller(ONCE).plan([use("7", 30), use("2", 5)])
    assert sorted((one.draft.service.label, str(one.draft.quantity)) for one in made.items) == [
        (use("2", 5).service.label, "2"),
        (use("0", 1).service.label, "7"),
    ]


@pytest.mark.parametrize(
    ("differences", "contract", "wanted"),
    [
        (["1.4", "1.4"], replace(PLAIN, digits=0), ["1", "1"]),
        (["1.5", "1.5"], replace(PLAIN, digits=0), ["1", "2"]),
        (["-0.5"], replace(PLAIN, digits=0), ["-1"]),
        (["0.5", "-0.5"], replace(PLAIN, digits=0), ["0", "0"]),
        (["5", "-2", "4"], CARRIED, ["3", "0", "4"]),
        (["5", "-12", "4"], CARRIED, ["0", "0", "0"]),
        (["5", "-2", "4"], PLAIN, ["5", "-2", "4"]),
    ],
)
def test_spread(differences: list[str], contract: Contract, wanted: list[str]) -> None:
    assert spread([Decimal(one) for one in differences], contract) == [Decimal(one) for one in wanted]


quantities = st.decimals(min_value=0, max_value=10**9, places=4)
contracts = st.builds(
    replace,
    st.just(PLAIN),
    negative=st.sampled_from(["sent", "carried"]),
    digits=st.sampled_from([0, 2, 12]),
    late=st.sampled_from(["own", "next"]),
    past_s=st.sampled_from([None, 12 * 3600]),
    once=st.booleans(),
    bucket=st.just("hour"),
)
buckets = st.tuples(st.integers(0, 20), st.sampled_from(["input", "output"]))
knowledge = st.dictionaries(buckets, quantities, max_size=6)


def _known(quantities: dict[tuple[int, str], Decimal]) -> list[Use]:
    return [replace(use("0", ago, meter), quantity=value) for (ago, meter), value in quantities.items()]


@given(st.lists(st.tuples(knowledge, st.integers(0, 3)), min_size=1, max_size=6), contracts)
def test_items_add_up_to_what_may_be_told_of_what_is_known(
    history: list[tuple[dict[tuple[int, str], Decimal], int]], contract: Contract
) -> None:
    """Usage comes late, goes away, comes back; hours pass: every plan ends with the sum that may be told."""
    teller, now = Teller(contract), NOW
    for quantities_now, hours in history:
        now += hours * HOUR
        before = {meter: teller.sum(meter=meter) for meter in ("input", "output")}
        made = teller.plan(_known(quantities_now), now)
        if contract.negative == "carried":
            assert all(one.draft.quantity and one.draft.quantity > 0 for one in made.items)
        for meter in ("input", "output"):
            known = sum((value for (_, of), value in quantities_now.items() if of == meter), Decimal(0))
            told = teller.sum(meter=meter)
            assert known - told == made.carried.get(("acme", meter, ()), Decimal(0))
            if not contract.once:
                may = known.quantize(Decimal(1).scaleb(-contract.digits), ROUND_FLOOR)
                assert told == (may if contract.negative == "sent" else max(may, before[meter]))
    assert teller.plan(_known(quantities_now), now).items == ()
    places = [(one.draft.component, one.draft.ordinal) for one in teller.items]
    assert len(set(places)) == len(places)
    if contract.once:
        assert all(one.draft.ordinal == 0 for one in teller.items)


@given(st.lists(knowledge, min_size=2, max_size=5), contracts)
def test_any_number_of_plans_tells_what_one_tells(
    plans: list[dict[tuple[int, str], Decimal]], contract: Contract
) -> None:
    """While usage only grows, what was planned on the way does not show in the sums."""
    grown: dict[tuple[int, str], Decimal] = {}
    many, one = Teller(replace(contract, once=False)), Teller(replace(contract, once=False))
    for more in plans:
        grown = {key: grown.get(key, Decimal(0)) + more.get(key, Decimal(0)) for key in {**grown, **more}}
        many.plan(_known(grown))
    one.plan(_known(grown))
    assert [many.sum(meter=meter) for meter in ("input", "output")] == [
        one.sum(meter=meter) for meter in ("input", "output")
    ]


def test_lines_are_planned_once() -> None:
    service = Service("2026-10", "UTC", 0, HOUR)
    lines = [
        Planned(Draft("amount", "acme", name, 0, service, "input", "", Decimal(1), Decimal("1.50")), 7)
        for name in ("ln_1", "ln_2", "ln_3")
    ]
    made = plan_lines(lines, {"ln_1": (1, 1), "ln_2": (2, 0)}, PLAIN).items
    assert [(one.draft.component, one.draft.ordinal, one.stamp_ns) for one in made] == [("ln_2", 2, 7), ("ln_3", 0, 7)]


@pytest.mark.parametrize(("amounts", "sent", "carried"), [(["5", "-9"], 2, 0), (["9", "-5"], 2, 2)])
def test_lines_wait_for_those_that_outweigh_them(amounts: list[str], sent: int, carried: int) -> None:
    service = Service("2026-10", "UTC", 0, HOUR)
    lines = [
        Planned(Draft("amount", "acme", f"ln_{at}", 0, service, "", "", None, Decimal(one), currency="USD"), 7)
        for at, one in enumerate(amounts)
    ]
    assert [len(plan_lines(lines, {}, one).items) for one in (PLAIN, CARRIED)] == [sent, carried]
