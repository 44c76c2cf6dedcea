"""What corrections make of calls: case by case."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from tests.domain.test_correction import made, undone
from tests.store.calls import a_call

from tollspan_rater.domain.call import Call
from tollspan_rater.domain.correction import Correction
from tollspan_rater.domain.usage import Usage
from tollspan_rater.extract.correct import amended, corrected, reattributed

A, B, C = "a" * 32 + ":" + "1" * 16, "b" * 32 + ":" + "2" * 16, "c" * 32 + ":" + "3" * 16
CAME = {A: 1, B: 2, C: 9}


def seen(*members: str, call_id: str = "c_1", **over: Any) -> Call:
    return replace(a_call(call_id, tenant="t1", **over), members=members, evidence=members[0])


def said(kind: str, *members: str, position: int = 5, **over: Any) -> Correction:
    return made(over.pop("name", "x"), position, kind=kind, members=members, as_of=over.pop("as_of", 4), **over)


def after(calls: list[Call], *corrections: Correction) -> list[Call]:
    return corrected(calls, corrections, lambda _tenant, member: CAME[member]).calls


@pytest.mark.parametrize(
    ("members", "voids", "counts"),
    [
        ((A,), [said("void", A)], False),
        ((A,), [said("void", B)], True),
        ((A, C), [said("void", A)], False),
        ((C, A), [said("void", A)], False),
        ((A, B), [said("void", A)], True),
        ((B, A), [said("void", A, B)], False),
        ((B,), [said("void", A, B)], False),
        ((A, B), [said("void", A), said("void", B, name="y")], False),
        ((A, B), [said("void", A, as_of=1)], False),
        ((A, B), [said("void", A, as_of=2)], True),
        ((A,), [said("void", A, tenant="t2")], True),
        ((A,), [said("void", A, meter="retrieval")], True),
        ((A,), [said("void", A), undone("u", 6, "x")], True),
    ],
    ids=[
        "the call", "another call", "a later view joined", "a later view represents it", "it is what counted already",
        "both views", "the rest of a call that split", "two void calls are one", "what came after members were read",
        "what came just before",
        "another tenant's", "a unit beside it", "taken back",
    ],
)  # fmt: skip
def test_void(members: tuple[str, ...], voids: list[Correction], counts: bool) -> None:
    call = seen(*members)
    assert after([call], *voids) == ([call] if counts else [])


def test_a_unit_beside_a_call_goes_on_when_the_call_is_void_and_the_other_way_round() -> None:
    call = seen(B, A)
    unit = seen(B, call_id="m_1", kind="unit", meter="searches", quantity=Decimal(2))
    assert after([call, unit], said("void", A, B)) == [unit]
    assert after([call, unit], said("void", A, meter="searches", call_id="m_0")) == [call]


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({"model": "gpt-5"}, {"model": "gpt-5"}),
        ({"provider": None}, {"provider": None}),
        ({"outcome": "failed", "service_tier": "batch"}, {"outcome": "failed", "service_tier": "batch"}),
        ({"started_ns": "1000"}, {"started_ns": 1000, "ended_ns": 1_000_001_000}),
        ({"meter.input": "7"}, {"usage": Usage(input=7, output=350, units={"web_search": Decimal(2)})}),
        ({"meter.output": None}, {"usage": Usage(input=1200, units={"web_search": Decimal(2)})}),
        ({"meter.web_search": "2.5"}, {"usage": Usage(input=1200, output=350, units={"web_search": Decimal("2.5")})}),
        ({"meter.web_search": None}, {"usage": Usage(input=1200, output=350)}),
    ],
)
def test_amend(changes: dict[str, str | None], fields: dict[str, Any]) -> None:
    quality = "amended" if any(name.startswith("meter.") for name in changes) else "exact"
    assert amended(a_call(), changes) == replace(a_call(), **fields, quality=quality, flags=("amended",))


def test_a_part_that_no_longer_fits_becomes_unknown_and_says_so() -> None:
    call = replace(a_call(), usage=Usage(input=100, output=50, reasoning=40))
    found = amended(call, {"meter.output": "30"})
    assert found.usage == Usage(input=100, output=30)
    assert found.flags == ("amended", "reasoning_exceeds_output")
    assert dict(found.details) == {"unfit_parts": "reasoning 40"}


def test_quantities_follow_the_span_that_represented_the_call() -> None:
    [one, other] = after([seen(A), seen(B, call_id="c_2")], said("amend", A, B, changes={"meter.input": "7"}))
    assert (one.usage.input, other.usage.input) == (7, 1200)
    [merged] = after([seen(C, A)], said("amend", A, changes={"meter.input": "7"}))
    assert merged.usage.input == 7


def test_the_quantity_of_a_unit() -> None:
    unit = seen(A, kind="unit", meter="searches", quantity=Decimal(2))
    found = amended(unit, {"meter.searches": "5"})
    assert (found.quantity, found.quality, found.usage) == (Decimal(5), "amended", unit.usage)


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({"customer": "zed"}, {"customer": "zed"}),
        ({"customer": None, "feature": "chat"}, {"customer": None, "feature": "chat"}),
        ({"billable": "false"}, {"billable": False}),
        ({"tags.team": "red", "tags.room": None}, {"tags": (("floor", "3"), ("team", "red"))}),
    ],
)
def test_reattribute(changes: dict[str, str | None], fields: dict[str, Any]) -> None:
    call = replace(a_call(), tags=(("floor", "3"), ("room", "12")))
    assert reattributed(call, changes) == replace(call, **fields, flags=("reattributed",))


def test_a_reattribution_holds_for_all_spans_of_the_call_and_the_last_word_counts() -> None:
    first = said("reattribute", A, B, changes={"customer": "zed", "feature": "f"})
    second = said("reattribute", A, position=6, name="y", changes={"customer": "yak"})
    found = after([seen(A), seen(B, call_id="c_2")], second, first)
    assert [(call.customer, call.feature) for call in found] == [("yak", "f"), ("zed", "f")]


def test_what_the_spans_say_is_kept_for_calls_that_are_corrected_alone() -> None:
    calls = [seen(A), seen(B, call_id="c_2")]
    found = corrected(calls, [said("void", A)], lambda _tenant, member: CAME[member])
    assert (found.calls, found.settled) == (calls[1:], calls[:1])
    untouched = corrected(calls, [said("void", A), undone("u", 6, "x")], lambda _tenant, member: CAME[member])
    assert (untouched.calls, untouched.settled) == (calls, [])
