from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import Decimal

import pytest

from tests.export.book import MemoryBook
from tollspan_rater.domain.clock import FixedClock
from tollspan_rater.export import exporter
from tollspan_rater.export.contract import Contract
from tollspan_rater.export.draft import Draft, Service
from tollspan_rater.export.exporter import Exporter, Figures
from tollspan_rater.export.item import Item
from tollspan_rater.export.pace import SECOND, Pace
from tollspan_rater.export.state import Fact
from tollspan_rater.export.target import (
    Absent,
    Accepted,
    Element,
    Held,
    Mapped,
    NotTaken,
    Outcome,
    Refused,
    Sending,
    Sight,
    Unclear,
    Wanted,
)

NOW_NS = 1_796_040_000 * SECOND
CONTRACT = Contract("depot", "usage", "", batch=10, dedup_s=86_400, settle_s=120, past_s=35 * 86_400)
Says = Callable[[Sequence[str]], Sequence[Outcome]]


def named(keys: Sequence[str]) -> Sequence[Outcome]:
    return [Accepted(f"ext_{key}") for key in keys]


class Scripted:
    """A target that says what a test wants, and remembers what it was asked."""

    def __init__(self, contract: Contract, says: Says, sees: Sight) -> None:
        self.contract, self._says, self._sees = contract, says, sees
        self.sent: list[list[str]] = []
        self.looked: list[Sending] = []

    def element(self, draft: Draft, item_id: str, stamp_ns: int, mapped: Mapped) -> Element:
        return {}

    def send(self, sendings: Sequence[Sending]) -> Sequence[Outcome]:
        self.sent.append([one.key for one in sendings])
        return self._says([one.key for one in sendings])

    def look(self, sending: Sending) -> Sight:
        self.looked.append(sending)
        return self._sees

    def held(self, wanted: Wanted) -> Held | None:
        return None

    def close(self) -> None:
        return None


class Rig:
    """An export of some items to a scripted target."""

    def __init__(
        self, says: Says = named, contract: Contract = CONTRACT,
        items: int = 3, sees: Sight = Absent(),  # noqa: B008 - frozen
    ) -> None:  # fmt: skip
        self.clock, self.book = FixedClock(NOW_NS), MemoryBook()
        self.target = Scripted(contract, says, sees)
        self.book.plan([item(number) for number in range(items)])
        self.told: list[Figures] = []
        self.stopped = False

    def run(self) -> Figures:
        pace = Pace(None, self.clock, self.sleep)
        return Exporter(self.book, self.target, self.clock, pace, lambda: self.stopped, self.told.append).run()

    def sleep(self, seconds: float) -> None:
        self.clock.set(self.clock.now_ns() + int(seconds * SECOND))

    def later(self, seconds: float) -> Rig:
        self.sleep(seconds)
        return self

    def facts(self, item_id: str) -> list[str]:
        return [fact.kind for fact in self.book.facts if fact.item_id == item_id]


def item(number: int, to: str = "a") -> Item:
    service = Service("h", "UTC", NOW_NS, NOW_NS + 3600 * SECOND)
    draft = Draft("usage", "acme", f"c{number}", 0, service, "input", "", Decimal(1))
    return Item(f"i{number}", number, draft, NOW_NS, {"to": to})


def always(outcome: Outcome) -> Says:
    return lambda keys: [outcome] * len(keys)


def test_what_is_sent_is_written_down_before_it_leaves() -> None:
    rig = Rig()

    def says(keys: Sequence[str]) -> Sequence[Outcome]:
        assert [rig.facts(key) for key in keys] == [["sent"]] * 3
        return [Accepted()] * 3

    rig.target._says = says
    assert rig.run() == Figures(requests=1, accepted=3)
    assert rig.facts("i0") == ["sent", "receipt"]
    assert rig.run() == Figures()


