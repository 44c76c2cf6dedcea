"""What is known of an item: its facts, one after the other, put together to a state. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import reduce
from typing import Final, Literal

FactKind = Literal["sent", "receipt", "rejected", "not_taken", "unclear", "absent", "held", "superseded"]
Status = Literal["waiting", "sent", "accepted", "rejected", "held", "superseded"]


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that happened to an item; only ever appended. ``why`` is a sentence for people.

    ========== ======================================================= ====================================
    kind       what happened                                           what it carries
    ========== ======================================================= ====================================
    sent       it is about to leave, written before it does            ``key``: its idempotency key
    receipt    the target has it                                       ``external_id``: the target's name
    rejected   the target does not want it, at once or told later      ``code`` in the target's words
    not_taken  the target surely did not take this sending             ``not_before_ns`` where it said so
    unclear    nobody knows whether the target took this sending       ``look_first``: the same key is of no use
    absent     a look, or a person, found that the target has it not
    held       only a person can tell whether the target has it
    superseded another item takes its place                            ``by``: that item's id
    ========== ======================================================= ====================================
    """

    item_id: str
    kind: FactKind
    at_ns: int
    key: str = ""
    external_id: str = ""
    code: str = ""
    why: str = ""
    not_before_ns: int | None = None
    look_first: bool = False
    by: str = ""


@dataclass(frozen=True, slots=True)
class State:
    """Where an item stands.

    ``unanswered`` counts the sendings under the present key of which nobody knows the end; the first of them left at
    ``first_sent_ns``. ``absents`` counts the looks that found nothing: each begins a new key. ``tries`` counts the
    sendings since planning or since the last look.
    """

    status: Status = "waiting"
    absents: int = 0
    unanswered: int = 0
    tries: int = 0
    first_sent_ns: int | None = None
    last_sent_ns: int | None = None
    not_before_ns: int | None = None
    look_first: bool = False
    external_id: str = ""
    code: str = ""
    why: str = ""
    by: str = ""

    @property
    def at_rest(self) -> bool:
        """Whether nothing is left to do for the exporter: the target's word is known, or a person must decide."""
        return self.status not in {"waiting", "sent"}


PLANNED: Final = State()
_FINAL: Final[Mapping[FactKind, frozenset[Status]]] = {  # states that a kind of fact does not change any more
    "sent": frozenset({"accepted", "rejected", "superseded"}),
    "receipt": frozenset({"rejected", "superseded"}),  # a rejection by webhook may come before our own receipt
    "rejected": frozenset({"superseded"}),
    "not_taken": frozenset({"accepted", "rejected", "superseded"}),
    "unclear": frozenset({"accepted", "rejected", "superseded"}),
    "absent": frozenset({"accepted", "rejected", "superseded"}),
    "held": frozenset({"accepted", "rejected", "superseded"}),
    "superseded": frozenset(),
}


def fold(facts: Iterable[Fact]) -> State:
    """Put the facts of one item together, in the order in which they were written."""
    return reduce(after, facts, PLANNED)


def after(state: State, fact: Fact) -> State:
    """Return the state after one more fact."""
    return state if state.status in _FINAL[fact.kind] else _AFTER[fact.kind](state, fact)


def _sent(state: State, fact: Fact) -> State:
    return replace(
        state,
        status="sent",
        unanswered=state.unanswered + 1,
        tries=state.tries + 1,
        first_sent_ns=fact.at_ns if state.first_sent_ns is None else state.first_sent_ns,
        last_sent_ns=fact.at_ns,
        not_before_ns=None,
    )


def _receipt(state: State, fact: Fact) -> State:
    return replace(state, status="accepted", unanswered=0, external_id=fact.external_id, code="", why="")


def _rejected(state: State, fact: Fact) -> State:
    return replace(state, status="rejected", unanswered=0, code=fact.code, why=fact.why)


def _not_taken(state: State, fact: Fact) -> State:
    unanswered = max(0, state.unanswered - 1)
    told = replace(state, unanswered=unanswered, not_before_ns=fact.not_before_ns, why=fact.why)
    return told if unanswered else replace(told, status="waiting", first_sent_ns=None)


def _unclear(state: State, fact: Fact) -> State:
    return replace(state, look_first=state.look_first or fact.look_first, code=fact.code, why=fact.why)


def _absent(state: State, fact: Fact) -> State:
    return State(absents=state.absents + 1, why=fact.why)


def _held(state: State, fact: Fact) -> State:
    return replace(state, status="held", why=fact.why)


def _superseded(state: State, fact: Fact) -> State:
    return replace(state, status="superseded", by=fact.by, why=fact.why)


_AFTER: Final[Mapping[FactKind, Callable[[State, Fact], State]]] = {
    "sent": _sent,
    "receipt": _receipt,
    "rejected": _rejected,
    "not_taken": _not_taken,
    "unclear": _unclear,
    "absent": _absent,
    "held": _held,
    "superseded": _superseded,
}
