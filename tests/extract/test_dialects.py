"""Every dialect's spans, as its instrumentation writes them, are read as it means them."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.extract.told import Told, line_of, line_of_call, told_in

from tollspan_rater.domain.call import Extracted
from tollspan_rater.extract.dialects.registry import ALL
from tollspan_rater.extract.extract import extract
from tollspan_rater.extract.settle import settle

CASES = [
    told for path in sorted(Path(__file__).parent.glob("dialects/*.txt")) for told in told_in(path.read_text("utf-8"))
]


@pytest.mark.parametrize("told", CASES, ids=lambda told: told.title)
def test_a_dialect_is_read_as_it_means_it(told: Told) -> None:
    read = [extract(span) for span in told.spans]
    assert [line_of(found) for found in read] == told.read
    if told.calls:
        calls = settle(found for found in read if isinstance(found, Extracted))
        assert sorted(line_of_call(call) for call in calls) == sorted(told.calls)


def test_every_dialect_has_a_case() -> None:
    found = (extract(span) for told in CASES for span in told.spans)
    read = {one.dialect for one in found if isinstance(one, Extracted)}
    assert {dialect.label for dialect in ALL} - read == set()


def test_every_dialect_says_where_it_is_from_and_what_is_easily_read_wrong() -> None:
    for dialect in ALL:
        assert dialect.source, dialect.name
        assert dialect.traps, dialect.name
        assert all(trap[0] == trap[0].lower() or trap[0] == trap[0].upper() for trap in dialect.traps), dialect.name


def test_names_of_dialects_are_their_own() -> None:
    assert len({dialect.name for dialect in ALL}) == len(ALL)
