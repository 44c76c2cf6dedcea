"""What a simulator of a billing system has to offer: it keeps the published contract and shows what it holds."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from tollspan_rater.domain.clock import Clock
from tollspan_rater.export.item import Item

SECOND = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Call:
    """One request as it arrives; header names are small."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Receipt:
    """One thing that counts at the target; in its words, except for our item id (empty where it keeps none)."""

    item_id: str
    customer: str
    meter: str = ""
    quantity: Decimal | None = None
    amount: Decimal | None = None
    currency: str = ""


class Simulator(ABC):
    """A billing system that keeps its published contract; time comes from the clock alone."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock

    def now_s(self) -> int:
        return self.clock.now_ns() // SECOND

    @abstractmethod
    def handle(self, call: Call) -> Reply:
        """Do what is asked for and answer."""

    @abstractmethod
    def receipts(self) -> Sequence[Receipt]:
        """Return what counts now, a thing that counts twice also twice."""

    def knows(self, item: Item) -> bool:
        """Tell a person who looks whether an item counts."""
        return any(receipt.item_id == item.item_id for receipt in self.receipts())

    def fail(self, call: Call, *, taken: bool) -> Reply:
        """Answer with a server error, after having done what is asked for when ``taken``."""
        if taken:
            self.handle(call)
        return reply(500, {"error": {"message": "something went wrong"}})

    def busy(self, call: Call) -> Reply:
        """Refuse for now."""
        return reply(429, {"error": {"message": "too many requests"}}, {"retry-after": "1"})

    def partly(self, call: Call) -> Reply:
        """Take only a part, where the vendor may do so."""
        return self.handle(call)


def reply(status: int, body: Any, headers: Mapping[str, str] | None = None) -> Reply:
    return Reply(status, {"content-type": "application/json", **(headers or {})}, json.dumps(body).encode())
