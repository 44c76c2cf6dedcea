"""What the demo plans before it sends anything: customers, calls, prices; a function of its arguments and a seed."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tollspan_rater.demo import cast, prices
from tollspan_rater.demo.cast import Customer
from tollspan_rater.demo.records import by_sender
from tollspan_rater.demo.sending import Request, requests
from tollspan_rater.demo.trace import read_trace
from tollspan_rater.demo.traffic import PlannedCall, generated, plan, traced

HOUR_NS: Final = 3_600_000_000_000
SENDERS: Final = 4


@dataclass(frozen=True, slots=True)
class Scenario:
    """A planned demo. ``from_trace``: the calls are those of published traces, with their own times."""

    seed: int
    customers: tuple[Customer, ...]
    calls: tuple[PlannedCall, ...]
    pricing: dict[str, str]
    from_trace: bool

    @property
    def plan_of(self) -> dict[str, str]:
        """The plan of each customer."""
        return {customer.name: customer.plan for customer in self.customers}

    def sends(self) -> list[list[Request]]:
        """Return the requests of each sending process, in the order in which it sends them."""
        rng = random.Random(f"{self.seed} requests")
        return [requests(records, rng) for records in by_sender(self.calls, SENDERS, self.seed)]


def scenario(traces: Sequence[Path], calls: int, customers: int, seed: int, now_ns: int) -> Scenario:
    """Plan a demo: the given traces, else ``calls`` generated ones in the last full hour before ``now_ns``.

    Raises:
        TraceFileError: a trace cannot be read.
    """
    rng = random.Random(seed)
    people = cast.customers(customers, rng)
    if traces:
        asked = traced(row for path in traces for row in read_trace(path))
    else:
        asked = generated(calls, (now_ns // HOUR_NS - 1) * HOUR_NS, rng)
    planned = plan(asked, people, rng, failures=not traces)
    return Scenario(seed, people, tuple(planned), prices.texts(), bool(traces))
