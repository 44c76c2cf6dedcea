"""What ``revenue import`` reads and sends."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.cli.conftest import Run
from tests.fake_rater import FakeBackend

ENTRY = {"id": "in_1", "customer": "acme", "day": "2026-11-30", "amount": "99.00", "currency": "USD"}
HEAD = ",".join(ENTRY) + "\n"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("r.csv", HEAD + "in_1,acme,2026-11-30,99.00,USD\n"),
        (
            "r.jsonl",
            '{"id": "in_1", "customer": "acme", "day": "2026-11-30", "amount": 99.00, "currency": "USD"}\n',
        ),
    ],
)
def test_amounts_arrive_as_they_were_written(run: Run, backend: FakeBackend, name: str, text: str) -> None:
    Path(name).write_text(text, encoding="utf-8")
    assert run("revenue", "import", name).exit_code == 0
    ((kind, body, _, _),) = backend.rater.executed
    assert (kind, body) == ("revenue.import", {"entries": [{**ENTRY, "note": ""}]})


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("in_1,acme,30.11.2026,99.00,USD", "r.csv:3: day: "),
        ('in_1,acme,2026-11-30,"1,000.00",USD', "r.csv:3: amount: "),
        ("in_1,acme,2026-11-30,NaN,USD", "r.csv:3: amount: "),
        ("in_1,acme,2026-11-30,99.00,usd", "r.csv:3: currency: "),
        ("in_1,,2026-11-30,99.00,USD", "r.csv:3: customer: "),
        ("in_2,acme,2026-11-30,99.01,USD", "id 'in_2' stands twice"),
    ],
)
def test_a_wrong_row_is_named_and_nothing_is_sent(run: Run, backend: FakeBackend, line: str, said: str) -> None:
    Path("r.csv").write_text(f"{HEAD}in_2,acme,2026-11-30,99.00,USD\n{line}\n", encoding="utf-8")
    result = run("revenue", "import", "r.csv")
    assert (result.exit_code, backend.rater.executed) == (2, [])
    assert said in result.stderr


def test_an_empty_file_is_no_import(run: Run, backend: FakeBackend) -> None:
    Path("r.csv").write_text(HEAD, encoding="utf-8")
    assert run("revenue", "import", "r.csv").exit_code == 2
    assert backend.opened == []
