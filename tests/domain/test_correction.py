"""Which corrections hold, of those that were made."""

from __future__ import annotations

from typing import Any

import pytest

from tollspan_rater.domain.correction import Correction, in_force


def made(name: str, position: int, **over: Any) -> Correction:
    fields: dict[str, Any] = {
        "tenant": "t1", "correction": name, "call_id": "c_1", "position": position, "at_ns": 1, "actor": "me",
        "kind": "void", "note": "", "as_of": 0, "meter": None, "members": ("a:1", "b:2"),
    }  # fmt: skip
    return Correction(**fields | over)


def undone(name: str, position: int, undoes: str, call_id: str = "c_1") -> Correction:
    return made(name, position, kind="restore", undoes=undoes, call_id=call_id)


@pytest.mark.parametrize(
    ("corrections", "held"),
    [
        ([], []),
        ([made("x", 2), made("y", 1)], ["y", "x"]),
        ([made("x", 1), undone("u", 2, "x")], []),
        ([made("x", 1), made("y", 2), undone("u", 3, "x")], ["y"]),
        ([made("x", 1), made("x", 1, call_id="c_2"), undone("u", 2, "x")], ["x"]),
        ([made("x", 1), undone("u", 2, "x"), made("z", 3)], ["z"]),
        ([made("x", 1), undone("u", 2, "other")], ["x"]),
    ],
    ids=["none", "in order", "taken back", "one of two", "of one call only", "made again", "of nothing"],
)
def test_what_holds(corrections: list[Correction], held: list[str]) -> None:
    assert [one.correction for one in in_force(corrections)] == held
    assert [one.correction for one in in_force(reversed(corrections))] == held


def test_by_which_spans_a_call_is_found() -> None:
    assert made("x", 1).spans == made("x", 1, kind="reattribute").spans == ("a:1", "b:2")
    assert made("x", 1, kind="amend").spans == ("a:1",)
