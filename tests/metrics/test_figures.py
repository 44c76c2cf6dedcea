"""How rows become samples: the largest keep their names, the others are added up, nothing unknown becomes 0."""

from __future__ import annotations

from decimal import Decimal

import pytest
from prometheus_client.metrics_core import Metric

from tollspan_rater.metrics.figures import FIGURES, Asked, Figure, gauge
from tollspan_rater.query.answer import Answer, Cell

ASKED = Asked("usage")
BY_CUSTOMER = {"customer": "customer", "currency": "currency"}
CHARGE = Figure("f", "help", ASKED, "charge", BY_CUSTOMER, capped_by="charge")


def row(customer: str | None, charge: Cell, currency: str | None = "USD") -> dict[str, Cell]:
    return {"customer": customer, "charge": charge, "currency": currency}


def samples(figure: Figure, *rows: dict[str, Cell], most: int = 2) -> dict[tuple[str, ...], float]:
    metric: Metric = gauge(figure, Answer("t", list(rows[0]) if rows else [], rows, 1), most)
    return {tuple(sample.labels.values()): sample.value for sample in metric.samples}


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([], {}),
        ([row("a", "1.5")], {("a", "USD"): 1.5}),
        ([row("a", None)], {}),
        ([row("a", "0")], {("a", "USD"): 0.0}),
        ([row("a", "1", None)], {}),
        ([row(None, "2")], {("unattributed", "USD"): 2.0}),
        (
            [row("a", "1"), row("b", "5"), row("c", "2"), row("d", "1")],
            {("b", "USD"): 5.0, ("c", "USD"): 2.0, ("other", "USD"): 2.0},
        ),
        (
            [row("a", "9"), row("b", "8"), row("c", "2"), row("d", "1", "EUR")],
            {("a", "USD"): 9.0, ("b", "USD"): 8.0, ("other", "USD"): 2.0, ("other", "EUR"): 1.0},
        ),
        ([row("a", "9"), row("b", "8"), row("c", None)], {("a", "USD"): 9.0, ("b", "USD"): 8.0}),
        ([row("other", "9"), row("b", "8"), row("c", "1")], {("other", "USD"): 10.0, ("b", "USD"): 8.0}),
    ],
)
def test_the_largest_keep_their_names(rows: list[dict[str, Cell]], expected: dict[tuple[str, ...], float]) -> None:
    assert samples(CHARGE, *rows) == expected


def test_without_labels_everything_is_one_number_and_nothing_is_zero() -> None:
    assert samples(Figure("f", "help", ASKED, "charge")) == {(): 0.0}
    assert samples(Figure("f", "help", ASKED, "charge"), row("a", 1), row("b", 2), row("c", Decimal("0.5"))) == {
        (): 3.5
    }


def test_what_does_not_add_up_is_left_out() -> None:
    used = Figure("f", "help", ASKED, "charge", {"customer": "customer"}, capped_by="charge", rest=False)
    assert samples(used, row("a", "1"), row("b", "5"), row("c", "2")) == {("b",): 5.0, ("c",): 2.0}


def test_rows_from_a_value_on_are_counted_whether_they_have_names_or_not() -> None:
    full = Figure("f", "help", ASKED, "charge", least=Decimal(80))
    assert samples(full) == {(): 0.0}
    used = ("100", "80", "79.99", None, "250")
    assert samples(full, *(row("a", percent) for percent in used)) == {(): 3.0}


def test_names_are_unique() -> None:
    assert len({figure.name for figure in FIGURES}) == len(FIGURES)
