from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from tests.export.case import Case, cases
from tests.export.depot import depot
from tests.export.faults import History
from tests.export.network import LONGEST_DELAY_S
from tollspan_rater.export.contract import Contract

DAY_S = 86_400


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


@pytest.mark.parametrize("dedup_s", [None, DAY_S, 0])
@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("looks", [True, False])
def test_what_a_contract_promises_is_enough(dedup_s: int | None, batch: int, looks: bool) -> None:
    contract = Contract(
        "depot", "usage", "", batch=batch, all_or_nothing=batch > 1, dedup_s=dedup_s, settle_s=120, looks=looks,
        past_s=3 * DAY_S, together=("customer",) if looks else (),
    )  # fmt: skip
    for seed in range(8):
        verdict = History(depot(contract, dedup_s), seed).run()
        assert verdict.problems == (), f"history {seed}"


@pytest.mark.parametrize(
    "untrue",
    [{"dedup_s": None}, {"dedup_s": 3 * DAY_S}, {"settle_s": 0, "dedup_s": 0}],
    ids=["remembers less than for ever", "remembers less than three days", "settles later"],
)
def test_histories_find_out_a_contract_that_is_not_kept(untrue: dict[str, int | None]) -> None:
    kept = Contract("depot", "usage", "", dedup_s=DAY_S, settle_s=120)
    case = depot(replace(kept, **untrue), remembers_s=0 if untrue["dedup_s"] == 0 else DAY_S)  # type: ignore[arg-type]
    assert any(History(case, seed).run().problems for seed in itertools.islice(itertools.count(), 100))