def test_batches_are_full_and_in_order() -> None:
    rig = Rig(contract=replace(CONTRACT, batch=2), items=5)
    assert rig.run().requests == 3
    assert rig.target.sent == [["i0", "i1"], ["i2", "i3"], ["i4"]]


def test_what_must_agree_within_a_request_does() -> None:
    rig = Rig(contract=replace(CONTRACT, together=("to",)), items=0)
    rig.book.plan([item(0, "a"), item(1, "a"), item(2, "b"), item(3, "a")])
    rig.run()
    assert rig.target.sent == [["i0", "i1"], ["i2"], ["i3"]]


def test_items_are_read_page_by_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exporter, "PAGE", 2)
    rig = Rig(items=5)
    assert rig.run() == Figures(requests=3, accepted=5)


def test_the_name_that_the_target_gives_is_kept() -> None:
    rig = Rig(items=1)
    rig.run()
    assert rig.book.state("i0").external_id == "ext_i0"


def test_a_refusal_is_final() -> None:
    rig = Rig(always(Refused("bad", "it is bad")))
    assert rig.run() == Figures(requests=1, rejected=3)
    assert rig.later(9 * 86_400).run() == Figures()
    assert (rig.book.state("i0").code, rig.book.state("i0").why) == ("bad", "it is bad")


def test_a_refusal_says_nothing_of_an_earlier_sending() -> None:
    rig = Rig(always(Unclear("timed out")), items=1, sees=Accepted("ext"))
    rig.run()
    rig.target._says = always(Refused("too_old", "too old"))
    rig.later(60).run()
    assert rig.facts("i0") == ["sent", "unclear", "sent", "unclear"]
    assert rig.later(200).run() == Figures(requests=1, accepted=1)
    assert rig.target.looked[0].since_ns == NOW_NS


def test_an_item_that_is_not_there_is_sent_again_at_once_with_another_key() -> None:
    rig = Rig(always(Unclear("HTTP 500", look_first=True)), items=1)
    rig.run()
    rig.target._says = always(Accepted())
    assert rig.later(121).run() == Figures(requests=2, absent=1, accepted=1)
    assert rig.target.sent == [["i0"], ["i0_1"]]
    assert rig.facts("i0") == ["sent", "unclear", "absent", "sent", "receipt"]


def test_a_look_that_shows_a_rejection() -> None:
    rig = Rig(always(Unclear("", look_first=True)), items=1, sees=Refused("bad", "bad"))
    rig.run()
    assert rig.later(121).run() == Figures(requests=1, rejected=1)


def test_a_look_without_an_answer_changes_nothing() -> None:
    rig = Rig(always(Unclear("", look_first=True)), items=1, sees=Unclear("HTTP 500"))
    rig.run()
    assert rig.later(121).run() == Figures(requests=1, unclear=1, why="HTTP 500")
    assert rig.facts("i0") == ["sent", "unclear"]


def test_one_that_cannot_be_asked_for_is_held() -> None:
    rig = Rig(always(Unclear("timed out")), replace(CONTRACT, looks=False), items=1)
    rig.run()
    assert rig.later(86_400).run() == Figures(held=1)
    assert "timed out" in rig.book.state("i0").why
    assert rig.run() == Figures()
    rig.book.append([Fact("i0", "absent", rig.clock.now_ns(), why="a person looked")])
    rig.target._says = always(Accepted())
    assert rig.run() == Figures(requests=1, accepted=1)
    assert rig.target.sent == [["i0"], ["i0_1"]]


def test_what_is_not_taken_waits_longer_and_longer() -> None:
    rig = Rig(always(NotTaken("HTTP 403")), items=1)
    rig.run()
    assert rig.run() == Figures(later=1, next_ns=NOW_NS + 2 * SECOND)
    assert rig.later(2).run() == Figures(requests=1, not_taken=1, why="HTTP 403")
    assert rig.run() == Figures(later=1, next_ns=NOW_NS + 6 * SECOND)


