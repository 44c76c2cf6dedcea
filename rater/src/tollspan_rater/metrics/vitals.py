"""The state of the way from the doors to the store: positions, lag, disk."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Final

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric


@dataclass(frozen=True, slots=True)
class Vitals:
    """One look at a rater.

    ``queue_entries`` are durable and not yet in the store; ``summed_legs`` are read as sums of their days, all others
    one by one.
    """

    journal_position: int
    store_position: int
    queue_entries: int
    summed_legs: int
    lag_seconds: int
    max_lag_seconds: int
    disk_free_bytes: int
    disk_floor_bytes: int
    taking_spans: bool


_HELP: Final = {
    "journal_position": "Last durable entry of the journal.",
    "store_position": "Last entry of the journal that answers include.",
    "queue_entries": "Entries that are durable and not yet in the store.",
    "summed_legs": "Revisions of calls that are read as sums of their days; questions read all others one by one.",
    "lag_seconds": "Age of the oldest entry that is not yet in the store.",
    "max_lag_seconds": "Lag from which on senders are told to come again.",
    "disk_free_bytes": "Free bytes on the disk of the data folder.",
    "disk_floor_bytes": "Free bytes below which senders are told to come again.",
    "taking_spans": "1 while senders are accepted, 0 while they are told to come again.",
}


def families(vitals: Vitals) -> Iterator[Metric]:
    """Yield one gauge for each field."""
    for field in fields(vitals):
        yield GaugeMetricFamily(f"tollspan_{field.name}", _HELP[field.name], value=getattr(vitals, field.name))
