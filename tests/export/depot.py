"""A billing system that keeps any contract at all, and its target: what the core promises does not hang on a vendor."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

import httpx

from tests.export.case import Case
from tests.export.simulators.simulator import SECOND, Call, Receipt, Reply, Simulator, reply
from tollspan_rater.domain.clock import Clock
from tollspan_rater.export.contract import Contract
from tollspan_rater.export.draft import Draft
from tollspan_rater.export.http import Answer, Http, Request
from tollspan_rater.export.rules import Rule, at, outcome
from tollspan_rater.export.target import (
    Absent,
    Accepted,
    Element,
    Held,
    Mapped,
    NotTaken,
    Outcome,
    Sending,
    Sight,
    Target,
    Unclear,
    Wanted,
)

ANY = Contract("depot", "usage", "tests")


class Depot(Simulator):
    """Keeps elements; a key counts once for ``remembers_s`` (``None``: for ever, 0: never)."""

    def __init__(self, clock: Clock, contract: Contract, remembers_s: int | None) -> None:
        super().__init__(clock)
        self.contract, self.remembers_s = contract, remembers_s
        self.kept: list[tuple[int, str, Receipt]] = []

    def handle(self, call: Call) -> Reply:
        told = json.loads(call.body)
        if call.url.endswith("/look"):
            return reply(200, {"there": any(one.item_id == told["id"] for _, _, one in self.kept)})
        too_many = (
            len(told) > self.contract.batch
            or len({tuple(one[name] for name in self.contract.together) for one in told}) > 1
        )
        if too_many:
            return reply(400, {"code": "bad_request"})
        known = [place for place, one in enumerate(told) if self._known(one["key"])]
        if known and self.contract.all_or_nothing:
            return reply(422, {"code": "known", "places": known})
        for place, one in enumerate(told):
            if place not in known:
                receipt = Receipt(one["id"], one["customer"], one["meter"], quantity=Decimal(one["quantity"]))
                self.kept.append((self.clock.now_ns(), one["key"], receipt))
        return reply(200, {})

    def receipts(self) -> Sequence[Receipt]:
        return [receipt for _, _, receipt in self.kept]

    def _known(self, key: str) -> bool:
        window_ns = None if self.remembers_s is None else self.remembers_s * SECOND
        now_ns = self.clock.now_ns()
        return any(one == key and (window_ns is None or now_ns - at_ns < window_ns) for at_ns, one, _ in self.kept)


class DepotTarget:
    def __init__(self, http: Http, contract: Contract) -> None:
        self._http, self._contract = http, contract

    @property
    def contract(self) -> Contract:
        return self._contract

    def element(self, draft: Draft, item_id: str, stamp_ns: int, mapped: Mapped) -> Element:
        words = {**mapped.customer, **mapped.meter}
        return {"id": item_id, **words, "quantity": f"{draft.quantity:f}"}

    def send(self, sendings: Sequence[Sending]) -> Sequence[Outcome]:
        answer = self._http.ask(Request("POST", "/items", json=[{**one.element, "key": one.key} for one in sendings]))
        if isinstance(answer, Answer) and at(answer.body, "code") == "known":
            there = answer.body["places"]
            return [Accepted() if place in there else NotTaken("others", after_s=0) for place in range(len(sendings))]
        return [outcome(answer, (Rule(400, "refused"),), lambda answer: (at(answer.body, "code"), ""))] * len(sendings)

    def look(self, sending: Sending) -> Sight:
        answer = self._http.ask(Request("POST", "/look", json={"id": sending.item_id}))
        if not isinstance(answer, Answer) or not answer.ok:
            return Unclear("no answer")
        return Accepted() if answer.body["there"] else Absent()

    def held(self, wanted: Wanted) -> Held | None:
        return None

    def close(self) -> None:
        self._http.close()


@dataclass(frozen=True)
class DepotCase(Case):
    """A depot with a contract; it may forget sooner than the contract says."""

    contract: Contract = ANY
    remembers_s: int | None = None

    def target(self, transport: httpx.BaseTransport, clock: Clock) -> Target:
        return DepotTarget(
            Http(httpx.Client(transport=transport, trust_env=False), "http://depot", clock), self.contract
        )


def depot(contract: Contract, remembers_s: int | None = None) -> DepotCase:
    return DepotCase(
        contract.name,
        lambda clock: Depot(clock, contract, remembers_s),
        {"acme": {"customer": "a"}, "beta": {"customer": "b"}},
        {"input": {"meter": "in"}, "output": {"meter": "out"}},
        contract=contract,
        remembers_s=remembers_s,
    )
