"""Bills: the meter tree, allowances, plan changes, lines that explain themselves."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rating.bills import NOVEMBER, bill, exact, group, tariff
from tollspan_rater.domain.usage import Usage
from tollspan_rater.pricing.book import load
from tollspan_rater.pricing.policy import Policy
from tollspan_rater.pricing.timeline import Applied, Assignment, Segment, segments
from tollspan_rater.rating.decision import CallFacts, decide
from tollspan_rater.rating.quantity import exclusive, of_usage
from tollspan_rater.rating.rate import rate

D = Decimal
DAY = 86_400 * 10**9
CALL = {"input": 1000, "cache_read": 600, "cache_write": 300, "cache_write_1h": 100, "output": 50, "reasoning": 20}
OWN = {"input": 100, "cache_read": 600, "cache_write": 200, "cache_write_1h": 100, "output": 30, "reasoning": 20}


@pytest.mark.parametrize(
    ("prices", "charged", "homeless"),
    [
        ("tokens: 1", {"tokens": 1050}, {}),
        ("input: 1, output: 1", {"input": 1000, "output": 50}, {}),
        ("input: 1, cache_read: 1, output: 1", {"input": 400, "cache_read": 600, "output": 50}, {}),
        ("input: 1, cache_write: 1, output: 1", {"input": 700, "cache_write": 300, "output": 50}, {}),
        (
            "input: 1, cache_write: 1, cache_write_1h: 1, output: 1, reasoning: 1",
            {"input": 700, "cache_write": 200, "cache_write_1h": 100, "output": 30, "reasoning": 20},
            {},
        ),
        ("tokens: 1, cache_read: 1", {"tokens": 450, "cache_read": 600}, {}),
        ("cache_write: 1", {"cache_write": 300}, {k: OWN[k] for k in ("input", "cache_read", "output", "reasoning")}),
        (
            "input: 1, output: 1, fallback: none",
            {"input": 100, "output": 30},
            {k: OWN[k] for k in ("cache_read", "cache_write", "cache_write_1h", "reasoning")},
        ),
        (
            "tokens: 1, fallback: none",
            {"tokens": 130},
            {k: OWN[k] for k in ("cache_read", "cache_write", "cache_write_1h", "reasoning")},
        ),
    ],
)
def test_meter_tree(prices: str, charged: dict[str, int], homeless: dict[str, int]) -> None:
    rated = bill(f"  - {{{prices}}}", "", group(CALL))
    assert {line.meter: line.quantity for line in rated.lines} == charged
    assert {share.meter: share.quantity for share in rated.unpriced} == homeless
    assert {share.meter: share.quantity for share in (*rated.on_invoice, *rated.unpriced)} == OWN
    assert exact(rated) == sum(charged.values())


def test_an_unknown_split_stays_with_its_parent() -> None:
    known = of_usage(Usage(input=1000, cache_write_5m=300, output=None))
    assert known == {"request": 1, "input": 1000, "cache_write_5m": 300, "cache_write": 300}
    rated = bill("  - {input: 1, cache_write: 2}", "", group(known))
    assert {line.meter: line.quantity for line in rated.lines} == {"input": 700, "cache_write": 300}


def test_a_part_is_taken_out_of_the_nearest_known_quantity() -> None:
    quantities = {"input": D(10), "cache_write_5m": D(3), "reasoning": D(2), "tokens": D(7)}
    assert exclusive(quantities) == {"input": 7, "cache_write_5m": 3, "reasoning": 2, "tokens": 7}


def test_rare_parts_are_taken_out_of_their_wholes_and_another_models_tokens_are_not() -> None:
    units = {"tool_use": D(200), "cache_write_30m": D(50), "compaction_in": D(400), "advisor_in": D(9)}
    known = of_usage(Usage(input=1000, cache_write=100, output=10, units=units))
    rated = bill("  - {input: 1, output: 1, cache_write_30m: 2}", "", group(known))
    assert {line.meter: line.quantity for line in rated.lines} == {"input": 950, "output": 10, "cache_write_30m": 50}
    assert {share.meter: share.quantity for share in rated.unpriced} == {"advisor_in": 9}


def test_what_was_read_from_the_cache_in_a_modality_is_charged_once() -> None:
    quantities = {"input": D(100), "cache_read": D(60), "audio_in": D(50), "cache_read_audio": D(40)}
    own = {"input": D(30), "cache_read": D(20), "audio_in": D(10), "cache_read_audio": D(40)}
    assert exclusive(quantities) == own


def test_parts_without_a_whole_fill_it() -> None:
    assert of_usage(Usage(cache_read=5, cache_write_1h=2))["input"] == 7
    assert "input" not in of_usage(Usage(output=3))


def test_unknown_is_listed_and_never_zero() -> None:
    unknown = replace(group({"input": 10}, calls=3), unknown_calls={"output": 2})
    rated = bill("  - {model: gpt*, input: 1, output: 1}", "", unknown, group({"input": 5}, model="llama"))
    assert [(s.reason, s.meter, s.quantity, s.calls) for s in rated.unpriced] == [
        ("no price", "input", 5, 1),
        ("usage unknown", "output", None, 2),
    ]
    assert rated.total == 10


def test_requests_count_where_they_have_a_price() -> None:
    usage = group({"request": 7, "input": 70}, calls=7)
    assert bill("  - {request: 0.5, tokens: 0}", "", usage).total == D("3.50")
    assert bill("  - {tokens: 0}", "", usage).unpriced == ()


def test_no_plan() -> None:
    rated = rate(NOVEMBER, segments(NOVEMBER, [], [], 1), [group(CALL)])
    assert {share.reason for share in rated.unpriced} == {"no plan"}
    assert (rated.lines, rated.total) == ((), 0)


def test_tiers_pool_over_the_models_of_an_item() -> None:
    card = "  - {model: 'gpt*', tokens: {graduated: [{up_to: 100, price: 2}, {price: 1}]}}"
    rated = bill(card, "", group({"input": 80}, model="gpt-a"), group({"input": 80}, model="gpt-b"))
    (line,) = rated.lines
    assert [(s.text, s.quantity, s.amount) for s in line.steps] == [("up to 100", 100, 200), ("above 100", 60, 60)]
    assert (line.quantity, line.amount, line.calls, line.unit_price) == (160, 260, 2, None)


def test_an_allowance_is_used_up_in_the_order_of_the_card() -> None:
    rated = bill("  - {input: 1, output: 4}", "included: {tokens: 120}", group({"input": 100, "output": 50}))
    assert [(line.meter, line.included, line.billable) for line in rated.lines] == [
        ("input", 100, 0),
        ("output", 20, 30),
    ]
    assert rated.total == 120
    assert rated.allowances[0].used == 150


def test_quota_and_invoice_are_two_decisions() -> None:
    trial = decide(CallFacts(phase="trial"), Policy())
    test = decide(CallFacts(environment="test"), Policy())
    rated = bill(
        "  - {tokens: 1}",
        "included: {tokens: 100}",
        group({"input": 60}),
        group({"input": 70}, decision=trial),
        group({"input": 80}, decision=test),
    )
    assert [(line.quantity, line.amount) for line in rated.lines] == [(60, 0)]
    assert rated.allowances[0].used == 130
    assert [(share.reason, share.quantity) for share in rated.not_on_invoice] == [("test", 80), ("trial", 70)]


def test_a_line_explains_itself() -> None:
    (fee, line) = bill(
        "  - {model: gpt-4.1*, provider: openai, input: {price: 2.50, per: 1M}}",
        "base_fee: 99\ntitle: Pro\nincluded: {input: 1_000}",
        group({"input": 3000, "cache_read": 1000}, calls=2),
    ).lines
    assert (fee.kind, fee.description, fee.amount, fee.why) == (
        "base_fee",
        "base fee of plan Pro",
        99,
        "plan paid was held for the whole period",
    )
    assert line.description == "input of gpt-4.1*, openai"
    expected = "card list prices input of models like gpt-4.1* at 2.5 USD per 1M after 1,000 included in plan paid"
    assert line.why == expected
    assert (line.unit_price, line.amount_exact, line.amount) == (D("0.0000025"), D("0.005"), D("0.01"))
    assert line.contains == (("cache_read", D(1000)), ("input", D(2000)))
    assert line.price_version.startswith("pv_")
    assert line.line_id.startswith("ln_")


def two_versions(old: str, new: str, old_plan: str = "", new_plan: str = "") -> tuple[Segment, ...]:
    def files(card: str, plan: str) -> dict[str, str]:
        return {
            "c.yaml": f"card: c\ncurrency: USD\nprices:\n{card}",
            "p.yaml": f"plan: p\ncurrency: USD\ncards: [c]\n{plan}\n---\nplan: q\ncurrency: USD\ncards: [c]\n",
        }

    applied = [
        Applied(load(files(old, old_plan)), 0, 1),
        Applied(load(files(new, new_plan)), NOVEMBER.start_ns + 10 * DAY, 2),
    ]
    return segments(NOVEMBER, applied, [Assignment("p", 0)], 2)


def test_only_what_changes_starts_anew() -> None:
    same = "  - {tokens: {graduated: [{up_to: 100, price: 2}, {price: 1}]}}\n"
    cut = two_versions(same + "  - {image: 5}", same + "  - {image: 6}")
    rated = rate(NOVEMBER, cut, [group({"input": 80, "image": 1}, segment=number) for number in (0, 1)])
    assert [(line.meter, line.quantity, line.amount) for line in rated.lines] == [
        ("tokens", 160, 260),
        ("image", 1, 5),
        ("image", 1, 6),
    ]
    assert rated.lines[0].price_version == f"{cut[0].version}, {cut[1].version}"


def test_a_base_fee_is_charged_for_the_time_in_which_it_held() -> None:
    card = "  - {tokens: 1}"
    rated = rate(NOVEMBER, two_versions(card, card, "base_fee: 30", "base_fee: 60"), [])
    assert sorted((line.amount, line.why) for line in rated.lines) == [
        (10, "plan p was held for 240 of 720 hours"),
        (40, "plan p was held for 480 of 720 hours"),
    ]
    assert rate(NOVEMBER, two_versions(card, "  - {tokens: 2}", "base_fee: 30", "base_fee: 30"), []).total == 30
    whole = "base_fee: {amount: 30, prorate: no}"
    assert rate(NOVEMBER, two_versions(card, card, whole, ""), []).total == 30


def test_currencies_are_never_added() -> None:
    def files(name: str, currency: str) -> dict[str, str]:
        return {f"{name}.yaml": f"card: {name}\ncurrency: {currency}\nprices: [{{tokens: 1}}]\n---\n"
                f"plan: {name}\ncurrency: {currency}\ncards: [{name}]\n"}  # fmt: skip

    book = load(files("us", "USD") | files("eu", "EUR"))
    moved = [Assignment("us", 0), Assignment("eu", NOVEMBER.start_ns + DAY)]
    cut = segments(NOVEMBER, [Applied(book, 0, 1)], moved, 1)
    rated = rate(NOVEMBER, cut, [group({"input": 1}, segment=0), group({"input": 2}, segment=1)])
    assert [(money.currency, money.amount) for money in rated.totals] == [("EUR", 2), ("USD", 1)]
    with pytest.raises(ValueError, match="EUR, USD"):
        _ = rated.total


def test_a_negative_sum_is_a_credit() -> None:
    rated = bill("  - {web_search: 0.5}", "included: {web_search: 10}", group({"web_search": -3}))
    assert (rated.lines[0].included, rated.total) == (0, D("-1.50"))


def test_order_does_not_matter() -> None:
    card = "  - {model: gpt*, input: 1, output: {volume: [{up_to: 60, price: 3}, {price: 2}]}}\n  - {tokens: 1}"
    groups = [group(CALL, model=model) for model in ("gpt-a", "gpt-b", "claude")]
    bills = [bill(card, "included: {tokens: 500}", *order) for order in permutations(groups)]
    assert all(rated == bills[0] for rated in bills)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10**9), st.integers(0, 10**6), st.integers(1, 30))
def test_per_1_1k_and_1m_make_identical_bills(price: int, quantity: int, bound: int) -> None:
    def tiered(per: str, shift: int) -> str:
        shown = format(D(price).scaleb(shift - 9), "f")
        return f"  - {{tokens: {{per: {per}, graduated: [{{up_to: {bound}, price: {shown}}}, {{price: {shown}}}]}}}}"

    usage = group({"input": quantity})
    bills = [bill(tiered(per, shift), "", usage).lines for per, shift in (("1", 0), ("1K", 3), ("1M", 6))]
    without_version = [[replace(line, price_version="") for line in lines] for lines in bills]
    assert without_version[0] == without_version[1] == without_version[2]
    assert bills[0] == bills[1] == bills[2]


def test_line_ids_belong_to_one_owner_period_and_component() -> None:
    segments_ = tariff("  - {input: 1, output: 1}")
    ids = [
        line.line_id
        for owner in ("a", "b")
        for line in rate(NOVEMBER, segments_, [group({"input": 1, "output": 1})], owner=owner).lines
    ]
    assert len(set(ids)) == 4
    again = rate(NOVEMBER, segments_, [group({"input": 9, "output": 9}, model="other")], owner="b").lines
    assert [line.line_id for line in again] == ids[2:]
