"""Files as targets: what is written once, and read back as it was."""

from __future__ import annotations

import itertools
import json
import tempfile
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.export.answered import total
from tests.export.case import Case
from tests.export.files import COLUMNS, GOLDEN, batches, case, golden, history, sendings, written
from tests.export.invoice import AMOUNTS, MONTH, NOON_NS, USAGE
from tollspan_rater.domain.clock import FixedClock
from tollspan_rater.domain.money import exact_sum
from tollspan_rater.errors import ConfigError, UntellableError
from tollspan_rater.export.draft import Draft
from tollspan_rater.export.files.folder import MANIFEST
from tollspan_rater.export.files.form import FORMS
from tollspan_rater.export.target import Accepted, Mapped, NotTaken, Sending, Target, Unclear, Wanted

FEWER = {"jsonl": 15, "parquet": 15}  # histories: what differs from csv is how a file is written, not when
NOBODY = httpx.MockTransport(lambda request: pytest.fail(str(request)))


def made(invoiced: Case) -> Target:
    return invoiced.target(NOBODY, FixedClock(NOON_NS))


@pytest.mark.parametrize("name", COLUMNS)
def test_the_files_of_the_demo_invoice_are_those_written_down(name: str, tmp_path: Path) -> None:
    kept = (GOLDEN / f"{name}.txt").read_text(encoding="utf-8")
    assert golden(name, tmp_path) == kept, "when this is meant: python -m tests.export.files --golden"


@pytest.mark.parametrize("name", COLUMNS)
def test_whatever_goes_wrong_each_item_is_in_one_file(name: str) -> None:
    for seed in range(FEWER.get(name, 50)):
        assert history(name, seed).problems == (), f"history {seed}"


@pytest.mark.parametrize("name", COLUMNS)
def test_what_is_there_is_not_written_again(name: str, tmp_path: Path) -> None:
    first = written(name, tmp_path)
    (batch,) = batches(tmp_path)
    (batch / f"{batch.name}.{'jsonl' if name == 'jsonl' else 'parquet' if name == 'parquet' else 'csv'}").unlink()
    anew = made(case(name, tmp_path))
    again = sendings(case(name, tmp_path), anew)
    assert set(anew.send(again[1:])) == {Accepted(batch.name)}
    assert anew.look(again[0]) == Accepted(batch.name)
    assert [path.name for path in batches(tmp_path)] == [batch.name]
    assert len(first) == 2


def test_a_manifest_that_cannot_be_read_stops_everything(tmp_path: Path) -> None:
    written("csv", tmp_path)
    (batch,) = batches(tmp_path)
    (batch / MANIFEST).write_text("{")
    anew = made(case("csv", tmp_path))
    (one, *_) = sendings(case("csv", tmp_path), anew)
    assert isinstance(anew.send([one])[0], NotTaken)
    assert isinstance(anew.look(one), Unclear)
    assert isinstance(anew.held(wanted("acme", "input")), Unclear)
    assert batches(tmp_path) == [batch]


def test_a_folder_that_is_not_there_is_not_taken_for_an_empty_one(tmp_path: Path) -> None:
    target = made(case("csv", tmp_path / "unmounted"))
    (one, *_) = sendings(case("csv", tmp_path), target)
    assert isinstance(target.send([one])[0], NotTaken)
    assert isinstance(target.look(one), Unclear)
    assert list(tmp_path.iterdir()) == []


def test_amounts_of_several_currencies_are_told_apart(tmp_path: Path) -> None:
    target = made(case("csv", tmp_path))
    for currency in ("USD", "EUR"):
        draft = replace(AMOUNTS[0], currency=currency)
        target.send([Sending(currency, currency, target.element(draft, currency, MONTH.start_ns, Mapped({}, {})))])
    assert {total(target.held(replace(wanted("acme", "input"), currency=one))) for one in ("USD", "EUR")} == {
        AMOUNTS[0].amount
    }


@pytest.mark.parametrize("name", ["csv", "jsonl", "parquet", "focus"])
def test_files_are_read_back_for_a_reconciliation(name: str, tmp_path: Path) -> None:
    written(name, tmp_path)
    target = made(case(name, tmp_path))
    dollars = replace(wanted("acme", "input"), currency="USD")
    assert total(target.held(dollars)) == Decimal("12.37")
    assert total(target.held(wanted("acme", "input"))) == Decimal(0 if name == "focus" else 4_946_271)
    assert total(target.held(wanted("beta", "input"))) == 0
    assert total(target.held(replace(dollars, start_ns=MONTH.end_ns, end_ns=MONTH.end_ns + 1))) == 0
    next(path for path in tmp_path.glob("*/*") if path.name != MANIFEST).unlink()
    assert made(case(name, tmp_path)).held(wanted("acme", "input")) is None


