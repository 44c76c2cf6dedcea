"""Planned calls for tests."""

import random
from functools import cache

from tollspan_rater.demo import cast
from tollspan_rater.demo.cast import Customer
from tollspan_rater.demo.traffic import PlannedCall, generated, plan

HOUR = 1_795_251_600_000_000_000  # an hour of November 2026


def people(count: int = 20) -> tuple[Customer, ...]:
    return cast.customers(count, random.Random(1))


@cache
def planned(calls: int, seed: int = 1) -> tuple[PlannedCall, ...]:
    rng = random.Random(seed)
    return tuple(plan(generated(calls, HOUR, rng), people(), rng, failures=True))
