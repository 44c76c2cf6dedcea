"""What ``pricing simulate`` asks, reads, prints and draws."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.cli.conftest import Run
from tests.fake_rater import FakeBackend

from tollspan_rater.cli.chart import Bar, Panel, panels, text_lines
from tollspan_rater.cli.chart_file import html, svg
from tollspan_rater.query.answer import Answer, Cell

CARD = "card: c\ncurrency: USD\nper: 1M\nprices:\n  - {tokens: 0}\n"
FLAT = CARD + "---\nplan: flat\ncurrency: USD\ncards: [c]\nbase_fee: 99\n"
LOW = FLAT.replace("99", "19")


def total(scenario: str, revenue: str, cost: str | None, margin: str | None) -> dict[str, Cell]:
    row: dict[str, Cell] = {"part": "scenario", "scenario": scenario, "currency": "USD", "revenue": Decimal(revenue)}
    return row | {name: text and Decimal(text) for name, text in (("cost", cost), ("margin", margin))}


def mover(customer: str, difference: str) -> dict[str, Cell]:
    return {
        "part": "customer", "scenario": "new", "currency": "USD", "customer": customer,
        "difference": Decimal(difference),
    }  # fmt: skip


ANSWER = Answer("Simulation", ("part", "scenario"), [
    total("old", "100.00", "30", "70"), total("new", "50.00", "80.004", "-30.004"),
    mover("acme", "-60.00"), mover("<b>", "10.00"), mover("same", "0.00"),
], 7, notes=("a note & more",))  # fmt: skip


@pytest.fixture
def folders() -> None:
    for name, text in (("flat", FLAT), ("low", LOW)):
        Path(name).mkdir()
        Path(name, "a.yaml").write_text(text, encoding="utf-8")


@pytest.mark.usefixtures("folders")
def test_past_usage_is_asked_for(run: Run, backend: FakeBackend) -> None:
    backend.rater.answers["pricing.simulate"] = ANSWER
    result = run("pricing", "simulate", "flat", "low", "--plan", "p", "--plan", "q", "--against", "2026-10")
    assert result.exit_code == 0, result.output
    sent = json.dumps({"flat": {"a.yaml": FLAT}, "low": {"a.yaml": LOW}})
    assert backend.rater.asked == [
        ("pricing.simulate", {"folders": sent, "plan": "p,q", "against": "2026-10"}, "default")
    ]
    assert "Scenarios" in result.stdout
    assert "\N{FULL BLOCK}" not in result.stdout  # bars are for terminals


@pytest.mark.usefixtures("folders")
@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("u.csv", "customer,model,calls,input,output\nacme,gpt-4.1,2,100,\n"),
        ("u.jsonl", '{"customer": "acme", "model": "gpt-4.1", "calls": 2, "input": 100, "output": null}\n\n'),
    ],
)
def test_a_usage_file_needs_no_data_folder(run: Run, backend: FakeBackend, name: str, text: str) -> None:
    Path(name).write_text(text, encoding="utf-8")
    result = run("pricing", "simulate", "flat", "low", "--usage", name, "--against", "2026-10", "--format", "json")
    assert result.exit_code == 0, result.output
    rows = {row["scenario"]: row for row in json.loads(result.stdout) if row["part"] == "customer"}
    assert (rows["flat"]["revenue"], rows["low"]["revenue"], rows["low"]["difference"]) == ("99.00", "19.00", "-80.00")
    assert (backend.opened, rows["low"]["period"]) == ([], "2026-10")


@pytest.mark.usefixtures("folders")
@pytest.mark.parametrize(
    ("name", "text", "arguments", "said"),
    [
        ("u.csv", "input\n1,2\n", ["flat"], "u.csv:2: more cells"),
        ("u.csv", "input\n1\n", [], "needs a pricing FOLDER"),
        ("u.csv", "input\nx\n", ["flat"], "u.csv:2: input is 'x'"),
        ("u.jsonl", "[1]\n", ["flat"], "u.jsonl:1: a JSON object is needed"),
        ("u.jsonl", "{\n", ["flat"], "u.jsonl:1: this is no JSON"),
        ("u.txt", "", ["flat"], ".csv or a .jsonl"),
        ("u.csv", "input\n1\n", ["flat", "--chart", "c.png"], ".svg or a .html"),
        ("u.csv", "input\n1\n", ["flat", "--chart", "no/c.svg"], "Name another place"),
    ],
)
def test_what_cannot_be_used_is_named(
    run: Run, backend: FakeBackend, name: str, text: str, arguments: list[str], said: str
) -> None:
    Path(name).write_text(text, encoding="utf-8")
    result = run("pricing", "simulate", *arguments, "--usage", name)
    assert (result.exit_code, backend.opened) == (2, [])
    assert said in result.stderr


@pytest.mark.usefixtures("folders")
def test_a_chart_is_written(run: Run) -> None:
    Path("u.csv").write_text("input\n1\n", encoding="utf-8")
    for name in ("c.svg", "c.html"):
        assert run("pricing", "simulate", "flat", "low", "--usage", "u.csv", "--chart", name).exit_code == 0
        assert "99.00" in Path(name).read_text(encoding="utf-8")


def test_panels_show_totals_and_who_moves_most() -> None:
    first, moves = panels(ANSWER)
    assert [(bar.label, bar.figure) for bar in first.bars] == [
        ("old: revenue", "100.00"), ("old: cost", "30.00"), ("old: margin", "70.00"),
        ("new: revenue", "50.00"), ("new: cost", "80.00"), ("new: margin", "-30.00"),
    ]  # fmt: skip
    assert [(bar.label, bar.tone) for bar in moves.bars] == [("<b>", "more"), ("acme", "less")]
    lines = list(text_lines(ANSWER))
    assert lines[2] == "  old: revenue  " + "\N{FULL BLOCK}" * 40 + " 100.00"
    assert lines[7] == "  new: margin   " + "\N{LIGHT SHADE}" * 12 + " -30.00"


def test_an_unknown_cost_has_no_bar() -> None:
    answer = Answer("S", ("part",), [total("old", "1.00", None, None)], 7)
    assert [bar.label for bar in panels(answer)[0].bars] == ["old: revenue"]


def test_the_picture_is_well_formed_and_names_are_escaped() -> None:
    picture = ET.fromstring(svg(ANSWER))  # noqa: S314 - the text is our own
    labels = [element.text for element in picture.iter("{http://www.w3.org/2000/svg}text")]
    assert "<b>" in labels
    page = html(ANSWER)
    assert "<b>" not in page.replace("&lt;b&gt;", "")
    assert "a note &amp; more" in page
    assert "<script" not in page


@given(st.lists(st.decimals(-(10**12), 10**12, places=6), min_size=1, max_size=6))
def test_bars_are_as_long_as_their_amounts(amounts: list[Decimal]) -> None:
    panel = Panel("p", tuple(Bar(str(number), amount, "USD", "revenue") for number, amount in enumerate(amounts)))
    for bar in panel.bars:
        length = panel.length(bar, 40)
        assert (length == 0) == (not bar.amount)
        assert length in {0, 1} or length <= abs(bar.amount) * 40 / panel.most < length + 1
