from __future__ import annotations

import pytest

from tests.export.case import Case, cases
from tests.export.faults import History
from tests.export.network import LONGEST_DELAY_S


@pytest.mark.parametrize("case", cases().values(), ids=lambda case: case.name)
def test_whatever_goes_wrong_the_target_holds_each_thing_once(case: Case) -> None:
    for seed in range(50):
        verdict = History(case, seed).run()
        assert verdict.problems == (), f"history {seed}"


@pytest.mark.parametrize("case", cases().values(), ids=lambda case: case.name)
def test_a_look_is_believed_only_when_nothing_can_be_under_way_any_more(case: Case) -> None:
    contract = History(case, 0).contract
    assert contract.name == case.name
    assert contract.dedup_s is None or not contract.looks or contract.settle_s > LONGEST_DELAY_S
