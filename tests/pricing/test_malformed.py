"""Whatever is wrong in a pricing file is found with file, line and what to do."""

from __future__ import annotations

import pytest

from tollspan_rater.errors import PricingError
from tollspan_rater.pricing.book import check, load

CARD = "card: c\ncurrency: USD\nprices:\n"
PLAN = "plan: p\ncurrency: USD\ncards: [c]\n"
GOOD = CARD + "  - {tokens: 1}\n"


@pytest.mark.parametrize(
    ("text", "line", "problem", "remedy"),
    [
        ("card: [c\n", 2, "not YAML", "Correct the syntax"),
        ("card: c\x00\n", 1, "control character", "Delete it"),
        ("a: &x [1]\n", 1, "anchors", "Write the value out"),
        ("a: 1\nb: *x\n", 2, "anchors", "Write the value out"),
        ("a: 1\nb: !!python/object:os.system x\n", 2, "tag", "Delete it"),
        ("a: " + "[" * 40 + "]" * 40, 1, "nested deeper", "Flatten"),
        ("card: c\n" * 200_000, 1, "1,600,000 characters", "Split it"),
        ("card: c\ncard: d\n", 2, "card stands twice", "Keep one"),
        ("? [a]\n: 1\n", 1, "where a key is needed", "Name the key"),
        ("- 1\n", 1, "not a mapping", "key: value"),
        ("title: x\n", 1, "neither a rate card nor a plan", "Begin with"),
        ("card: 'a b'\ncurrency: USD\nprices: []\n", 1, "'a b' cannot be used", "Use letters"),
        ("card: c\nprices: []\n", 1, "the currency is missing", "currency: USD"),
        ("card: c\ncurrency: dollars\nprices: []\n", 2, "no ISO 4217 code", "USD or EUR"),
        ("card: c\ncurrency: USD\n", 1, "no prices", "prices:"),
        ("card: c\ncurrency: USD\nprices: {input: 1}\n", 3, "not a list", "Begin each entry"),
        ("card: c\ncurrency: USD\nprises: []\nprices: []\n", 3, "no key 'prises'", "Did you mean prices?"),
        ("card: c\ncurrency: USD\nper: 10\nprices: []\n", 3, "per is '10'", "1, 1K, 1M"),
        (CARD + "  - {inptu: 1}\n", 4, "no key 'inptu'", "Did you mean input?"),
        (CARD + "  - {model: x}\n", 4, "prices nothing", "input: 2.50"),
        (CARD + "  - {input: 1e-6}\n", 4, "no number", "Write digits"),
        (CARD + "  - {input: .inf}\n", 4, "no number", "Write digits"),
        (CARD + "  - {input: 1_00}\n", 4, "no number", "Write digits"),
        (CARD + "  - {input: -1}\n", 4, "negative", "0 or more"),
        (CARD + "  - {input: 0." + "1" * 40 + "}\n", 4, "more than 30 digits", "shorter"),
        (CARD + "  - input: {price: 1, flat: 2}\n", 4, "it has price, flat", "Keep one of"),
        (CARD + "  - input: {}\n", 4, "it has none", "Keep one of"),
        (CARD + "  - input:\n      graduated: []\n", 5, "no list", "up_to"),
        (CARD + "  - input:\n      graduated:\n        - {up_to: 5, price: 1}\n", 6, "gap above 5", "last tier"),
        (
            CARD + "  - input:\n      volume:\n        - {up_to: 5, price: 1}\n        - {up_to: 5, price: 2}\n"
            "        - {price: 3}\n",
            7,
            "overlap",
            "Sort the tiers",
        ),
        (
            CARD + "  - input:\n      volume:\n        - {price: 1}\n        - {price: 2}\n",
            7,
            "follows the open",
            "up_to",
        ),
        (CARD + "  - input:\n      graduated:\n        - {up_to: 5}\n", 6, "has no price", "0 is a price"),
        (
            CARD + "  - input:\n      graduated:\n        - {up_to: 0, price: 1}\n        - {price: 1}\n",
            6,
            "ends at 0",
            "raise",
        ),
        (CARD + "  - input:\n      package: {price: 1}\n", 5, "has no size", "size:"),
        (CARD + "  - input:\n      package: {size: 0, price: 1}\n", 5, "holds nothing", "number of units"),
        (CARD + "  - {model: 'a*', input: 1}\n  - {model: '*b', input: 1}\n", 5, "ambiguous", "more specific"),
        (CARD + "  - {input: 1}\n  - {input: 2}\n", 5, "ambiguous", "more specific"),
        (GOOD + "---\n" + GOOD, 6, "two cards 'c'", "Rename"),
        ("plan: p\ncurrency: USD\n", 1, "has no cards", "cards:"),
        (PLAN, 1, "names card 'c'", "Known cards: none"),
        (GOOD + "---\nplan: p\ncurrency: EUR\ncards: c\n", 6, "in EUR, its card c in USD", "one currency"),
        (GOOD + "---\n" + PLAN + "zone: Europe/Berlim\n", 9, "no time zone", "IANA"),
        (GOOD + "---\n" + PLAN + "every: fortnight\n", 9, "'fortnight'", "month"),
        (GOOD + "---\n" + PLAN + "base_fee: {prorate: no}\n", 9, "no amount", "amount: 99.00"),
        (GOOD + "---\n" + PLAN + "included: {tokens: 1, input: 1}\n", 9, "same units", "Keep one"),
        (GOOD + "---\n" + PLAN + "included:\n  web_search: 5\n", 10, "none of its cards prices", "tokens"),
        (GOOD + "---\n" + PLAN + "policy: {attempts: some}\n", 9, "'some'", "success_only"),
        (GOOD + "---\n" + PLAN + "policy: {outcome: {lost: {}}}\n", 9, "lacks on_invoice", "reason: internal"),
        (
            GOOD
            + "---\n"
            + PLAN
            + "policy:\n  environment:\n    qa: {on_invoice: 1, counts_toward_quota: no, reason: x}\n",
            11,
            "neither yes nor no",
            "yes or no",
        ),
        (
            GOOD + "---\n" + PLAN + "policy:\n  outcome:\n"
            "    lost: {on_invoice: no, counts_toward_quota: no, reason: failed}\n",
            11,
            "no outcome 'lost'",
            "complete",
        ),
    ],
)
def test_findings(text: str, line: int, problem: str, remedy: str) -> None:
    found = [f for f in check({"prices.yaml": text}) if problem in f.problem]
    assert found, [str(f) for f in check({"prices.yaml": text})]
    assert (found[0].path, found[0].line, found[0].severity) == ("prices.yaml", line, "error")
    assert remedy in found[0].remedy
    with pytest.raises(PricingError, match=r"prices\.yaml:\d+: "):
        load({"prices.yaml": text})


def test_all_findings_come_at_once_and_by_line() -> None:
    found = check({"b.yaml": CARD + "  - {inptu: 1, input: x}\n", "a.yaml": "plan: p\n"})
    errors = [(finding.path, finding.line) for finding in found if finding.severity == "error"]
    assert errors == [("a.yaml", 1), ("a.yaml", 1), ("b.yaml", 4), ("b.yaml", 4)]


def test_a_volume_cliff_and_an_unused_card_are_warnings() -> None:
    card = CARD + "  - input:\n      volume:\n        - {up_to: 100, price: 2}\n        - {price: 1}\n"
    book = load({"c.yaml": card, "d.yaml": GOOD.replace("card: c", "card: d"), "p.yaml": PLAN})
    assert [f.severity for f in book.warnings] == ["warning", "warning"]
    assert "at 100 units the bill falls from 200 to 100" in str(book.warnings[0])
    assert "no plan uses card d" in str(book.warnings[1])
