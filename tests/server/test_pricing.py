"""Applying a pricing folder at the start of a server."""

from pathlib import Path

import pytest

from tests.server.conftest import DAY, Bench
from tollspan_rater.errors import PricingError
from tollspan_rater.query.rater import Receipt
from tollspan_rater.server.pricing import apply_folder, check_pricing
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


def apply(bench: Bench, text: str, since: str | None = None, **more: str) -> Receipt:
    day = {} if since is None else {"valid_from": since}
    files = {"card.yaml": text, "plan.yaml": PLAN, **more}
    return bench.rater.execute("pricing.apply", {"files": files, **day}, tenant="default", actor="cli:me")


def test_a_folder_that_changed_while_nobody_can_be_asked_holds_from_today_on(bench: Bench, folder: Path) -> None:
    apply_folder(bench.rater, folder, "default", "serve")
    (folder / "card.yaml").write_text(CARD.replace("2", "3"))
    apply_folder(bench.rater, folder, "default", "serve")
    first, second = state.price_versions(bench.rater.database.reader(), "default")
    midnight = bench.clock.now_ns() // DAY * DAY  # the configured zone is UTC
    assert (first.valid_from_ns, second.valid_from_ns) == (0, midnight)


def test_prices_that_hold_already_are_not_applied_again(bench: Bench) -> None:
    first = apply(bench, CARD)
    again = apply(bench, "# a comment\n" + CARD, "2026-11-01")
    assert (again.position, again.body["unchanged"]) == (first.position, True)
    assert len(state.price_versions(bench.rater.database.reader(), "default")) == 1
    changed = apply(bench, CARD.replace("2", "3"), "2026-11-01")
    assert apply(bench, CARD, "2026-10-31").body.get("unchanged")
    back = apply(bench, CARD, "2026-11-01")  # there and back again
    assert first.position < changed.position < back.position
    assert "unchanged" not in back.body


def test_a_contract_alone_makes_a_version(bench: Bench) -> None:
    first = apply(bench, CARD)
    assert apply(bench, CARD, **{"costs/c.yaml": COST}).position > first.position


def test_a_version_keeps_who_when_why_and_its_files(bench: Bench) -> None:
    body = {"files": {"card.yaml": CARD, "plan.yaml": PLAN}, "valid_from": "2026-12-01", "note": "winter"}
    bench.rater.execute("pricing.apply", body, tenant="default", actor="cli:me")
    (row,) = bench.rater.ask("pricing.show", {}, tenant="default").rows
    assert (row["author"], row["note"], row["valid_from"]) == ("cli:me", "winter", "2026-12-01T00:00:00.000000Z")
    assert row["files"] == ["card.yaml", "plan.yaml"]


@pytest.mark.parametrize(
    ("more", "said"),
    [({"b.yaml": "card: d"}, "b.yaml:1"), ({"costs/c.yaml": "costs: 1"}, "costs/c.yaml:1"), ({"c.yaml": PLAN}, "two")],
)
def test_nothing_is_applied_by_half(bench: Bench, more: dict[str, str], said: str) -> None:
    with pytest.raises(PricingError, match=said):
        apply(bench, CARD, **more)
    assert state.price_versions(bench.rater.database.reader(), "default") == []


def test_a_check_reports_contracts_beside_cards() -> None:
    answer = check_pricing({"a.yaml": CARD.replace("input", "inptu"), "costs/c.yaml": "costs: 1", "p.yaml": PLAN})
    assert {(row["file"], row["line"]) for row in answer.rows} == {("a.yaml", 5), ("costs/c.yaml", 1)}
    assert not answer.ok
    assert check_pricing({"a.yaml": CARD, "p.yaml": PLAN}).ok


def test_a_plan_that_no_applied_price_version_has_is_told_at_once(bench: Bench) -> None:
    def given(plan: str) -> Receipt:
        return bench.rater.execute("customer.set", {"customer": "acme", "plan": plan}, tenant="default", actor="cli:me")

    assert given("p").body["no_such_plan_yet"] == ["p"], "no prices are applied"
    apply(bench, CARD)
    assert "no_such_plan_yet" not in given("p").body
    assert given("pp").body["no_such_plan_yet"] == ["pp"]
