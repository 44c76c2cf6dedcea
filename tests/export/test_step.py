from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tollspan_rater.export.contract import Contract
from tollspan_rater.export.state import PLANNED, State
from tollspan_rater.export.step import MARGIN_S, SECOND, pause_s, recent, step

HOUR_S, DAY_S = 3600, 86_400
CONTRACT = Contract("depot", "usage", "", dedup_s=DAY_S, settle_s=120, past_s=35 * DAY_S, future_s=300)
NO_LOOK = replace(CONTRACT, looks=False)
FOREVER = replace(CONTRACT, dedup_s=None)
NEVER = replace(CONTRACT, dedup_s=0)
NOW = 1_796_040_000


def sent(ago_s: int, *, tries: int = 1, look_first: bool = False) -> State:
    at_ns = (NOW - ago_s) * SECOND
    return State("sent", unanswered=tries, tries=tries, first_sent_ns=at_ns, last_sent_ns=at_ns, look_first=look_first)


@pytest.mark.parametrize(
    ("state", "contract", "stamp_ago_s", "do", "in_s"),
    [
        (PLANNED, CONTRACT, HOUR_S, "send", None),
        (PLANNED, CONTRACT, 35 * DAY_S, "replan", None),
        (PLANNED, CONTRACT, 35 * DAY_S - MARGIN_S, "replan", None),
        (PLANNED, CONTRACT, 35 * DAY_S - MARGIN_S - 1, "send", None),
        (PLANNED, CONTRACT, -HOUR_S, "send", HOUR_S - 300),  # not before the target takes it
        (PLANNED, replace(CONTRACT, past_s=None, future_s=None), 900 * DAY_S, "send", None),
        (sent(0), CONTRACT, HOUR_S, "send", 2),
        (sent(HOUR_S), CONTRACT, HOUR_S, "send", None),
        (sent(HOUR_S), CONTRACT, 36 * DAY_S, "send", None),  # the target may have it: its time is no matter any more
        (sent(DAY_S - MARGIN_S), CONTRACT, HOUR_S, "look", None),
        (sent(DAY_S - MARGIN_S - 1), CONTRACT, HOUR_S, "send", None),
        (sent(9 * DAY_S), CONTRACT, HOUR_S, "look", None),
        (sent(9 * DAY_S), NO_LOOK, HOUR_S, "hold", None),
        (sent(9 * DAY_S), FOREVER, HOUR_S, "send", None),
        (sent(10), NEVER, HOUR_S, "look", 110),  # what is under way arrives first
        (sent(10, look_first=True), CONTRACT, HOUR_S, "look", 110),
        (sent(10, look_first=True), FOREVER, HOUR_S, "look", 110),
        (sent(10, look_first=True), NO_LOOK, HOUR_S, "hold", None),
        (State("accepted"), CONTRACT, HOUR_S, "rest", None),
        (State("rejected"), CONTRACT, HOUR_S, "rest", None),
        (State("held"), CONTRACT, HOUR_S, "rest", None),
        (State("superseded"), CONTRACT, HOUR_S, "rest", None),
        (State(not_before_ns=(NOW + 7) * SECOND), CONTRACT, HOUR_S, "send", 7),
    ],
)
def test_what_to_do(state: State, contract: Contract, stamp_ago_s: int, do: str, in_s: int | None) -> None:
    found = step((NOW - stamp_ago_s) * SECOND, state, contract, NOW * SECOND)
    assert found.do == do
    assert (found.at_ns > NOW * SECOND) == (in_s is not None)
    assert in_s is None or found.at_ns == (NOW + in_s) * SECOND


@pytest.mark.parametrize(
    ("state", "contract", "stamp_ago_s", "do", "in_s"),
    [
        (State(tries=3, last_sent_ns=NOW * SECOND), CONTRACT, HOUR_S, "send", None),
        (State(tries=3, not_before_ns=(NOW + 7) * SECOND), CONTRACT, HOUR_S, "send", None),
        (State(tries=3, last_sent_ns=NOW * SECOND), CONTRACT, -HOUR_S, "send", HOUR_S - 300),
        (sent(0), CONTRACT, HOUR_S, "send", None),
        (sent(10), NEVER, HOUR_S, "look", 110),  # what is under way arrives first, whoever asks
    ],
)
def test_what_to_do_at_once(state: State, contract: Contract, stamp_ago_s: int, do: str, in_s: int | None) -> None:
    found = step((NOW - stamp_ago_s) * SECOND, state, contract, NOW * SECOND, at_once=True)
    assert (found.do, found.at_ns > NOW * SECOND) == (do, in_s is not None)
    assert in_s is None or found.at_ns == (NOW + in_s) * SECOND


def test_who_is_asked_is_told_what_to_do() -> None:
    found = step(NOW * SECOND, replace(sent(9 * DAY_S, tries=3), why="HTTP 500"), NO_LOOK, NOW * SECOND)
    assert "sent 3 times without an answer (HTTP 500)" in found.why
    assert "--present or --absent" in found.why


def test_pauses_double_up_to_a_quarter_of_an_hour() -> None:
    assert [pause_s(tries) for tries in (0, 1, 2, 3, 9, 10, 10_000)] == [2, 2, 4, 8, 512, 900, 900]


@given(
    ago_s=st.integers(0, 3 * DAY_S),
    dedup_s=st.one_of(st.none(), st.integers(0, 3 * DAY_S)),
    tries=st.integers(1, 5),
    look_first=st.booleans(),
    looks=st.booleans(),
)
def test_nothing_that_may_have_arrived_is_sent_again_outside_the_window(
    ago_s: int, dedup_s: int | None, tries: int, look_first: bool, looks: bool
) -> None:
    contract = replace(CONTRACT, dedup_s=dedup_s, looks=looks)
    found = step(NOW * SECOND, sent(ago_s, tries=tries, look_first=look_first), contract, NOW * SECOND)
    known = dedup_s is None or ago_s < dedup_s - MARGIN_S
    assert found.do == ("send" if known and not look_first else "look" if looks else "hold")


@given(st.integers(0, 10**6), st.integers(0, 10**6))
def test_what_left_the_window_never_comes_back(ago_s: int, more_s: int) -> None:
    contract = replace(CONTRACT, past_s=DAY_S)
    stamp_ns = (NOW - ago_s) * SECOND
    assert recent(stamp_ns, contract, NOW * SECOND) or not recent(stamp_ns, contract, (NOW + more_s) * SECOND)
