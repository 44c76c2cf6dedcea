"""The golden bills: the work is arithmetically right, and the rater comes to the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction

import pytest

from tests.ledger.books import amounts_booked
from tests.rating.golden import Golden, all_bills
from tests.rating.golden_page import PAGE, page
from tests.rating.worked import WronglyWorkedError, worked
from tollspan_rater.errors import PricingError
from tollspan_rater.pricing.book import check
from tollspan_rater.rating.line import Line, Share

BILLS = all_bills()
RATED = [bill for bill in BILLS if "refused" not in bill.row]


def having(key: str) -> pytest.MarkDecorator:
    bills = [bill for bill in BILLS if key in bill.row]
    assert bills, f"no golden bill has {key}"
    return pytest.mark.parametrize("bill", bills, ids=lambda bill: bill.name)


def described(lines: tuple[Line, ...]) -> dict[str, Fraction]:
    """Return the lines by description; the second of the same is numbered."""
    seen: Counter[str] = Counter()
    found = {}
    for line in lines:
        seen[line.description] += 1
        again = f" ({seen[line.description]})" if seen[line.description] > 1 else ""
        found[line.description + again] = Fraction(line.amount_exact)
    return found


def counted(shares: tuple[Share, ...]) -> dict[str, dict[str, Decimal | None]]:
    found: dict[str, dict[str, Decimal | None]] = {}
    for share in shares:
        if share.meter != "request":
            found.setdefault(str(share.reason), {})[share.meter] = share.quantity
    return found


def quantities(stated: Mapping[str, Mapping[str, str]]) -> dict[str, dict[str, Decimal]]:
    return {
        reason: {meter: Decimal(text.replace("_", "")) for meter, text in meters.items()}
        for reason, meters in stated.items()
    }


@having("lines")
def test_lines(bill: Golden) -> None:
    assert described(bill.rated().lines) == {name: worked(work) for name, work in bill.row["lines"].items()}


@having("amounts")
def test_amounts_in_the_order_of_the_bill(bill: Golden) -> None:
    assert [line.amount_exact for line in bill.rated().lines] == [worked(work) for work in bill.row["amounts"]]


@having("total")
def test_total(bill: Golden) -> None:
    assert bill.rated().total == worked(bill.row["total"])


@having("exact")
def test_exact_total(bill: Golden) -> None:
    assert sum(line.amount_exact for line in bill.rated().lines) == worked(bill.row["exact"])


@having("charges")
def test_charges(bill: Golden) -> None:
    assert bill.charges() == [worked(work) for work in bill.row["charges"]]


@having("part_bills")
def test_part_bills(bill: Golden) -> None:
    booked = amounts_booked(bill.rated(first) for first in range(1, len(bill.row["usage"]) + 1))
    assert booked == [worked(work) for work in bill.row["part_bills"]]
    assert sum(booked) == bill.rated().total


@having("aside")
def test_what_is_not_on_the_invoice(bill: Golden) -> None:
    assert counted(bill.rated().not_on_invoice) == quantities(bill.row["aside"])


@having("unpriced")
def test_unpriced(bill: Golden) -> None:
    assert counted(bill.rated().unpriced) == quantities(bill.row["unpriced"])


@having("allowances")
def test_allowances(bill: Golden) -> None:
    used = {one.meter: one.used for one in bill.rated().allowances}
    assert used == {meter: Decimal(text.replace("_", "")) for meter, text in bill.row["allowances"].items()}


@having("margin")
def test_margin(bill: Golden) -> None:
    revenue = sum((line.amount_exact for line in bill.rated().lines), Decimal(0))
    assert revenue - bill.cost() == worked(bill.row["margin"])


@having("warns")
def test_warnings(bill: Golden) -> None:
    assert any(bill.row["warns"] in finding.problem for finding in check(bill.files))


@pytest.mark.parametrize("bill", [b for b in RATED if "warns" not in b.row], ids=lambda bill: bill.name)
def test_the_files_of_all_other_bills_are_without_findings(bill: Golden) -> None:
    assert check(bill.files) == ()


@having("refused")
def test_refused(bill: Golden) -> None:
    with pytest.raises(PricingError, match=bill.row["refused"]):
        bill.subscription()


def test_there_are_many_of_them() -> None:
    names = [bill.name for bill in BILLS]
    assert len(names) == len(set(names)) >= 60
    known = {"lines", "total", "exact", "amounts", "refused"}
    assert all(known & set(bill.row) for bill in BILLS)


def test_wrong_work_is_found() -> None:
    with pytest.raises(WronglyWorkedError, match="6 is not 7"):
        worked("2 \N{MULTIPLICATION SIGN} 3 = 7")


def test_the_page_is_fresh() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "stale: run python -m tests.rating --page"