def wanted(customer: str, meter: str) -> Wanted:
    return Wanted({"customer": customer}, {"meter": meter}, MONTH.start_ns, MONTH.end_ns)


def test_a_usage_file_is_split_before_it_is_too_large(tmp_path: Path) -> None:
    target = made(case("zuora-file", tmp_path))
    mapped = Mapped({"account": "A" * 30_000, "subscription": "S"}, {"uom": "U", "charge": "C"})
    many = [
        Sending(name, name, target.element(USAGE[0], name, NOON_NS, mapped))
        for name in (f"li_{number:032x}" for number in range(200))
    ]
    outcomes = target.send(many)
    sizes = {path.name: path.stat().st_size for path in tmp_path.glob("*/*.csv")}
    assert len(sizes) == 2
    assert max(sizes.values()) <= 4_000_000
    assert max(map(len, sizes)) <= 50
    assert {outcome.external_id for outcome in outcomes if isinstance(outcome, Accepted)} == {
        path.name for path in batches(tmp_path)
    }


WORDS = Mapped({"account": "A", "subscription": "S", "charge.output": "C-own"}, {"uom": "U", "charge": "C"})


@pytest.mark.parametrize(
    ("change", "customer", "meter", "said"),
    [
        ({}, {"account": "A"}, {}, "SUBSCRIPTION_ID"),
        ({}, {}, {"charge": ""}, "CHARGE_ID"),
        ({}, {"account": "=1+1"}, {}, "ACCOUNT_ID"),
        ({"quantity": Decimal("12345678901.123456")}, {}, {}, "QTY"),
        ({"quantity": Decimal(-1)}, {}, {}, "QTY"),
        ({"quantity": None}, {}, {}, "QTY"),
        ({"description": "a\0b"}, {}, {}, "DESCRIPTION"),
        ({"description": "half \ud83d"}, {}, {}, "DESCRIPTION"),
    ],
)
def test_what_zuora_would_refuse_or_bill_twice_is_never_written(
    change: dict[str, object], customer: dict[str, str], meter: dict[str, str], said: str, tmp_path: Path
) -> None:
    target = made(case("zuora-file", tmp_path))
    whose = customer if set(customer) == {"account"} and customer["account"] == "A" else {**WORDS.customer, **customer}
    with pytest.raises(UntellableError, match=said):
        target.element(replace(USAGE[0], **change), "li_1", NOON_NS, Mapped(whose, {**WORDS.meter, **meter}))


@pytest.mark.parametrize(
    ("date_format", "day"),
    [("MM/DD/YYYY", "12/01/2026"), ("DD.MM.YYYY", "01.12.2026"), ("YYYY-MM-DD", "2026-12-01")],
)
def test_days_are_those_of_the_customer_as_the_importing_user_writes_them(
    date_format: str, day: str, tmp_path: Path
) -> None:
    zuora = case("zuora-file", tmp_path)
    target = made(replace(zuora, options={**zuora.options, "date_format": date_format}))
    draft = replace(USAGE[1], service=replace(USAGE[1].service, zone="Pacific/Auckland"))
    row = target.element(draft, "li_1", NOON_NS, WORDS)["row"]
    assert (row["STARTDATE"], row["CHARGE_ID"]) == (day, "C-own")


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("zuora-file", {"date_format": "Y-M-D"}),
        ("netsuite-file", {"date_format": ""}),
        ("csv", {"as": "both"}),
        ("csv", {"folder": ""}),
        ("csv", {"folder": "out/november"}),
        ("focus", {"provider": ""}),
    ],
)
def test_options_are_checked_before_anything_is_planned(name: str, options: dict[str, str], tmp_path: Path) -> None:
    one = case(name, tmp_path)
    with pytest.raises(ConfigError, match=next(iter(options))):
        made(replace(one, options={**one.options, **options}))


def test_usage_in_our_own_words(tmp_path: Path) -> None:
    one = case("jsonl", tmp_path)
    target = made(replace(one, options={**one.options, "as": "usage"}))
    draft = replace(USAGE[0], dimensions=(("model", "gpt-5"), ("region", "eu")))
    row = target.element(draft, "li_1", NOON_NS, Mapped({}, {}))["row"]
    assert target.contract.takes == "usage"
    assert (row["quantity"], row["amount"], json.loads(row["dimensions"])) == (
        "4938271",
        None,
        {"model": "gpt-5", "region": "eu"},
    )


HOSTILE = st.text(st.sampled_from([*"=+-@'\"\t\r\n,;|éß漢🙂\u2028\ufeff\u0085 a1\\N"]), min_size=1, max_size=8)
NUMBERS = st.decimals(-(10**20), 10**20, places=12, allow_nan=False, allow_infinity=False)
LINES = st.lists(
    st.builds(
        lambda customer, description, amount, quantity, currency: replace(
            AMOUNTS[0],
            customer=customer,
            description=description,
            amount=amount,
            amount_exact=amount,
            quantity=quantity,
            currency=currency,
        ),
        HOSTILE,
        HOSTILE,
        NUMBERS,
        st.none() | NUMBERS,
        st.sampled_from(["EUR", "USD", "JPY"]),
    ),
    min_size=1,
    max_size=8,
)