def test_a_target_that_asks_for_a_pause_gets_it() -> None:
    rig = Rig(lambda keys: [NotTaken("HTTP 429", 7)] if keys == ["i0"] else [Accepted()], replace(CONTRACT, batch=1))
    assert rig.run() == Figures(requests=3, not_taken=1, accepted=2)
    assert rig.clock.now_ns() == NOW_NS + 7 * SECOND


def test_a_long_pause_ends_the_run() -> None:
    rig = Rig(always(NotTaken("HTTP 429", 3600)), replace(CONTRACT, batch=1))
    figures = rig.run()
    assert (figures.requests, figures.next_ns) == (1, NOW_NS + 3600 * SECOND)
    assert figures.halted == "depot asked for a pause"


def test_neighbours_of_the_one_at_fault_are_sent_again_at_once() -> None:
    def says(keys: Sequence[str]) -> Sequence[Outcome]:
        if "i1" not in keys:
            return [Accepted()] * len(keys)
        return [Refused("bad", "") if key == "i1" else NotTaken("others", after_s=0) for key in keys]

    rig = Rig(says, items=4)
    assert rig.run() == Figures(requests=2, accepted=3, rejected=1, not_taken=3)
    assert rig.target.sent == [["i0", "i1", "i2", "i3"], ["i0", "i2", "i3"]]


@pytest.mark.parametrize("answer", [Refused("bad", "one is bad"), NotTaken("one is bad", after_s=0)])
def test_a_batch_refused_whole_is_sent_one_by_one_to_find_the_one_at_fault(answer: Outcome) -> None:
    def says(keys: Sequence[str]) -> Sequence[Outcome]:
        return [Refused("bad", "") if keys == ["i1"] else answer if "i1" in keys else Accepted()] * len(keys)

    rig = Rig(says, replace(CONTRACT, all_or_nothing=True), items=3)
    figures = rig.run()
    assert (figures.accepted, figures.rejected) == (2, 1)
    assert rig.target.sent == [["i0", "i1", "i2"], ["i0"], ["i1"], ["i2"]]


def test_one_that_goes_alone_and_is_not_taken_waits_like_any_other() -> None:
    rig = Rig(always(NotTaken("not now", after_s=0)), items=1)
    assert rig.run() == Figures(requests=1, not_taken=1, why="not now")
    assert rig.run().later == 1


@pytest.mark.parametrize("useless", [Unclear("HTTP 502"), NotTaken("connection refused")])
def test_a_target_that_does_not_answer_is_left_alone(useless: Outcome) -> None:
    rig = Rig(always(useless), replace(CONTRACT, batch=1), items=9)
    figures = rig.run()
    assert figures.requests == 3
    assert figures.halted.startswith("depot took nothing 3 times in a row: ")


def test_why_a_single_request_came_to_nothing_is_told_until_one_is_answered() -> None:
    rig = Rig(always(NotTaken("connection refused")), items=2)
    figures = rig.run()
    assert (figures.requests, figures.halted, figures.why) == (1, "", "connection refused")
    rig.target._says = named
    assert rig.later(600).run().why == ""


def test_what_left_its_window_is_to_be_planned_anew() -> None:
    rig = Rig(items=2)
    assert rig.later(35 * 86_400).run() == Figures(to_plan=2)
    assert rig.target.sent == []


def test_it_stops_between_requests() -> None:
    rig = Rig(contract=replace(CONTRACT, batch=1))

    def says(keys: Sequence[str]) -> Sequence[Outcome]:
        rig.stopped = True
        return [Accepted()]

    rig.target._says = says
    figures = rig.run()
    assert (figures.requests, figures.accepted, figures.halted) == (1, 1, "it was told to stop")
    assert rig.facts("i1") == []


def test_the_figures_are_told_after_each_request() -> None:
    rig = Rig(contract=replace(CONTRACT, batch=1))
    rig.run()
    assert [one.accepted for one in rig.told] == [1, 2, 3]
