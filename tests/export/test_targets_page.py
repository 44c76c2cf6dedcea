"""The table of docs/reference/export-targets.md says what the contracts say."""

from __future__ import annotations

import re
from pathlib import Path

import httpx
import pytest

from tests.export.case import Case, cases
from tests.export.invoice import NOON_NS
from tollspan_rater.domain.clock import FixedClock
from tollspan_rater.export.contract import Contract
from tollspan_rater.export.target import Wanted

PAGE = (Path(__file__).parents[2] / "docs/reference/export-targets.md").read_text(encoding="utf-8")
SIDE_BY_SIDE = PAGE.partition("\n## Side by side\n")[2].partition("\n## ")[0]
ROWS = {one[1]: one[2].split(" | ") for one in re.finditer(r"^\| `([a-z-]+)` \| (.+) \|$", SIDE_BY_SIDE, re.MULTILINE)}

COMPARED = {"entries": "each entry", "ids": "each of our ids", "sums": "sums", "nothing": "what it accepted"}


def row(contract: Contract) -> list[str]:
    """Return the cells of a target's row."""
    rate = "" if contract.per_second is None else f", {contract.per_second:g} a second"
    remembered = "for ever" if contract.dedup_s is None else _span(contract.dedup_s)
    oldest = "any" if contract.past_s is None else _span(contract.past_s)
    return [
        "amounts" if contract.takes == "amount" else "usage",
        f"{contract.batch:,}{rate}",
        remembered,
        f"{contract.settle_s} s" if contract.looks else "cannot be asked",
        f"{oldest}, then now" if contract.past_s is not None and contract.late == "next" else oldest,
        "line" if contract.takes == "amount" else contract.bucket,
        contract.negative,
        COMPARED[contract.compares],
    ]


def _span(seconds: int) -> str:
    if seconds == 0:
        return "never"
    return f"{seconds // 86_400} days" if seconds > 86_400 else f"{seconds // 3_600} h"


@pytest.mark.parametrize("name", sorted(ROWS.keys() & cases().keys()))
def test_a_row_says_what_the_contract_says(name: str) -> None:
    silent = httpx.MockTransport(lambda _request: httpx.Response(500))
    assert ROWS[name] == row(cases()[name].target(silent, FixedClock(NOON_NS)).contract)


@pytest.mark.parametrize("case", cases().values(), ids=lambda case: case.name)
def test_what_is_compared_is_what_can_be_asked(case: Case) -> None:
    target = case.target(httpx.MockTransport(lambda _request: httpx.Response(500)), FixedClock(NOON_NS))
    held = target.held(Wanted(case.customers["acme"], {"meter": "m", **case.meters.get("input", {})}, 0, 1, "USD"))
    assert (held is None) == (target.contract.compares == "nothing")


@pytest.mark.parametrize("name", sorted(ROWS))
def test_every_target_of_the_table_has_its_section(name: str) -> None:
    assert re.search(rf"^## {name}$", PAGE, re.MULTILINE) or f"`{name}` sends" in PAGE
