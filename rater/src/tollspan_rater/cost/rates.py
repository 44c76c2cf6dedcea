"""What one unit of usage costs: dated rows of a price book, and the rates that hold at one instant."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from fnmatch import fnmatchcase
from functools import cached_property
from typing import Final, Literal

from tollspan_rater.domain.clock import from_ns
from tollspan_rater.domain.meters import TOKEN_METERS, priced_ancestor

STANDARD: Final = ""  # the tier of a call that nobody marked as batch, flex, priority ...
ANY_TIER: Final = "*"
DAY_SECONDS: Final = 86_400

UnknownReason = Literal[
    "unknown_provider",  # the span names no provider, or one without a price list
    "unknown_model",  # no price list of this provider has the model
    "unknown_tier",  # the model has no price for this service tier at that time
    "unpriced_meter",  # something was used that has no price
    "stale_price",  # the catalog's price is known to be wrong and the true one is not known
    "unsplit_usage",  # parts of the usage cost different rates and the usage does not tell them apart
    "unmeasured",  # the usage itself is unknown
    "inconsistent_usage",  # the parts exceed the whole
    "mixed_currency",  # the parts cost different currencies
    "no_exchange_rate",  # no dated rate leads from one currency to the other
]
NOT_CHARGED: Final = "not_charged"  # why a call costs exactly 0: the provider refused it, or a gateway's cache answered


@dataclass(frozen=True, slots=True)
class Unknown:
    """An amount or a rate that is not known. It is never a zero: it is counted and listed by its reason."""

    reason: UnknownReason
    detail: str


@dataclass(frozen=True, slots=True)
class RateRow:
    """One price of one meter, and when it holds.

    ``provider`` and ``model`` are shell patterns over catalog names in lower case. ``rate`` is the exact price of one
    unit (one token, one search, one second); None says that the price is unknown for ``reason``.
    ``valid_from`` (inclusive) and ``valid_to`` (exclusive) are nanoseconds. ``tier`` is ``""`` for the standard tier,
    ``*`` for any. ``threshold``: the rate of the whole call when its total input exceeds this many tokens.
    ``weekdays`` (Monday is 0) and ``window`` (seconds of the day, end exclusive) are in UTC.
    """

    provider: str
    model: str
    meter: str
    rate: Decimal | None
    source: str
    reason: Unknown | None = None
    currency: str = "USD"
    valid_from: int | None = None
    valid_to: int | None = None
    tier: str = STANDARD
    threshold: int = 0
    weekdays: tuple[int, ...] | None = None
    window: tuple[int, int] | None = None

    def names(self, provider: str, model: str) -> bool:
        """Tell whether the row speaks of this provider and model (lower case)."""
        return fnmatchcase(provider, self.provider) and fnmatchcase(model, self.model)

    def holds(self, at_ns: int, tier: str) -> bool:
        """Tell whether the row holds at an instant for a service tier."""
        if self.tier not in (ANY_TIER, tier):
            return False
        if (self.valid_from is not None and at_ns < self.valid_from) or (
            self.valid_to is not None and at_ns >= self.valid_to
        ):
            return False
        if self.weekdays is not None and from_ns(at_ns).weekday() not in self.weekdays:
            return False
        return self.window is None or self.window[0] <= second_of_day(at_ns) < self.window[1]


def second_of_day(at_ns: int) -> int:
    """Return the second of the UTC day, 0 to 86399."""
    return at_ns // 1_000_000_000 % DAY_SECONDS


@dataclass(frozen=True, slots=True)
class MeterRate:
    """The rate of one meter: ``steps`` are (threshold, rate per unit), ascending, the first at 0.

    A step's rate of None is unknown for ``reason``.
    """

    steps: tuple[tuple[int, Decimal | None], ...]
    currency: str
    source: str
    reason: Unknown | None = None

    def at(self, bucket: int) -> Decimal | None:
        """Return the rate of a call whose bucket (see :func:`bucket`) is given: a cliff, not a slice."""
        rate: Decimal | None = None
        for threshold, step in self.steps:
            if threshold <= bucket:
                rate = step
        return rate


@dataclass(frozen=True)
class Rates:
    """All rates of one provider, model and tier at one instant.

    ``otherwise`` is why a meter that has no price of its own or of an ancestor is unknown. ``overlaps`` are pairs
    of meters whose common part costs a rate of its own, so that usage of both cannot be priced. ``version`` names
    the book.
    """

    meters: Mapping[str, MeterRate]
    otherwise: Unknown
    version: str
    overlaps: tuple[tuple[str, str], ...] = ()

    @cached_property
    def priced_as(self) -> Mapping[str, str]:
        """Map each meter that has an entry, and each token meter below one, to the meter whose rate it takes."""
        priced = frozenset(self.meters)
        takes = {meter: priced_ancestor(meter, priced) for meter in (*self.meters, *TOKEN_METERS)}
        return {meter: ancestor for meter, ancestor in takes.items() if ancestor is not None}

    @cached_property
    def thresholds(self) -> tuple[int, ...]:
        """The totals of input at which some rate changes, ascending, without 0."""
        return tuple(sorted({at for rate in self.meters.values() for at, _ in rate.steps if at}))

    @property
    def linear(self) -> bool:
        """Whether usage of one bucket may be added up before it is priced."""
        return not self.overlaps


def bucket(input_total: Decimal | int, thresholds: tuple[int, ...]) -> int:
    """Return the largest threshold that the input total exceeds, else 0.

    Calls of one bucket share their rates, so their quantities may be added up first. In SQL:
    ``CASE WHEN input > t2 THEN t2 WHEN input > t1 THEN t1 ELSE 0 END``.
    """
    return max((threshold for threshold in thresholds if input_total > threshold), default=0)
