"""Usage is the sum of the legs, at any moment."""

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.store.calls import a_call
from tollspan_rater.domain.call import Conflict
from tollspan_rater.domain.usage import Usage
from tollspan_rater.store.database import Database
from tollspan_rater.store.legs import COLUMNS, Booked, LegRow, booked_from, call_in, difference, leg
from tollspan_rater.store.lookup import legs_of_traces
from tollspan_rater.store.tables import table

SIGN, INPUT = COLUMNS.index("sign"), COLUMNS.index("input")

# A history: at each step some of three call ids exist, each with some input.
HISTORY = st.lists(st.dictionaries(st.sampled_from(["c_1", "c_2", "c_3"]), st.integers(0, 9)), max_size=8)


@given(HISTORY)
def test_the_sum_of_the_legs_is_the_last_state(history: list[dict[str, int]]) -> None:
    booked: dict[str, Booked] = {}
    legs: list[LegRow] = []
    for position, state in enumerate(history, start=1):
        calls = [a_call(name, usage=Usage(input=tokens)) for name, tokens in state.items()]
        news, booked = difference(booked, calls, position)
        legs.extend(news)
        assert sum(row[SIGN] * row[INPUT] for row in legs) == sum(state.values())
    assert booked_from(legs) == booked


@given(HISTORY)
def test_an_unchanged_state_makes_no_legs(history: list[dict[str, int]]) -> None:
    booked: dict[str, Booked] = {}
    for position, state in enumerate(history, start=1):
        calls = [a_call(name, usage=Usage(input=tokens)) for name, tokens in state.items()]
        _, booked = difference(booked, calls, position)
        assert difference(booked, calls, position + 1)[0] == []


def test_each_leg_keeps_the_customer_it_was_booked_for(tmp_path: Path) -> None:
    database = Database(tmp_path / "store.duckdb")
    first, second = a_call(customer="acme"), a_call(customer="globex")
    legs, booked = difference({}, [first], 1)
    more, _ = difference(booked, [second], 2)
    database.append({"legs": table("legs", [*legs, *more])})
    rows = database.reader().execute("SELECT customer, sum(sign * input) FROM legs GROUP BY 1 ORDER BY 1").fetchall()
    assert rows == [("acme", 0), ("globex", 1200)]
    assert database.reader().execute("SELECT customer, revision FROM calls").fetchall() == [("globex", 2)]
    database.close()


@settings(max_examples=20)
@given(st.integers(0, 2**40) | st.none())
def test_a_row_read_back_equals_the_row_that_was_written(tokens: int | None) -> None:
    row = difference({}, [replace(a_call(), usage=Usage(input=tokens))], 1)[0]
    arrow = table("legs", row).to_pylist()[0]
    assert tuple(arrow.values()) == row[0]


def test_booked_legs_come_back_from_the_store_unchanged(tmp_path: Path) -> None:
    database = Database(tmp_path / "store.duckdb")
    disagreement = Conflict("input", "1200", "a:1", "100", "b:2")
    call = a_call(
        tags=(("team", "blue"),),
        flags=("id_reuse",),
        billable=True,
        terms=(("batch", "true"), ("geo", "us")),
        details=(("request_id", "req_1"),),
        conflicts=(disagreement,),
    )
    legs, booked = difference({}, [call], 1)
    database.append({"legs": table("legs", legs)})
    found = booked_from(legs_of_traces(database, {legs[0][5]}))
    assert found == booked
    assert difference(found, [call], 2)[0] == []
    row = database.reader().execute(
        "SELECT terms->>'geo', details->>'request_id', conflicts->0->>'other_member' FROM calls"
    )
    assert row.fetchall() == [("us", "req_1", "b:2")]
    database.close()


def test_a_leg_holds_its_whole_call(tmp_path: Path) -> None:
    call = replace(
        a_call(),
        usage=Usage(input=9, cache_read=3, output=4, units={"web_search": Decimal("2.5")}),
        tags=(("team", "red"),),
        flags=("filled",),
        terms=(("batch", "true"),),
        details=(("vantage", "client"),),
        conflicts=(Conflict("input", "9", "a", "8", "b"),),
        billable=False,
    )
    database = Database(tmp_path / "store.duckdb")
    database.append({"legs": table("legs", [leg(call, position=1, revision=1)])})
    names = ", ".join(f'"{name}"' for name in COLUMNS)
    [row] = database.reader().execute(f"SELECT {names} FROM legs").fetchall()  # noqa: S608 - our names
    assert call_in(row) == call
    database.close()
