from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tollspan_rater.store.paged import paged

QUERY = "SELECT range AS n, 'row ' || range AS name FROM range($rows) ORDER BY n DESC"


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.begin()
        yield connection


@settings(deadline=None, max_examples=40)
@given(rows=st.integers(0, 60), size=st.integers(1, 20))
def test_pieces_are_the_rows_of_the_query_in_their_order(rows: int, size: int) -> None:
    with duckdb.connect() as connection:
        pieces = list(paged(connection, QUERY, {"rows": rows}, size))
        assert [row for piece in pieces for row in piece] == connection.execute(QUERY, {"rows": rows}).fetchall()
        assert all(0 < len(piece) <= size for piece in pieces)


@pytest.mark.parametrize("size", [1, 7, 99, 100, 101])
def test_no_row_is_lost_when_the_connection_is_asked_for_something_else(
    connection: duckdb.DuckDBPyConnection, size: int
) -> None:
    seen = []
    for piece in paged(connection, QUERY, {"rows": 100}, size):
        seen += piece
        connection.execute("SELECT 1").fetchone()
        connection.execute("SELECT * FROM range(1_000_000)").fetchmany(3)
    assert seen == [(n, f"row {n}") for n in range(99, -1, -1)]


def test_two_results_are_read_side_by_side(connection: duckdb.DuckDBPyConnection) -> None:
    both = zip(*(paged(connection, QUERY, {"rows": 30}, 4) for _ in range(2)), strict=True)
    assert all(one == other for one, other in both)


def test_nothing_is_left_behind(connection: duckdb.DuckDBPyConnection) -> None:
    for pieces in (paged(connection, QUERY, {"rows": 30}, 4), paged(connection, QUERY, {"rows": 30}, 4)):
        next(pieces)
        pieces.close()
    assert connection.execute("SELECT count(*) FROM duckdb_tables()").fetchone() == (0,)
