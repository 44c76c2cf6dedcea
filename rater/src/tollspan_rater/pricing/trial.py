"""Trials: the first days of a plan, whose usage is not on the invoice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from tollspan_rater.pricing.document import Node, Table
from tollspan_rater.pricing.reading import Reading

TRIAL: Final = "trial"  # the phase of usage in a trial: the plan's policy says what that means


@dataclass(frozen=True, slots=True)
class Trial:
    """The first ``days`` days after a customer took the plan for the first time; ``base_fee``: it is due in them."""

    days: int
    base_fee: bool = False


def read_trial(node: Node | None, reading: Reading) -> Trial | None:
    """Read a number of days, or ``{days, base_fee}``."""
    if node is None:
        return None
    if not isinstance(node, Table):
        days = reading.whole(node, "the trial")
        return None if days is None else Trial(days)
    reading.only(node, ("days", "base_fee"), "a trial")
    if "days" not in node.entries:
        reading.wrong(node, "the trial has no days", "Add `days: 14`")
        return None
    days = reading.whole(node.entries["days"], "the days of the trial")
    base_fee = reading.switch(node, "base_fee", default=False)
    return None if days is None else Trial(days, base_fee)
