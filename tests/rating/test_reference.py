"""Two programs, one bill: the rater against a naive one in fractions, on random cards, plans and calls."""

from __future__ import annotations

import pytest

from tests.rating.compare import first_difference
from tests.rating.mutation import Mutation, caught
from tests.rating.mutations import MUTATIONS
from tests.rating.random_bills import CUSTOMERS

BILLS, BLOCKS = 2_000, 8
SEEDS = BILLS // CUSTOMERS
QUICK = 400  # bills at most for each fault; nearly all are noticed by one of the first


@pytest.mark.parametrize("block", range(BLOCKS))
def test_the_naive_program_comes_to_the_same_bills(block: int) -> None:
    size = -(-SEEDS // BLOCKS)
    assert first_difference(range(block * size, (block + 1) * size)) is None


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.name)
def test_a_fault_in_the_engine_is_noticed(mutation: Mutation) -> None:
    assert caught(mutation, range(QUICK // CUSTOMERS)) is not None


def test_without_a_fault_the_copy_agrees() -> None:
    none = Mutation("none", "rating/rate.py", "def rate(", "def rate(")
    assert caught(none, range(3)) is None


def test_there_are_twenty_faults_or_more() -> None:
    assert len({mutation.name for mutation in MUTATIONS}) == len(MUTATIONS) >= 20
