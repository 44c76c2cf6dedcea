"""One random history of an export: what is planned, what goes wrong, how time passes; and whether all came to hand.

A history is drawn from its number, so that a red one can be looked at again. In it, statements are closed and usage
comes in, requests are lost, answered late, twice or with an error, the process is killed anywhere, and the clock
walks past the target's windows. In the end nothing goes wrong any more, and what the target holds is compared with
what was planned: each thing exactly once, and sums equal to the last digit.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from random import Random

from tests.export.book import MemoryBook
from tests.export.case import Case
from tests.export.network import LONGEST_DELAY_S, KilledError, Network
from tests.export.simulators.simulator import SECOND, Receipt
from tollspan_rater.domain.clock import FixedClock
from tollspan_rater.domain.money import exact_sum
from tollspan_rater.export.contract import Contract
from tollspan_rater.export.draft import Draft, Service, item_id
from tollspan_rater.export.exporter import Exporter
from tollspan_rater.export.item import Item
from tollspan_rater.export.pace import Pace
from tollspan_rater.export.state import Fact
from tollspan_rater.export.step import recent
from tollspan_rater.export.target import Mapped, Target

START_NS = 1_793_536_200 * SECOND  # 2026-11-01T12:30:00Z
HOUR_S = 3600
HOUR_NS = HOUR_S * SECOND
ROUNDS, MOST_RUNS = 5, 60


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a history; ``problems`` is empty when everything came to hand exactly once."""

    seed: int
    items: int
    requests: int
    kills: int
    problems: tuple[str, ...]


class MortalBook(MemoryBook):
    """A book whose process may be killed before or after it has written."""

    def __init__(self, draw: Random) -> None:
        super().__init__()
        self.draw: Random | None = draw

    def append(self, facts: Sequence[Fact]) -> None:
        fate = self.draw.random() if self.draw else 1
        if fate < 0.03:
            raise KilledError
        super().append(facts)
        if fate > 0.97 and self.draw:
            raise KilledError


