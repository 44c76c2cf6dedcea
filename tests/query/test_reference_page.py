"""The page on answers names every column that an answer has."""

from __future__ import annotations

from pathlib import Path

import pytest

from query.shop import Shop, card, plan

PAGE = (Path(__file__).parents[2] / "docs/reference/answers.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("question", "asked"),
    [
        ("usage", {}),
        ("usage", {"by": "meter"}),
        ("inexact", {}),
        ("duplicates", {}),
        ("contradictions", {}),
        ("margin", {}),
        ("calls", {}),
        ("usage", {"meter": "input"}),
        ("usage", {"against_plan": "true"}),
        ("allowance", {"all": "true"}),
        ("leakage", {}),
        ("audit", {}),
        ("invoice", {"customer": "a", "period": "2026-11"}),
    ],
)
def test_every_column_is_told(shop: Shop, question: str, asked: dict[str, str]) -> None:
    shop.price({"card.yaml": card([{"input": "1"}]), "plan.yaml": plan("pro", included={"input": "5"})})
    shop.customer("a", plan="pro")
    shop.send(shop.call("2026-11-03T10:00Z", {"input": 9}, customer="a"))
    answer = shop.ask(question, **asked)
    assert [name for name in answer.columns if f"`{name}`" not in PAGE] == []
    for row in answer.rows:
        assert set(answer.columns) <= set(row)
