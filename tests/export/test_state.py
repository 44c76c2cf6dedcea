from __future__ import annotations

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tollspan_rater.export.item import item_of, key_of
from tollspan_rater.export.state import PLANNED, Fact, FactKind, fold

KINDS = get_args(FactKind)


def facts(words: str) -> list[Fact]:
    return [Fact("li_1", word, at_ns) for at_ns, word in enumerate(words.split(), 1)]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("words", "status"),
    [
        ("", "waiting"),
        ("sent", "sent"),
        ("sent receipt", "accepted"),
        ("sent rejected", "rejected"),
        ("sent receipt rejected", "rejected"),  # told later
        ("sent rejected receipt", "rejected"),  # told later, and heard before our own receipt was written
        ("sent not_taken", "waiting"),
        ("sent unclear", "sent"),
        ("sent sent not_taken", "sent"),  # the first sending may have been taken
        ("sent unclear sent not_taken", "sent"),
        ("sent absent", "waiting"),
        ("sent held", "held"),
        ("sent held absent", "waiting"),  # a person looked
        ("sent held receipt", "accepted"),
        ("superseded", "superseded"),
        ("sent rejected superseded", "superseded"),
        ("sent receipt sent", "accepted"),
        ("sent receipt absent", "accepted"),
        ("superseded receipt", "superseded"),
    ],
)
def test_where_an_item_stands(words: str, status: str) -> None:
    assert fold(facts(words)).status == status


def test_the_window_begins_with_the_first_sending_that_nobody_answered() -> None:
    state = fold(facts("sent not_taken sent unclear sent"))
    assert (state.first_sent_ns, state.last_sent_ns, state.unanswered, state.tries) == (3, 5, 2, 3)


def test_a_look_that_finds_nothing_begins_anew_with_another_key() -> None:
    state = fold(facts("sent unclear absent sent unclear absent"))
    assert (state.absents, state.unanswered, state.first_sent_ns) == (2, 0, None)
    assert key_of("li_" + "0" * 32, state.absents) == "li_" + "0" * 32 + "_2"
    assert item_of(key_of("li_" + "0" * 32, state.absents)) == "li_" + "0" * 32
    assert key_of("li_1", 0) == "li_1"


def test_that_the_same_key_is_of_no_use_is_forgotten_only_with_the_key() -> None:
    useless = Fact("li_1", "unclear", 2, look_first=True)
    assert fold([*facts("sent"), useless, *facts("sent unclear")]).look_first
    assert not fold([*facts("sent"), useless, *facts("absent")]).look_first


@given(st.lists(st.sampled_from(KINDS), max_size=12))
def test_facts_in_any_order_leave_an_item_somewhere_sensible(words: list[str]) -> None:
    state = fold(facts(" ".join(words)))
    assert state.unanswered >= 0
    assert (state.first_sent_ns is None) == (state.unanswered == 0) or state.at_rest
    assert state.status != "waiting" or state.unanswered == 0
    if "superseded" in words:
        assert state.status == "superseded"
    elif "rejected" in words:
        assert state.status == "rejected"
    elif "receipt" in words:
        assert state.status == "accepted"


def test_an_item_without_facts_is_planned() -> None:
    assert fold([]) == PLANNED
    assert not PLANNED.at_rest
