"""Why a target differs from us: the parts add up, and only what nothing explains is no peace."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tollspan_rater.domain.money import exact_sum
from tollspan_rater.export.reconciliation import Sums, verdict
from tollspan_rater.export.state import State

UNIT = Decimal("0.01")


def sums(**said: str) -> Sums:
    made = Sums(**{name: Decimal(value) for name, value in said.items() if name != "rejected"})
    if "rejected" in said:
        made.tell(State("rejected", code="no_meter"), Decimal(said["rejected"]))
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
    found = verdict(ours, None if target is None else Decimal(target), UNIT)
    assert found.causes == {name: Decimal(value) for name, value in causes.items()}
    assert found.explained == explained


@given(st.lists(st.decimals(-1000, 1000, places=3), min_size=8, max_size=8))
def test_the_parts_are_the_whole_difference(values: list[Decimal]) -> None:
    ours, planned, accepted, waiting, unanswered, held, rejected, target = values
    made = Sums(set(), set(), ours, planned, accepted, waiting, unanswered, held, {"x": rejected})
    found = verdict(made, target, UNIT)
    assert exact_sum(found.causes.values()) == found.difference == ours - target
