"""The worked examples of guides on AI usage metering, as far as they are about rating. All amounts are exact."""

from __future__ import annotations

from decimal import Decimal

import pytest

from rating.bills import bill, exact, group
from tollspan_rater.pricing.policy import Policy
from tollspan_rater.rating.decision import CallFacts, decide

PER_1K = "  - {tokens: {price: 0.02, per: 1K}}"
PACKAGE = "  - {tokens: {package: {size: 1_000, price: 0.02}}}"
SPLIT = "  - {model: gpt-4.1*, per: 1M, input: 4, output: 16}"
COST = "  - {model: gpt-4.1*, per: 1M, input: 2, cache_read: 0.50, output: 8}"
TIERS = """
        - {up_to: 1_000_000, price: 0.010}
        - {up_to: 4_000_000, price: 0.008}
        - {price: 0.005}
"""
GRADUATED = f"  - tokens:\n      per: 1K\n      graduated:{TIERS}"
VOLUME = f"  - tokens:\n      per: 1K\n      volume:{TIERS}"
OVERRIDE = "  - {tokens: {price: 0.004, per: 1K}}"


@pytest.mark.parametrize(
    ("row", "card", "quantities", "amount"),
    [
        ("a: one call at provider prices", COST, {"input": 3200, "output": 740}, "0.01232"),
        ("b: the usage event", COST, {"input": 1200, "output": 350}, "0.0052"),
        ("d: cached input", COST, {"input": 1200, "cache_read": 1000, "output": 350}, "0.0037"),
        ("e: per 1K", PER_1K, {"input": 3200, "output": 740}, "0.0788"),
        ("e: package", PACKAGE, {"input": 3200, "output": 740}, "0.08"),
        ("f: input and output", SPLIT, {"input": 1200, "output": 350}, "0.0104"),
        ("g: graduated", GRADUATED, {"input": 4_000_000, "output": 200_000}, "35"),
        ("g: volume", VOLUME, {"input": 4_000_000, "output": 200_000}, "21"),
        ("g: graduated, at the bound", GRADUATED, {"input": 4_000_000}, "34"),
        ("g: volume, at the bound", VOLUME, {"input": 4_000_000}, "32"),
        ("g: volume, one above", VOLUME, {"input": 4_000_001}, "20.000005"),
        ("g: the customer's own price", OVERRIDE, {"input": 4_200_000}, "16.8"),
        ("l: healthy customer, cost", COST, {"input": 1_000_000, "output": 750_000}, "8"),
        ("l: unhealthy customer, cost", COST, {"input": 30_000_000, "output": 10_000_000}, "140"),
        ("m: 500 calls of 400/100", COST, {"input": 500 * 400, "output": 500 * 100}, "0.8"),
        ("m: 2,000 calls of 3,000/250", COST, {"input": 2000 * 3000, "output": 2000 * 250}, "16"),
        ("n: output of 300", COST, {"input": 1200, "output": 300}, "0.0048"),
        ("n: output of 1,200", COST, {"input": 1200, "output": 1200}, "0.012"),
        ("o: 15 calls of 800/120", COST, {"input": 12_000, "output": 1_800}, "0.0384"),
    ],
)
def test_amounts(row: str, card: str, quantities: dict[str, int], amount: str) -> None:
    rated = bill(card, "", group(quantities))
    assert exact(rated) == Decimal(amount), row
    assert not rated.unpriced


def test_g_one_above_the_bound_is_booked_in_cents() -> None:
    assert bill(VOLUME, "", group({"input": 4_000_001})).total == Decimal("20.00")


@pytest.mark.parametrize(
    ("used", "included", "total"),
    [(0, 0, "99"), (9_999, 9_999, "99"), (10_000, 10_000, "99"), (10_001, 10_000, "99.01"), (12_000, 10_000, "119")],
)
def test_j_credits_beyond_the_included_ones(used: int, included: int, total: str) -> None:
    rated = bill("  - {agent_run: 0.01}", "base_fee: 99\nincluded: {agent_run: 10_000}", group({"agent_run": used}))
    assert rated.total == Decimal(total)
    usage = [line for line in rated.lines if line.kind == "usage"]
    assert sum(line.included for line in usage) == included
    (allowance,) = rated.allowances
    assert (allowance.limit, allowance.used) == (10_000, used)


@pytest.mark.parametrize(("cost", "calls"), [("0.8", 500), ("16", 2000)])
def test_m_the_same_price_for_different_use(cost: str, calls: int) -> None:
    quantities = {500: {"input": 200_000, "output": 50_000}, 2000: {"input": 6_000_000, "output": 500_000}}[calls]
    revenue = bill("  - {tokens: 0}", "base_fee: 99", group(quantities, calls=calls)).total
    assert revenue - exact(bill(COST, "", group(quantities))) == 99 - Decimal(cost)


def test_k_the_explanation_partitions_what_was_accepted() -> None:
    facts = {
        600: CallFacts(phase="trial"),
        400: CallFacts(environment="internal"),
        300: CallFacts(environment="test"),
        200: CallFacts(outcome="failed"),
        12_000: CallFacts(),
    }
    groups = [group({"agent_run": n}, decision=decide(fact, Policy())) for n, fact in facts.items()]
    rated = bill("  - {agent_run: 0.01}", "", *groups)
    assert {share.reason: share.quantity for share in rated.not_on_invoice} == {
        "failed": 200,
        "internal": 400,
        "test": 300,
        "trial": 600,
    }
    assert [line.quantity for line in rated.lines] == [12_000]


def test_h_a_lump_without_a_model_is_unpriced() -> None:
    rated = bill(SPLIT, "", group({"tokens": 4_200_000}, model=None, provider=None))
    assert rated.lines == ()
    assert [(s.reason, s.meter, s.quantity) for s in rated.unpriced] == [("no price", "tokens", 4_200_000)]