@pytest.mark.parametrize("name", ["csv", "jsonl", "parquet"])
@given(drafts=LINES)
@settings(max_examples=15, deadline=None)
def test_any_names_and_decimals_come_back_and_add_up(name: str, drafts: list[Draft]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        target = made(case(name, Path(folder)))
        items = [Sending(one, one, {}) for one in (f"li_{number}" for number in range(len(drafts)))]
        target.send(
            [
                replace(item, element=target.element(draft, item.item_id, MONTH.start_ns, Mapped({}, {})))
                for item, draft in zip(items, drafts, strict=True)
            ]
        )
        (batch,) = batches(Path(folder))
        said = json.loads((batch / MANIFEST).read_bytes())
        rows = FORMS[name].read((batch / said["file"]).read_bytes())
    assert [(row["customer"], row["description"]) for row in rows] == [
        (one.customer, one.description) for one in drafts
    ]
    for column in ("amount", "amount_exact", "quantity"):
        ours = [getattr(draft, column) for draft in drafts]
        assert [None if row[column] is None else Decimal(row[column] or "") for row in rows] == ours
        total = exact_sum(number for number in ours if number is not None)
        assert exact_sum(Decimal(group[column]) for group in said["sums"]) == total
    for currency, total_text in said["totals"].items():
        assert Decimal(total_text) == exact_sum(one.amount for one in drafts if one.currency == currency and one.amount)


@pytest.mark.parametrize("number", ["0.0000000000001", "1E+26", "123456789012345678901234567.5"])
def test_parquet_never_rounds(number: str, tmp_path: Path) -> None:
    target = made(case("parquet", tmp_path))
    draft = replace(AMOUNTS[0], amount_exact=Decimal(number))
    with pytest.raises(UntellableError, match="amount_exact"):
        target.element(draft, "li_1", NOON_NS, Mapped({}, {}))


@pytest.mark.parametrize(
    "number", ["0.000000000001", "99999999999999999999999999", "1E+25", "1.10000000000000000", "-0"]
)
def test_parquet_takes_what_fits(number: str, tmp_path: Path) -> None:
    target = made(case("parquet", tmp_path))
    draft = replace(AMOUNTS[0], amount_exact=Decimal(number))
    target.send([Sending("li_1", "li_1", target.element(draft, "li_1", NOON_NS, Mapped({}, {})))])
    (row,) = FORMS["parquet"].read(next(tmp_path.glob("*/*.parquet")).read_bytes())
    assert Decimal(row["amount_exact"] or "") == Decimal(number)


def test_the_lines_of_an_invoice_follow_each_other_under_one_id(tmp_path: Path) -> None:
    invoiced = case("netsuite-invoices-file", tmp_path)
    target = made(invoiced)
    ends = {"2026-11": MONTH.end_ns, "2026-12": MONTH.end_ns + 31 * 86_400 * 10**9}
    told = []
    for place, one in enumerate(
        [*AMOUNTS[:5], replace(AMOUNTS[1], customer="beta"), replace(AMOUNTS[0], currency="EUR")]
    ):
        draft = replace(one, period_end_ns=ends[one.period])
        name = f"li_{(place * 3) % 7}"  # in no order
        told.append(Sending(name, name, target.element(draft, name, MONTH.start_ns, invoiced.mapped(draft))))
    target.send([told[place] for place in (0, 5, 6, 1, 4, 2, 3)])
    ((_, content),) = [(path, path.read_bytes()) for path in tmp_path.glob("*/*.csv")]
    rows = FORMS["csv"].read(content)
    whole = [(row["External ID"], row["Customer"], row["Currency"], row["Memo"], row["Date"]) for row in rows]
    assert [(key, len(list(of))) for key, of in itertools.groupby(whole)] == [
        (("li_4", "C-acme", "EUR", "Usage 2026-11", "11/30/2026"), 1),
        (("li_0", "C-acme", "USD", "Usage 2026-11", "11/30/2026"), 4),
        (("li_5", "C-acme", "USD", "Usage 2026-12", "12/31/2026"), 1),
        (("li_1", "C-beta", "USD", "Usage 2026-11", "11/30/2026"), 1),
    ]
    assert {row["Tollspan Item"]: row["Amount"] for row in rows} == {
        f"li_{(place * 3) % 7}": f"{amount}"
        for place, amount in enumerate(["12.35", "8.07", "49.00", "0.58", "0.02", "8.07", "12.35"])
    }