class History:
    """One export under way."""

    def __init__(self, case: Case, seed: int) -> None:
        self.case, self.seed, self.draw = case, seed, Random(seed)
        self.clock = FixedClock(START_NS + self.draw.randrange(30 * 86_400) * SECOND)
        self.simulator = case.simulator(self.clock)
        self.network = Network(self.simulator, self.clock, self.draw)
        self.network.share = self.draw.choice([0.1, 0.4, 0.8])
        self.target = case.target(self.network, self.clock)
        self.network.doubles = self.contract.dedup_s != 0
        self.book = MortalBook(self.draw)
        self.kills = 0
        self._told: set[str] = set()

    @property
    def contract(self) -> Contract:
        return self.target.contract

    def run(self) -> Verdict:
        for _ in range(ROUNDS):
            self.plan(list(self.drafts()))
            for _ in range(self.draw.randint(1, 3)):
                self.export()
                self.network.wait(self.passing_s())
        self.network.calm()
        self.book.draw = None
        for _ in range(MOST_RUNS):
            self.network.wait(HOUR_S)
            self.export()
            self.decide()
            if not self.book.open(-1, 1):
                break
        self.target.close()
        return Verdict(self.seed, len(self.book.items), len(self.network.calls), self.kills, tuple(self.problems()))

    def drafts(self) -> Iterator[Draft]:
        """Draw what a statement or an hour of usage brings."""
        for _ in range(self.draw.randint(0, 6)):
            customer, meter = self.draw.choice(["acme", "beta"]), self.draw.choice(["input", "output"])
            hour_ns = (self.clock.now_ns() // HOUR_NS - self.draw.randint(0, 5)) * HOUR_NS
            service = Service(f"h{hour_ns // SECOND}", "UTC", hour_ns, hour_ns + HOUR_NS)
            component = f"{customer}/{meter}/{service.label}" + ("" if self.contract.once else f"/{self.draw.random()}")
            taken = self.contract.once and hour_ns in self.stamps_ns(customer)
            if component in self._told or taken or not recent(hour_ns, self.contract, self.clock.now_ns()):
                continue
            self._told.add(component)
            yield draft(self.contract, customer, meter, component, service, self.number())

    def number(self) -> Decimal:
        digits = min(self.contract.digits, 2)
        size = Decimal(self.draw.randint(1, 10**6)).scaleb(-digits)
        back = self.contract.negative == "sent" and self.draw.random() < 0.2
        return -size if back else size

    def plan(self, drafts: Sequence[Draft], stamp_ns: int | None = None) -> list[str]:
        planned = [
            item(self.case, self.target, one, len(self.book.items) + place, stamp_ns)
            for place, one in enumerate(drafts)
        ]
        self.book.plan(planned)
        return [one.item_id for one in planned]

    def export(self) -> None:
        pace = Pace(self.contract.per_second, self.clock, self.network.wait)
        try:
            Exporter(self.book, self.target, self.clock, pace).run()
        except KilledError:
            self.kills += 1
        self.plan_anew()

    def plan_anew(self) -> None:
        """Give what left the window untaken a time of now, as another item."""
        now_ns = self.clock.now_ns()
        for one in self.book.open(-1, len(self.book.items)):
            if not one.state.unanswered and not recent(one.item.stamp_ns, self.contract, now_ns):
                again = replace(one.item.draft, ordinal=one.item.draft.ordinal + 1)
                (by,) = self.plan([again], stamp_ns=self.free_ns(again, now_ns))
                MemoryBook.append(self.book, [Fact(one.item.item_id, "superseded", now_ns, by=by)])

    def free_ns(self, draft: Draft, now_ns: int) -> int:
        """Return a time of now; where a target takes one value an hour for good, an hour that is free."""
        if not self.contract.once:
            return now_ns
        own = self.stamps_ns(draft.customer)
        return next(at_ns for at_ns in range(now_ns // HOUR_NS * HOUR_NS, 0, -HOUR_NS) if at_ns not in own)

    def stamps_ns(self, customer: str) -> set[int]:
        return {one.stamp_ns for one in self.book.items.values() if one.draft.customer == customer}

    def decide(self) -> None:
        """Look up by hand what the target cannot be asked for."""
        for one in self.book.items.values():
            if self.book.state(one.item_id).status == "held":
                fact = Fact(one.item_id, "receipt" if self.simulator.knows(one) else "absent", self.clock.now_ns())
                MemoryBook.append(self.book, [fact])

    def passing_s(self) -> int:
        windows_s = [self.contract.dedup_s or 86_400, self.contract.past_s or 86_400]
        return self.draw.choice([1, 5, 60, LONGEST_DELAY_S, HOUR_S, 6 * HOUR_S, *(one + HOUR_S for one in windows_s)])

    def problems(self) -> Iterator[str]:
        receipts = self.simulator.receipts()
        states = {name: self.book.state(name) for name in self.book.items}
        yield from (f"{name} ends {one.status}: {one.why}" for name, one in states.items() if one.status not in _ENDS)
        ours = [one for name, one in self.book.items.items() if states[name].status == "accepted"]
        if any(receipt.item_id for receipt in receipts):
            counted = Counter(receipt.item_id for receipt in receipts)
            wanted = Counter(one.item_id for one in ours)
            yield from (
                f"{name} counts {counted[name]} times, not {wanted[name]}"
                for name in counted | wanted
                if counted[name] != wanted[name]
            )
        held, planned = sums(receipts), sums([receipt_of(self.case, one.draft) for one in ours])
        if held != planned:
            yield f"the target holds {held}, planned was {planned}"


_ENDS = {"accepted", "superseded"}


def draft(contract: Contract, customer: str, meter: str, component: str, service: Service, number: Decimal) -> Draft:
    """Return a line of a statement or a difference of usage, as the target takes it."""
    amount = contract.takes == "amount"
    return Draft(
        source=contract.takes,
        customer=customer,
        component=component,
        ordinal=0,
        service=service,
        meter=meter,
        description=f"{meter} tokens",
        quantity=Decimal(1) if amount else number,
        amount=number if amount else None,
        amount_exact=number if amount else None,
        currency="USD" if amount else None,
        period="2026-11",
    )


def item(case: Case, target: Target, one: Draft, place: int, stamp_ns: int | None = None) -> Item:
    """Freeze a draft; it says it happened when its service time began, unless told otherwise."""
    name = item_id("t", target.contract.name, one)
    at_ns = one.service.start_ns if stamp_ns is None else stamp_ns
    return Item(name, place, one, at_ns, target.element(one, name, at_ns, case.mapped(one)))


def receipt_of(case: Case, one: Draft) -> Receipt:
    mapped: Mapped = case.mapped(one)
    customer, meter = next(iter(mapped.customer.values()), ""), next(iter(mapped.meter.values()), "")
    return Receipt(
        "", customer, meter, None if one.source == "amount" else one.quantity, one.amount, one.currency or ""
    )


def sums(receipts: Sequence[Receipt]) -> dict[tuple[str, ...], Decimal]:
    """Add up by customer, and meter or currency; what adds up to nothing is left out."""
    groups: dict[tuple[str, ...], list[Decimal]] = {}
    for one in receipts:
        if one.amount is not None:
            groups.setdefault((one.customer, one.currency), []).append(one.amount)
        if one.quantity is not None:
            groups.setdefault((one.customer, one.meter), []).append(one.quantity)
    return {key: total for key, numbers in groups.items() if (total := exact_sum(numbers))}
