"""One run of an export: read where each item stands, send what is due, write down what the target said."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from tollspan_rater.domain.clock import Clock
from tollspan_rater.export.book import Book, Tracked
from tollspan_rater.export.item import key_of
from tollspan_rater.export.pace import Pace
from tollspan_rater.export.state import Fact, FactKind, after
from tollspan_rater.export.step import SECOND, step
from tollspan_rater.export.target import (
    Absent,
    Accepted,
    NotTaken,
    Outcome,
    Refused,
    Sending,
    Sight,
    Target,
    Unclear,
)

PAGE: Final = 1_000  # items in memory at a time
STOPPED: Final = "it was told to stop"  # why a run ended that would have had more to do
IN_VAIN: Final = 3  # requests one after the other without any answer of use: then the target is left alone for now


@dataclass(frozen=True, slots=True)
class Figures:
    """How far a run has come. ``later``: items that wait for their time, the first of them until ``next_ns``.

    ``to_plan``: items whose time the target does not take any more, to be planned anew. ``halted`` says why the run
    ended before its end, empty when it did not; ``why`` what became of the last request when it came to nothing.
    """

    requests: int = 0
    accepted: int = 0
    rejected: int = 0
    not_taken: int = 0
    unclear: int = 0
    absent: int = 0
    held: int = 0
    later: int = 0
    to_plan: int = 0
    next_ns: int | None = None
    halted: str = ""
    why: str = ""


class Exporter:
    """Hands the items of a book over to a target, each exactly once however often it is killed.

    Before a request leaves, the fact ``sent`` of each of its items is durable; what the target says is written down
    after it. ``stop`` is asked between requests, ``tell`` hears the figures after each. ``at_once``: what waits after a
    try in vain is tried without waiting for its time.
    """

    def __init__(
        self,
        book: Book,
        target: Target,
        clock: Clock,
        pace: Pace,
        stop: Callable[[], bool] = lambda: False,
        tell: Callable[[Figures], None] = lambda _figures: None,
        *,
        at_once: bool = False,
    ) -> None:
        self._book, self._target, self._clock, self._pace = book, target, clock, pace
        self._stop, self._tell, self._at_once = stop, tell, at_once
        self._counts: Counter[str] = Counter()
        self._next_ns: int | None = None
        self._halted = self._why = ""
        self._in_vain = 0
        self._alone: set[str] = set()  # refused together with others: who is at fault shows when each goes alone

    def run(self) -> Figures:
        """Do what is due now with every item, and return what came of it."""
        place = -1
        while not self._halted and (page := self._book.open(place, PAGE)):
            place = page[-1].item.place
            self._do(deque(page))
        return self.figures()

    def figures(self) -> Figures:
        """Return how far it has come."""
        return Figures(**self._counts, next_ns=self._next_ns, halted=self._halted, why=self._why)

    def _do(self, waiting: deque[Tracked]) -> None:
        batch: list[Tracked] = []
        while (waiting or batch) and not self._halted:
            one = waiting.popleft() if waiting else None
            if one is not None and not self._to_send(one, waiting):
                continue
            if batch and (one is None or self._apart(batch, one)):
                self._send(batch, waiting)
                batch = []
            batch += [] if one is None else [one]

    def _apart(self, batch: Sequence[Tracked], one: Tracked) -> bool:
        """Tell whether an item has to go with another request than those before it."""
        contract, last = self._target.contract, batch[-1]
        alone = not self._alone.isdisjoint({one.item.item_id, last.item.item_id})
        differs = any(one.item.element.get(name) != last.item.element.get(name) for name in contract.together)
        return alone or differs or len(batch) >= contract.batch

    def _to_send(self, one: Tracked, waiting: deque[Tracked]) -> bool:
        """Tell whether an item is to be sent now; do what else is to be done with it."""
        now_ns = self._clock.now_ns()
        due = step(one.item.stamp_ns, one.state, self._target.contract, now_ns, at_once=self._at_once)
        if due.do == "replan":
            self._counts["to_plan"] += 1
        elif due.do == "hold":
            self._write([one], [Fact(one.item.item_id, "held", now_ns, why=due.why)])
            self._counts["held"] += 1
        elif due.at_ns > now_ns:
            self._counts["later"] += 1
            self._next_ns = min(due.at_ns, self._next_ns or due.at_ns)
        elif due.do == "look":
            self._look(one, waiting)
        else:
            return due.do == "send"
        return False

    def _send(self, batch: Sequence[Tracked], waiting: deque[Tracked]) -> None:
        if not self._may_ask():
            return
        now_ns = self._clock.now_ns()
        gone = self._write(batch, [Fact(one.item.item_id, "sent", now_ns, key=_key(one)) for one in batch])
        outcomes = self._believed(batch, self._target.send([_sending(one, now_ns) for one in gone]))
        now_ns = self._clock.now_ns()
        facts = [_fact(one, outcome, now_ns) for one, outcome in zip(gone, outcomes, strict=True)]
        known = self._write(gone, facts)
        self._hear(outcomes)
        self._counts.update(_COUNTED[fact.kind] for fact in facts)
        waiting.extendleft(one for one, outcome in _backwards(known, outcomes) if _at_once(outcome))
        self._tell(self.figures())

    def _believed(self, batch: Sequence[Tracked], outcomes: Sequence[Outcome]) -> Sequence[Outcome]:
        """Return the outcomes; of a batch that was refused whole, that each is to be sent alone: one is at fault."""
        if len(batch) == 1:
            return [_later(outcome) for outcome in outcomes]
        if self._target.contract.all_or_nothing and all(isinstance(outcome, Refused) for outcome in outcomes):
            outcomes = [NotTaken(outcome.why, after_s=0) for outcome in outcomes if isinstance(outcome, Refused)]
        if all(_at_once(outcome) for outcome in outcomes):
            self._alone.update(one.item.item_id for one in batch)
        return outcomes

    def _look(self, one: Tracked, waiting: deque[Tracked]) -> None:
        if not self._may_ask():
            return
        sight = self._target.look(_sending(one, self._clock.now_ns()))
        self._hear([sight])
        if isinstance(sight, Unclear):
            self._counts["unclear"] += 1
        else:
            fact = _seen(one, sight, self._clock.now_ns())
            self._counts[_COUNTED[fact.kind]] += 1
            known = self._write([one], [fact])
            waiting.extendleft(known if isinstance(sight, Absent) else [])
        self._tell(self.figures())

    def _may_ask(self) -> bool:
        """Wait for the target's pace; False ends the run."""
        if self._stop():
            self._halted = STOPPED
        elif not self._pace.ready():
            self._halted = f"{self._target.contract.name} asked for a pause"
            self._next_ns = min(self._pace.open_ns, self._next_ns or self._pace.open_ns)
        self._counts["requests"] += not self._halted
        return not self._halted

    def _hear(self, answers: Sequence[Outcome | Sight]) -> None:
        """Keep to the pause that was asked for, and end the run when nothing of use comes back any more."""
        for answer in answers:
            if isinstance(answer, NotTaken) and answer.after_s:
                self._pace.rest(answer.after_s)
        useless = all(
            isinstance(answer, Unclear) or (isinstance(answer, NotTaken) and not _at_once(answer)) for answer in answers
        )
        self._in_vain = self._in_vain + 1 if useless else 0
        self._why = answers[0].why if useless and isinstance(answers[0], Unclear | NotTaken) else ""
        if self._in_vain >= IN_VAIN:
            self._halted = f"{self._target.contract.name} took nothing {IN_VAIN} times in a row: {self._why}"

    def _write(self, batch: Sequence[Tracked], facts: Sequence[Fact]) -> list[Tracked]:
        """Make one fact of each item durable, and return the items as they stand then."""
        self._book.append(facts)
        return [replace(one, state=after(one.state, fact)) for one, fact in zip(batch, facts, strict=True)]


