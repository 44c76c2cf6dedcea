"""Applying a pricing folder at the start of a server."""

from pathlib import Path

import pytest

from tests.server.conftest import Bench
from tollspan_rater.server.pricing import apply_folder
from tollspan_rater.store import state

CARD = "card: c\ncurrency: USD\nper: 1M\nprices:\n  - {input: 2}\n"
PLAN = "plan: p\ncurrency: USD\ncards: [c]\n"
COST = "costs:\n  - provider: openai\n    rates:\n      input: {per_1m: 1.60}\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "pricing"
    made.mkdir()
    (made / "card.yaml").write_text(CARD)
    (made / "plan.yaml").write_text(PLAN)
    return made


def test_an_unchanged_folder_is_not_applied_again_a_changed_one_is(bench: Bench, folder: Path) -> None:
    for text, versions in ((CARD, 1), (CARD, 1), (CARD.replace("2", "3"), 2)):
        (folder / "card.yaml").write_text(text)
        apply_folder(bench.rater, folder, "default", "serve")
        assert len(state.price_versions(bench.rater.database.reader(), "default")) == versions


def test_a_change_of_what_we_pay_alone_is_applied(bench: Bench, folder: Path) -> None:
    apply_folder(bench.rater, folder, "default", "serve")
    (folder / "costs").mkdir()
    (folder / "costs/contract.yaml").write_text(COST)
    apply_folder(bench.rater, folder, "default", "serve")
    applied = state.price_versions(bench.rater.database.reader(), "default")
    assert [sorted(one.files) for one in applied] == [
        ["card.yaml", "plan.yaml"],
        ["card.yaml", "costs/contract.yaml", "plan.yaml"],
    ]
