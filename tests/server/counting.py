"""A billing system in memory that counts usage: it takes each id once, and may be told to misbehave."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from tollspan_rater.errors import SignatureError, UntellableError
from tollspan_rater.export.contract import Contract, Needs
from tollspan_rater.export.draft import Draft
from tollspan_rater.export.settings import Settings
from tollspan_rater.export.target import (
    Absent,
    Accepted,
    Element,
    Held,
    Mapped,
    Outcome,
    Refused,
    Sending,
    Sight,
    Unclear,
    Wanted,
)

COUNTING = Contract(
    name="counting",
    takes="usage",
    source="tests",
    batch=3,
    settle_s=120,
    needs=Needs(customer=("customer",), meter=("event_name",)),
)


@dataclass
class Ledger:
    """What the billing system holds by item id, and how it answers: ``mood`` is an outcome instead of its own.

    It has no words for the meters in ``speechless``. It cannot be asked what it has when it is ``blind``; when it is
    ``deaf``, it does not say.
    """

    contract: Contract = COUNTING
    elements: dict[str, Element] = field(default_factory=dict)
    requests: list[list[str]] = field(default_factory=list)
    mood: Outcome | None = None
    takes_when_unclear: bool = True
    blind: bool = False
    deaf: Unclear | None = None
    questions: int = 0
    speechless: frozenset[str] = frozenset()

    def sums(self) -> dict[tuple[str, str], Decimal]:
        found: dict[tuple[str, str], Decimal] = {}
        for element in self.elements.values():
            key = (element["customer"], element["meter"])
            found[key] = found.get(key, Decimal(0)) + Decimal(element["value"])
        return found

    def make(self, _name: str, _settings: Settings) -> Counting:
        return Counting(self)


class Counting:
    """The target."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    @property
    def contract(self) -> Contract:
        return self._ledger.contract

    def element(self, draft: Draft, item_id: str, stamp_ns: int, mapped: Mapped) -> Element:
        if draft.meter in self._ledger.speechless:
            raise UntellableError(self.contract.name, draft.component, "it has no words for it")
        value = draft.quantity if draft.source == "usage" else draft.amount
        return {
            "customer": mapped.customer["customer"],
            "meter": mapped.meter["event_name"],
            "value": f"{value:f}",
            "at": str(stamp_ns),
            "id": item_id,
        }

    def send(self, sendings: Sequence[Sending]) -> Sequence[Outcome]:
        ledger = self._ledger
        ledger.requests.append([one.item_id for one in sendings])
        if ledger.mood is None or (isinstance(ledger.mood, Unclear) and ledger.takes_when_unclear):
            ledger.elements |= {one.item_id: one.element for one in sendings}
        return [ledger.mood or Accepted(f"there/{one.item_id}") for one in sendings]

    def look(self, sending: Sending) -> Sight:
        return Accepted("found") if sending.item_id in self._ledger.elements else Absent()

    def held(self, wanted: Wanted) -> Held | Unclear | None:
        self._ledger.questions += 1
        if self._ledger.blind or self._ledger.deaf:
            return self._ledger.deaf
        fitting = [
            Decimal(one["value"])
            for one in self._ledger.elements.values()
            if one["customer"] == wanted.customer["customer"]
            and one["meter"] == wanted.meter["event_name"]
            and wanted.start_ns <= int(one["at"]) < wanted.end_ns
        ]
        return Held(sum(fitting, Decimal(0)))

    def rejections(self, headers: Mapping[str, str], body: bytes, _now_ns: int) -> Iterable[tuple[str, Refused]]:
        if headers.get("signature") != "right":
            raise SignatureError("counting", "it is not signed")
        return self._taken_back(body)

    def _taken_back(self, body: bytes) -> Iterator[tuple[str, Refused]]:
        for item in body.decode().split():
            self._ledger.elements.pop(item, None)
            yield item, Refused("no_meter", "there is no such meter")

    def close(self) -> None:
        return None