_COUNTED: Final[dict[FactKind, str]] = {
    "receipt": "accepted",
    "rejected": "rejected",
    "not_taken": "not_taken",
    "unclear": "unclear",
    "absent": "absent",
}


def _key(one: Tracked) -> str:
    return key_of(one.item.item_id, one.state.absents)


def _sending(one: Tracked, now_ns: int) -> Sending:
    since_ns = now_ns if one.state.first_sent_ns is None else one.state.first_sent_ns
    return Sending(one.item.item_id, _key(one), one.item.element, since_ns)


def _at_once(outcome: Outcome) -> bool:
    """Tell whether a target that did not take an item has nothing against it: others of its batch were at fault."""
    return isinstance(outcome, NotTaken) and outcome.after_s == 0


def _later(outcome: Outcome) -> Outcome:
    """Give up on "at once" for an item that went alone: no other can be at fault."""
    return NotTaken(outcome.why) if isinstance(outcome, NotTaken) and _at_once(outcome) else outcome


def _fact(one: Tracked, outcome: Outcome, now_ns: int) -> Fact:
    """Turn what a target said of a sending into a fact.

    A refusal says nothing of an earlier sending that was never answered: that one may have been taken.
    """
    item_id = one.item.item_id
    match outcome:
        case Accepted():
            return Fact(item_id, "receipt", now_ns, external_id=outcome.external_id)
        case Refused() if one.state.unanswered > 1:
            return Fact(item_id, "unclear", now_ns, code=outcome.code, why=outcome.why, look_first=True)
        case Refused():
            return Fact(item_id, "rejected", now_ns, code=outcome.code, why=outcome.why)
        case NotTaken():
            again_ns = None if outcome.after_s is None else now_ns + outcome.after_s * SECOND
            return Fact(item_id, "not_taken", now_ns, why=outcome.why, not_before_ns=again_ns)
        case Unclear():
            return Fact(item_id, "unclear", now_ns, why=outcome.why, look_first=outcome.look_first)


def _seen(one: Tracked, sight: Accepted | Refused | Absent, now_ns: int) -> Fact:
    item_id = one.item.item_id
    match sight:
        case Accepted():
            return Fact(item_id, "receipt", now_ns, external_id=sight.external_id)
        case Refused():
            return Fact(item_id, "rejected", now_ns, code=sight.code, why=sight.why)
        case Absent():
            return Fact(item_id, "absent", now_ns, why="the target was asked and does not have it")


def _backwards(known: Sequence[Tracked], outcomes: Sequence[Outcome]) -> Iterator[tuple[Tracked, Outcome]]:
    return reversed(list(zip(known, outcomes, strict=True)))
