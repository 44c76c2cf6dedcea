"""What the outbox asks of a target, and what a target may answer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Protocol

from tollspan_rater.domain.money import exact_sum
from tollspan_rater.export.contract import Contract
from tollspan_rater.export.draft import Draft

Element = Mapping[str, Any]  # JSON values; decimals as text


@dataclass(frozen=True, slots=True)
class Mapped:
    """What the mapping says of a draft in the target's words: names of ``Contract.needs`` with their values."""

    customer: Mapping[str, str]
    meter: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Sending:
    """One item on its way. ``element`` was frozen when it was planned.

    ``key`` is the idempotency key of the request: the item's id, and another one only after a look has shown that
    the target does not have the item. ``since_ns`` is when it was first sent under this key, or now: a look need not
    go further back.
    """

    item_id: str
    key: str
    element: Element
    since_ns: int = 0


@dataclass(frozen=True, slots=True)
class Accepted:
    """The target has it, now or since an earlier sending; ``external_id`` is its own name for it."""

    external_id: str = ""


@dataclass(frozen=True, slots=True)
class Refused:
    """The target does not want it as it is, for good: ``code`` in its words, ``why`` in a sentence."""

    code: str
    why: str


@dataclass(frozen=True, slots=True)
class NotTaken:
    """The target surely does not have it and may be asked again, after ``after_s`` seconds where it said so."""

    why: str
    after_s: int | None = None


@dataclass(frozen=True, slots=True)
class Unclear:
    """Nobody knows whether the target has it. ``look_first`` when the same key would only repeat the answer."""

    why: str
    look_first: bool = False


@dataclass(frozen=True, slots=True)
class Absent:
    """The target was asked and does not have it."""


Outcome = Accepted | Refused | NotTaken | Unclear
Sight = Accepted | Refused | Absent | Unclear


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a reconciliation asks for: the target's words for a customer and for a meter, and a day (UTC).

    Of amounts, those of one ``currency``; for usage it is empty. ``items`` are the ids of what was told of it, without
    what was rejected; ``periods`` the labels of the statements that it stands on.
    """

    customer: Mapping[str, str]
    meter: Mapping[str, str]
    start_ns: int
    end_ns: int
    currency: str = ""
    items: frozenset[str] = frozenset()
    periods: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a target's own list: the ids of the items that it is of, none where it bears none, and its value."""

    items: tuple[str, ...]
    value: Decimal

    @classmethod
    def of(cls, item_id: str, value: Decimal) -> Entry:
        """Return the entry of one item; of none when the id is empty."""
        return cls((item_id,) if item_id else (), value)


@dataclass(frozen=True, slots=True)
class Held:
    """What a target says it has of what was wanted: a quantity, or an amount in the currency that was wanted.

    ``entries`` are what it adds up to ``total``; ``None`` where it tells the sum alone.
    """

    total: Decimal
    entries: tuple[Entry, ...] | None = None

    @classmethod
    def of(cls, entries: Iterable[Entry]) -> Held:
        """Return a list with its sum."""
        listed = tuple(entries)
        return cls(exact_sum(entry.value for entry in listed), listed)


class Target(Protocol):
    """A place that usage or amounts are handed over to: one small file each, with its contract as a table.

    No method raises for what network or target do; they return it.
    """

    @property
    def contract(self) -> Contract:
        """What the target allows."""
        ...

    def element(self, draft: Draft, item_id: str, stamp_ns: int, mapped: Mapped) -> Element:
        """Put a draft in the target's words. Pure; decimals as exact text; ``stamp_ns`` is when it says it happened."""
        ...

    def send(self, sendings: Sequence[Sending]) -> Sequence[Outcome]:
        """Send at most ``contract.batch`` items in one request; one outcome each, in their order."""
        ...

    def look(self, sending: Sending) -> Sight:
        """Ask whether the target has an item. Only called when ``contract.looks``."""
        ...

    def held(self, wanted: Wanted) -> Held | Unclear | None:
        """Return what the target says it has; why it does not say, when it was asked; ``None`` when it cannot be."""
        ...

    def close(self) -> None:
        """End the connections."""
        ...


class Notified(Protocol):
    """A target that tells of rejections later, by a webhook."""

    def rejections(self, headers: Mapping[str, str], body: bytes, now_ns: int) -> Iterable[tuple[str, Refused]]:
        """Return the item ids that a notification takes back, with the reason.

        Raises:
            SignatureError: the notification is not signed by the target, or too old.
        """
        ...
