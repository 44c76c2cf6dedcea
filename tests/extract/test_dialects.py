"""Every dialect's spans, as its instrumentation writes them, are read as it means them."""

from __future__ import annotations

from dataclasses import Field, fields, replace
from pathlib import Path
from typing import Any

import pytest
from tests.extract.spans import a_span
from tests.extract.told import Told, line_of, line_of_call, told_in

from tollspan_rater.domain.call import Extracted
from tollspan_rater.extract.dialects.registry import ALL, REGISTRY, Registry
from tollspan_rater.extract.dialects.table import Dialect
from tollspan_rater.extract.extract import extract
from tollspan_rater.extract.settle import settle

CASES = [
    told for path in sorted(Path(__file__).parent.glob("dialects/*.txt")) for told in told_in(path.read_text("utf-8"))
]


FIELDS = {rule.name: rule for rule in fields(Dialect)}
CASES_OF: dict[str, list[Told]] = {
    dialect.label: [told for told in CASES if any(REGISTRY.dialect_of(span) is dialect for span in told.spans)]
    for dialect in ALL
}


def _default(rule: Field[Any]) -> Any:
    return rule.default_factory() if callable(rule.default_factory) else rule.default


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


# Read by other tests, or how a table is known, found and shown rather than how it reads.
ELSEWHERE = {
    *("name", "version", "rank", "raw_rank", "source", "traps", "currency", "ignored", "keys", "roles"),
    *("scopes", "scope_prefixes", "markers", "families", "ignored_providers", "provider_before_dot"),
    *("content", "content_prefixes", "reduced", "kept_prefixes", "places", "unit_slots", "evidence_of_sibling"),
}
RULES = [
    (dialect, rule.name)
    for dialect in ALL
    for rule in fields(Dialect)
    if rule.name not in ELSEWHERE and getattr(dialect, rule.name) != _default(rule)
]


@pytest.mark.parametrize(("dialect", "rule"), RULES, ids=lambda part: getattr(part, "name", part))
def test_every_rule_of_every_table_is_needed_by_a_case(dialect: Dialect, rule: str) -> None:
    """Without the rule, or without one of its parts, some case is read differently."""
    said = getattr(dialect, rule)
    parts = said if rule in {"raw", "inside"} else (said,)
    for part in parts:
        left = tuple(one for one in said if one is not part) if parts is said else _default(FIELDS[rule])
        without = Registry(replace(one, **{rule: left}) if one is dialect else one for one in ALL[:-1])
        if dialect is ALL[-1]:
            without = Registry(ALL[:-1], replace(dialect, **{rule: left}))
        assert any(
            [line_of(extract(span, without)) for span in told.spans] != told.read for told in CASES_OF[dialect.label]
        ), part


@pytest.mark.parametrize(
    ("dialect", "name"),
    [(dialect, name) for dialect in ALL for name in dialect.ignored_providers],
    ids=lambda part: getattr(part, "name", part),
)
def test_a_framework_is_no_provider(dialect: Dialect, name: str) -> None:
    scope = (*dialect.scopes, *dialect.scope_prefixes)[0]
    found = extract(a_span({"gen_ai.operation.name": "chat", "gen_ai.system": name}, scope=scope))
    assert found.provider is None  # type: ignore[union-attr]
