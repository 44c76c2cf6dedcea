"""What is found of the calls that stand is what the store's own view says of them, whatever was taken back."""

from __future__ import annotations

from typing import Any

import duckdb
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from query.little_store import TENANT, accounts_of, store_with
from tollspan_rater.query.bill import customers_with_usage, heard_of
from tollspan_rater.query.scope import Scope
from tollspan_rater.query.selection import Selection, bounds, customers_of, number_of, select
from tollspan_rater.query.standing import any_chained

NOBODY: Any = None  # no name is asked for
Revision = tuple[int, str | None, int | None]  # started, customer, which call it makes again

revisions = st.tuples(st.integers(0, 6), st.sampled_from(["a", "b", None]), st.sampled_from([None, None, 0, 1]))
histories = st.lists(st.tuples(st.lists(revisions, min_size=1, max_size=3), st.booleans()), max_size=6)
selections = st.builds(
    Selection,
    st.just(TENANT),
    st.sampled_from([None, 0, 3]),
    st.sampled_from([None, 5, 7]),
    st.sampled_from([(), (("customer", "a"),)]),
    st.booleans(),
    st.sampled_from([None, ("a", None), ()]),
    st.sampled_from([(), ("b",)]),
)


def legs_of_history(number: int, states: list[Revision], stands: bool) -> list[dict[str, Any]]:
    found = []
    for place, (started_ns, customer, again) in enumerate(states, 1):
        leg = {
            "call_id": f"call_{number}", "revision": place, "started_ns": started_ns, "customer": customer,
            "record_id": f"record_{number}", "retry_of": None if again is None else f"record_{again}",
            "attempt": 1 if again is None else 1 + number,
        }  # fmt: skip
        found.append({**leg, "position": place})
        if place < len(states) or not stands:
            found.append({**leg, "sign": -1, "position": place + 1})
    return found


def store_of(drawn: list[tuple[list[Revision], bool]]) -> duckdb.DuckDBPyConnection:
    others = [{"call_id": "call_0", "tenant": "other", "started_ns": 2, "retry_of": "record_0", "attempt": 9}]
    return store_with({}, {}, others + [leg for n, one in enumerate(drawn) for leg in legs_of_history(n, *one)])


@settings(max_examples=15, deadline=None)
@given(histories, st.lists(selections, min_size=4, max_size=4))
@example([([(0, "a", None)], False), ([(3, "a", None)], True), ([(6, "a", None)], False)], [Selection(TENANT)])
@example([([(0, "a", None), (2, "b", None)], True), ([(1, "b", 0)], True)], [Selection(TENANT)])
def test_it_is_what_the_view_says(drawn: list[tuple[list[Revision], bool]], asked: list[Selection]) -> None:
    connection = store_of(drawn)
    for selection in asked:
        assert_same(connection, selection)


def assert_same(connection: duckdb.DuckDBPyConnection, selection: Selection) -> None:
    condition, values = selection.where()

    def of_view(asked: str) -> Any:
        return connection.execute(f"SELECT {asked} FROM calls WHERE {condition}", values).fetchall()  # noqa: S608 - fixed names

    last = dict(
        connection.execute(
            "SELECT retry_of, max(attempt) FROM calls WHERE tenant = ? AND retry_of IS NOT NULL GROUP BY retry_of",
            [TENANT],
        ).fetchall()
    )
    listed = {
        (call_id, started_ns, (attempt or 1) < last.get(retry_of or record_id, 0))
        for call_id, started_ns, attempt, retry_of, record_id in of_view(
            "call_id, started_ns, attempt, retry_of, record_id"
        )
    }
    found = list(select(connection, selection))
    assert {(row.call_id, row.started_ns, row.retried) for row in found} == listed
    assert len(found) == len(listed) == number_of(connection, selection)
    assert [row.started_ns for row in found] == sorted(row.started_ns for row in found)
    ends = of_view("min(started_ns), max(started_ns)")[0]
    assert bounds(connection, selection) == (None if ends[0] is None else ends)
    assert set(customers_of(connection, selection)) == {name for (name,) in of_view("customer")}


@pytest.mark.parametrize(("stands", "known"), [(True, ["a"]), (False, [])])
def test_who_only_had_what_was_taken_back_is_unheard_of(stands: bool, known: list[str]) -> None:
    connection = store_of([([(1, "a", None)], stands), ([(1, None, None)], True)])
    scope = Scope(connection, accounts_of(connection), 0, "UTC", NOBODY)
    assert customers_with_usage(scope) == known
    assert heard_of(scope, "a") == stands


def test_chains_are_looked_for_where_the_tenant_has_any() -> None:
    connection = store_of([([(1, "a", 0)], True)])
    assert [any_chained(connection, tenant) for tenant in (TENANT, "nobody")] == [True, False]
