"""The comparisons of `make compose-check`, on answers in the forms of Tempo's and Grafana's APIs."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from tests.collector.process import REPOSITORY
from tests.compose import check
from tests.compose.stack import variables
from tollspan_rater.demo.provider.loopback import LoopbackHandler, LoopbackServer

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


class Containers:
    """Stands for docker compose: notes what is asked of it, and has the calls that a test wants."""

    def __init__(self, calls: list[dict[str, Any]]) -> None:
        self.calls, self.asked = calls, list[str]()

    def __call__(self, *words: str) -> str:
        self.asked.append(words[0])
        return json.dumps(self.calls) if words[0] == "exec" else ""


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """What Tempo and Grafana answer by path; one server stands for both."""
    board = json.loads((REPOSITORY / f"dashboards/grafana/json/{check.BOARD}.json").read_text())
    answers = {
        "/api/v2/traces/ab": trace(ORIGINAL, MONEY),
        f"/api/dashboards/uid/{check.BOARD}": {"dashboard": board},
        "/api/ds/query": frames(("acme", 2, 0.004), ("globex", 1, 1.5)),
    }

    class Handler(LoopbackHandler):
        def get(self) -> None:
            found = answers.get(self.path)
            self.answer_json(404 if found is None else 200, found)

        def post(self) -> None:
            assert json.loads(self.read_body())["queries"][0]["refId"] == "A"
            self.get()

    with LoopbackServer(Handler) as server:
        for name in ("TEMPO_PORT", "GRAFANA_PORT"):
            monkeypatch.setitem(check.PORTS, name, str(server.server_address[1]))
        yield answers


@pytest.mark.parametrize(
    ("path", "instead", "code"),
    [
        ("", None, 0),
        ("/api/v2/traces/ab", trace(ORIGINAL, span(call_id="c_1", cost=0.002, charge=0.004, margin=0.002)), 1),
        ("/api/ds/query", frames(("acme", 2, 0.004)), 1),
    ],
)
def test_the_whole_check(
    shown: dict[str, Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    path: str, instead: Any, code: int,
) -> None:  # fmt: skip
    containers = Containers([CALL, FREE, OTHER])
    monkeypatch.setattr(check, "compose", containers)
    monkeypatch.setattr(check, "PATIENCE_S", 0.0)
    monkeypatch.setattr(check, "PAUSE_S", 0.0)
    monkeypatch.setattr(sys, "argv", ["check.py", "--calls", "3"])
    shown.update({path: instead} if path else {})
    assert check.main() == code
    assert ("DIFFERENT" in capsys.readouterr().out) is bool(code)
    assert containers.asked == ["up", "exec", "stop", "exec", "exec", "down"]


@pytest.mark.usefixtures("shown")
def test_the_containers_are_taken_away_also_when_nothing_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    containers = Containers([])
    monkeypatch.setattr(check, "compose", containers)
    monkeypatch.setattr(check, "PATIENCE_S", 0.0)
    monkeypatch.setattr(check, "PAUSE_S", 0.0)
    monkeypatch.setattr(sys, "argv", ["check.py"])
    with pytest.raises(TimeoutError, match="calls in `tollspan calls`"):
        check.main()
    assert containers.asked[-1] == "down"
