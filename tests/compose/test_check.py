"""The comparisons of `make compose-check`, on answers in the forms of Tempo's and Grafana's APIs."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.collector.process import REPOSITORY
from tests.compose import check
from tests.compose.stack import variables

CALL = {"call_id": "c_1", "customer": "acme", "trace_ids": ["ab"], "cost": "0.001", "charge": "0.004"}
FREE = {**CALL, "call_id": "c_2", "charge": None}
OTHER = {**CALL, "call_id": "c_3", "customer": "globex", "charge": "1.5"}


def span(**attributes: Any) -> dict[str, Any]:
    kinds = {float: "doubleValue", str: "stringValue", int: "intValue"}
    said = [{"key": f"tollspan.{name}", "value": {kinds[type(value)]: str(value) if type(value) is int else value}}
            for name, value in attributes.items()]  # fmt: skip
    return {"spanId": "AAAA", "name": "x", **({"attributes": said} if said else {})}


def trace(*spans: dict[str, Any]) -> dict[str, Any]:
    return {
        "trace": {"resourceSpans": [{"resource": {}, "scopeSpans": [{"scope": {}, "spans": [one]}]} for one in spans]}
    }


ORIGINAL = span(seq=3)
LESS = span(call_id="c_1", cost=0.001, charge=0.003, margin=0.002)
MONEY = span(call_id="c_1", cost=0.001, charge=0.004, margin=0.003)


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (trace(ORIGINAL, MONEY), []),
        (trace(ORIGINAL, LESS, span(call_id="c_1", charge=0.001, margin=0.001)), []),
        (trace(MONEY), ["only money"]),
        (trace(ORIGINAL, span(call_id="c_1", cost=0.001, charge=0.005, margin=0.004)), ["charge", "margin"]),
        (trace(ORIGINAL, span(call_id="c_9", cost=0.001)), ["cost", "charge", "margin"]),
    ],
    ids=["equal", "adjusted", "no original", "other amounts", "another call"],
)  # fmt: skip
def test_a_trace_is_compared_with_its_call(found: dict[str, Any], words: list[str]) -> None:
    said = list(check.money_differences(list(check.spans_in(found)), CALL))
    assert len(said) == len(words)
    assert all(word in line for word, line in zip(words, said, strict=True))


def frames(*rows: tuple[str, int, float]) -> dict[str, Any]:
    fields = [{"name": name} for name in ("customer", "calls", "charge")]
    values = [list(column) for column in zip(*rows, strict=True)]
    return {"results": {"A": {"frames": [{"schema": {"fields": fields}, "data": {"values": values}}]}}}


@pytest.mark.parametrize(
    ("shown", "words"),
    [
        (frames(("acme", 2, 0.004), ("globex", 1, 1.5)), []),
        (frames(("acme", 1, 0.004), ("globex", 1, 1.5)), ["acme"]),
        (frames(("acme", 2, 0.005), ("globex", 1, 1.6)), ["acme", "globex"]),
        (frames(("acme", 2, 0.004)), ["globex"]),
        (frames(("acme", 2, 0.004), ("globex", 1, 1.5), ("initech", 1, 0.0)), ["initech"]),
    ],
)
def test_a_panel_is_compared_with_the_sums_of_calls(shown: dict[str, Any], words: list[str]) -> None:
    said = list(check.panel_differences(list(check.rows_in(shown)), [CALL, FREE, OTHER]))
    assert [line.partition(":")[0] for line in said] == words


def test_a_query_that_failed_is_no_empty_panel() -> None:
    with pytest.raises(LookupError, match="no such key"):
        list(check.rows_in({"results": {"A": {"error": "no such key"}}}))


def test_the_panel_is_there_and_has_what_is_compared() -> None:
    board = json.loads((REPOSITORY / f"dashboards/grafana/json/{check.BOARD}.json").read_text())
    [target] = check.targets(board, check.PANEL)
    assert target["datasource"]["uid"] == "rater"
    assert {"customer", "calls", "charge"} <= {column["selector"] for column in target["columns"]}
    with pytest.raises(LookupError, match="no panel"):
        check.targets(board, "no such")


def test_it_sets_variables_that_there_are_and_keeps_away_from_ports_in_use() -> None:
    known = variables()
    assert set(check.VARIABLES) <= set(known)
    assert {name for name in known if name.endswith("_PORT")} == set(check.PORTS)
    assert not {known[name] for name in check.PORTS} & set(check.PORTS.values())
