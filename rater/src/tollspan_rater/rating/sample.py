"""Samples: single events of the meters whose amount does not follow from a sum."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from tollspan_rater.rating.decision import Decision

Facts = tuple[tuple[str, str | None], ...]


@dataclass(frozen=True, slots=True)
class Sample:
    """One event of a meter in ``Tariff.sampled``: ``quantity`` units, as one call or unit measure states them.

    Samples are ordered by ``(at_ns, key)``, the service time and the call's id. ``segment`` is the index of
    the plan segment in which the event lies, ``facts`` are the values of ``Tariff.dimensions``. ``of`` is the
    value of the dimension that ``Tariff.of`` names for the meter, ``None`` when nobody said.
    """

    at_ns: int
    key: str
    segment: int
    provider: str | None
    model: str | None
    facts: Facts
    decision: Decision
    meter: str
    quantity: Decimal
    of: str | None = None
