"""Why a target differs from us: the parts add up, and only what nothing explains is no peace."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tollspan_rater.domain.money import exact_sum
from tollspan_rater.export.reconciliation import Finding, Sums, verdict
from tollspan_rater.export.state import State, Status
from tollspan_rater.export.target import Entry, Held

UNIT = Decimal("0.01")


def sums(**said: str) -> Sums:
    made = Sums(**{name: Decimal(value) for name, value in said.items() if name != "rejected"})
    if "rejected" in said:
        made.tell("li_r", State("rejected", code="no_meter"), Decimal(said["rejected"]))
    return made


@pytest.mark.parametrize(
    ("ours", "target", "causes", "explained"),
    [
        (sums(ours="5", planned="5", accepted="5"), "5", {}, True),
        (sums(ours="5", planned="5", accepted="5"), None, {}, True),
        (sums(ours="5", planned="5", waiting="5"), "0", {"in_flight": "5"}, True),
        (sums(ours="5", planned="5", unanswered="5"), "5", {}, True),
        (sums(ours="5", planned="5", held="5"), "0", {"held": "5"}, True),
        (sums(ours="5", planned="5", rejected="5"), "0", {"rejected:no_meter": "5"}, True),
        (sums(ours="5", planned="5"), "0", {"late": "5"}, True),
        (sums(accepted="5"), "5", {"late": "-5"}, True),
        (sums(ours="5.004", planned="5", accepted="5"), "5", {"rounding": "0.004"}, True),
        (sums(ours="3", planned="5", accepted="5"), "5", {"carried": "-2"}, True),
        (sums(ours="5", planned="5", accepted="5"), "4", {"missing_in_target": "1"}, False),
        (sums(ours="5", planned="5", accepted="5"), "6", {"extra_in_target": "-1"}, False),
    ],
)
def test_causes(ours: Sums, target: str | None, causes: dict[str, str], explained: bool) -> None:
    found = verdict(ours, None if target is None else Held(Decimal(target)), UNIT)
    assert found.causes == {name: Decimal(value) for name, value in causes.items()}
    assert found.explained == explained


@given(st.lists(st.decimals(-1000, 1000, places=3), min_size=8, max_size=8))
def test_the_parts_are_the_whole_difference(values: list[Decimal]) -> None:
    ours, planned, accepted, waiting, unanswered, held, rejected, target = values
    made = Sums(set(), set(), ours, planned, accepted, waiting, unanswered, held, {"x": rejected})
    found = verdict(made, Held(target), UNIT)
    assert exact_sum(found.causes.values()) == found.difference == ours - target


def told(**items: tuple[Status, str]) -> Sums:
    """Return a cell of items that were planned, by what became of each."""
    made = Sums()
    for name, (status, value) in items.items():
        made.tell(name, State(status, code="no"), Decimal(value))
        made.planned = made.ours = made.ours + Decimal(value)
    return made


def listed(*entries: tuple[str, str]) -> Held:
    return Held.of(Entry(tuple(items.split()), Decimal(value)) for items, value in entries)


def finding(items: str, due: str, *there: str) -> Finding:
    return Finding(tuple(items.split()), Decimal(due), tuple(map(Decimal, there)))


TWO = {"a": ("accepted", "5"), "b": ("accepted", "-5")}


@pytest.mark.parametrize(
    ("ours", "there", "causes", "findings"),
    [
        (told(a=("accepted", "5")), listed(("a", "5")), {}, []),
        (told(a=("accepted", "5")), listed(), {"missing_in_target": "5"}, [finding("a", "5")]),
        (told(a=("accepted", "5")), listed(("a", "4")), {"missing_in_target": "1"}, [finding("a", "5", "4")]),
        (told(a=("accepted", "5")), listed(("a", "6")), {"extra_in_target": "-1"}, [finding("a", "5", "6")]),
        (
            told(a=("accepted", "5")),
            listed(("a", "5"), ("a", "5")),
            {"extra_in_target": "-5"},
            [finding("a", "5", "5", "5")],
        ),
        (told(a=("accepted", "5")), listed(("a", "5"), ("", "1")), {"extra_in_target": "-1"}, [finding("", "0", "1")]),
        (
            told(a=("accepted", "5"), b=("accepted", "5")),
            listed(("b", "5"), ("b", "5")),  # the sum is right, and nothing else
            {"extra_in_target": "-5", "missing_in_target": "5"},
            [finding("b", "5", "5", "5"), finding("a", "5")],
        ),
        (told(**TWO), listed(), {}, [finding("a", "5"), finding("b", "-5")]),
        (told(**TWO), listed(("a b", "0")), {}, []),
        (told(**TWO), listed(("a b", "1")), {"extra_in_target": "-1"}, [finding("a b", "0", "1")]),
        (told(a=("sent", "5")), listed(), {"in_flight": "5"}, []),
        (told(a=("sent", "5")), listed(("a", "5")), {}, []),
        (told(a=("sent", "5")), listed(("a", "6")), {"extra_in_target": "-1"}, [finding("a", "5", "6")]),
        (told(a=("held", "5")), listed(), {"held": "5"}, []),
        (told(a=("held", "5")), listed(("a", "5")), {}, []),
        (
            told(a=("rejected", "5")),
            listed(("a", "5")),
            {"rejected:no": "5", "extra_in_target": "-5"},
            [finding("a", "0", "5")],
        ),
    ],
)
def test_items_that_differ_are_named(ours: Sums, there: Held, causes: dict[str, str], findings: list[Finding]) -> None:
    found = verdict(ours, there, UNIT)
    assert found.causes == {name: Decimal(value) for name, value in causes.items()}
    assert list(found.findings) == findings
    assert found.explained == (not findings)


STATUSES = st.sampled_from(["accepted", "sent", "held", "waiting", "rejected"])
VALUES = st.decimals(-1000, 1000, places=2)
IDS = st.sampled_from("abcdef")


@given(
    st.dictionaries(IDS, st.tuples(STATUSES, VALUES)), st.lists(st.tuples(st.sets(IDS, max_size=3), VALUES), max_size=6)
)
def test_whatever_a_target_lists_the_parts_are_the_whole_difference(
    items: dict[str, tuple[Status, Decimal]], entries: list[tuple[set[str], Decimal]]
) -> None:
    made = Sums(ours=Decimal(7))
    for name, (status, value) in items.items():
        made.tell(name, State(status, code="no"), value)
    held = Held.of(Entry(tuple(sorted(ids)), value) for ids, value in entries)
    found = verdict(made, held, UNIT)
    assert exact_sum(found.causes.values()) == found.difference == Decimal(7) - held.total
