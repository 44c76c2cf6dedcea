"""The page on changing prices says what happens: its files, figures and tables are computed here."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from query.shop import Shop
from tests.docs.pages import blocks, page
from tollspan_rater.query.given_usage import simulate_given

PAGE = page("docs/concepts/pricing-changes.md")
_SCHEMA_LINE, WRONG_PRICE, FLAT, METERED = (block.text for block in blocks(PAGE) if block.language == "yaml")
(USAGE,) = (block.text for block in blocks(PAGE) if block.language == "text")


def table(first: str) -> Iterator[list[str]]:
    """The rows of the table whose head begins with a text."""
    rows = PAGE.partition(f"| {first} |")[2].split("\n\n")[0].splitlines()[2:]
    yield from ([cell.strip() for cell in row.strip("|").split("|")] for row in rows)


def november(shop: Shop, **known: str) -> list[str]:
    """The amounts of the bill as the page's table has them."""
    answer = shop.ask("invoice", customer="acme", period="2026-11", **known)
    amounts = {row["kind"]: row["amount"] for row in answer.rows if row["kind"] == "base_fee"}
    used = sorted(str(row["amount"]) for row in answer.rows if row["kind"] == "usage")
    assert answer.totals is not None
    return [str(amounts["base_fee"]), *used, str(answer.totals["amount"])]


def test_the_backdated_price(shop: Shop) -> None:
    shop.price({"prices.yaml": WRONG_PRICE})
    shop.customer("acme", plan="team")
    for day, count in (("05", 2_000_000), ("12", 3_000_000)):
        shop.send(shop.call(f"2026-11-{day}T10:00Z", {"input": count, "output": 0}, customer="acme"))
    before, after = table("bill of November")
    known_at = shop.ask("invoice", customer="acme", period="2026-11").as_of
    assert november(shop)[-1] == before[-1]
    shop.price({"prices.yaml": WRONG_PRICE.replace("4.00", "3.00")}, since="2026-11-10")
    assert november(shop) == after[1:]
    old = november(shop, as_of=str(known_at))
    whole = Decimal(before[2]) + Decimal(before[3])  # one price for all of it: one line
    assert old == [before[1], str(whole), before[4]]


def test_the_simulation() -> None:
    head, *lines = USAGE.splitlines()
    cells = [dict(zip(head.split(","), line.split(","), strict=True)) for line in lines]
    rows = [(f"usage.csv:{number}", row) for number, row in enumerate(cells, 2)]
    folders = {"flat": {"a.yaml": FLAT}, "metered": {"a.yaml": METERED}}
    answer = simulate_given(rows, folders, [], now_ns=1_795_000_000_000_000_000)
    shown = {(row[0], row[1]): [Decimal(cell) for cell in row[2:]] for row in table("scenario")}
    assert shown == {
        (row["scenario"], row["customer"]): [row["revenue"], row["cost"], row["margin"]]
        for row in answer.rows
        if row["part"] == "customer"
    }
