"""A manifest lets anyone check an export without us."""

from __future__ import annotations

import hashlib
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from tollspan_rater.export.manifest import manifest, sums
from tollspan_rater.query.answer import Answer

LINES = st.lists(
    st.fixed_dictionaries(
        {
            "meter": st.sampled_from(["input", "output"]),
            "currency": st.sampled_from(["EUR", "USD", None]),
            "amount": st.none() | st.decimals(-(10**9), 10**9, places=9),
        }
    ),
    max_size=30,
)


@given(LINES)
@settings(max_examples=60, deadline=None)
def test_sums_by_meter_and_currency_hold_every_row_once(rows: list[dict[str, object]]) -> None:
    groups = sums(Answer("t", ("meter", "currency", "amount"), rows, 1))
    assert sum(group["rows"] for group in groups) == len(rows)
    assert [(group["meter"], group["currency"]) for group in groups] == sorted(
        {(row["meter"], row["currency"] or "") for row in rows}
    )
    known = [row["amount"] for row in rows if row["amount"] is not None]
    assert sum((Decimal(group.get("amount", "0")) for group in groups), Decimal(0)) == sum(known, Decimal(0))
    assert not known or sum(group["unknown"].get("amount", 0) for group in groups) == len(rows) - len(known)


def test_digest_and_size_are_those_of_the_bytes() -> None:
    said = manifest(Answer("t", ("a",), [{"a": 1}], 9, zone="Asia/Tokyo"), "lines.csv", b"a\r\n1\r\n")
    assert said["sha256"] == hashlib.sha256(b"a\r\n1\r\n").hexdigest()
    assert (said["bytes"], said["rows"], said["as_of"], said["zone"]) == (6, 1, 9, "Asia/Tokyo")
