from __future__ import annotations

from pathlib import Path

import pytest

from tests.export.case import Case, cases
from tests.export.invoice import requests

GOLDEN = Path(__file__).parent / "golden"


@pytest.mark.parametrize("case", cases().values(), ids=lambda case: case.name)
def test_the_requests_of_the_demo_invoice_are_those_written_down(case: Case) -> None:
    written = (GOLDEN / f"{case.name}.txt").read_text(encoding="utf-8")
    assert requests(case) == written, "when this is meant: python -m tests.export --golden"


def test_every_golden_file_is_of_a_target() -> None:
    assert {path.stem for path in GOLDEN.iterdir()} == set(cases())
