"""Spans of time over which usage is added up before it is told, and the instant at which it says it happened. Pure."""

from __future__ import annotations

from datetime import UTC, timedelta
from typing import Final, Literal

from tollspan_rater.domain.clock import from_ns
from tollspan_rater.export.contract import Contract
from tollspan_rater.export.draft import Service
from tollspan_rater.pricing.period import local_day, midnight

SECOND: Final = 1_000_000_000
HOUR: Final = 3_600 * SECOND
_MARGIN_S: Final = 3_600  # an item planned shortly before a window's end would leave it while it waits
_MARGIN_PART: Final = 12  # of a window so short that an hour would be much of it


def service_at(bucket: Literal["hour", "day"], instant_ns: int, zone: str) -> Service:
    """Return the hour of UTC, or the day of a time zone, in which an instant lies."""
    if bucket == "hour":
        start = instant_ns // HOUR * HOUR
        return Service(f"{from_ns(start).astimezone(UTC):%Y-%m-%dT%HZ}", "UTC", start, start + HOUR)
    day = local_day(instant_ns, zone)
    return Service(day.isoformat(), zone, midnight(day, zone), midnight(day + timedelta(days=1), zone))


def is_open(service: Service, contract: Contract, now_ns: int) -> bool:
    """Tell whether a target takes what is stamped at the beginning of a bucket, for some time to come."""
    if contract.past_s is None:
        return True
    margin_s = min(_MARGIN_S, contract.past_s // _MARGIN_PART)
    return now_ns - service.start_ns <= (contract.past_s - margin_s) * SECOND


def stamp_of(service: Service, contract: Contract, now_ns: int) -> int:
    """Return when an item says that it happened: at the beginning of its bucket.

    What is too old for the target, and may be told in another bucket, is stamped at the beginning of the running hour.
    """
    if contract.late == "own" or is_open(service, contract, now_ns):
        return service.start_ns
    return now_ns // HOUR * HOUR
