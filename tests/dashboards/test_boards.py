"""The committed dashboards are what the code makes, hang together, and each of their queries has an answer."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import combinations
from typing import Any

import pytest
import yaml
from dashboards.__main__ import FOLDER, documents

from tests.collector.process import REPOSITORY
from tests.dashboards.conftest import CUSTOMERS, Served
from tests.dashboards.prometheus import PrometheusProcess
from tests.trace_out.traceql import answer

BOARDS: dict[str, dict[str, Any]] = {path.stem: json.loads(path.read_text()) for path in sorted(FOLDER.glob("*.json"))}
SOURCES = REPOSITORY / "dashboards/grafana/provisioning/datasources/tollspan.yaml"
MONEY = {"charge", "cost", "revenue", "margin", "amount"}
CURRENCIES = {"currency", "cost_currency"}


def panels() -> Iterator[tuple[str, dict[str, Any]]]:
    for uid, board in BOARDS.items():
        for panel in board["panels"]:
            yield uid, panel


def queries(source: str) -> list[Any]:
    found = [(uid, panel) for uid, panel in panels() if panel["datasource"]["uid"] == source]
    return [pytest.param(panel["title"], panel["targets"][0], id=f"{uid}: {panel['title']}") for uid, panel in found]


def test_the_committed_json_is_what_the_code_makes() -> None:
    assert dict(documents()) == {path.name: path.read_text() for path in FOLDER.glob("*.json")}


@pytest.mark.parametrize("uid", BOARDS)
def test_panels_do_not_lie_on_each_other_and_say_what_they_show(uid: str) -> None:
    board = BOARDS[uid]
    assert board["uid"] == uid
    assert {link["url"] for link in board["links"]} == {f"/d/{other}" for other in BOARDS if other != uid}
    placed = [panel["gridPos"] for panel in board["panels"]]
    for one, other in combinations(placed, 2):
        beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        above = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        assert beside or above, (one, other)
    assert len({panel["title"] for panel in board["panels"]}) == len(placed)
    assert all(panel["fieldConfig"]["defaults"]["noValue"] for panel in board["panels"])


def test_every_source_is_provisioned() -> None:
    provisioned = {source["uid"]: source["type"] for source in yaml.safe_load(SOURCES.read_text())["datasources"]}
    for _uid, panel in panels():
        for place in (panel, *panel["targets"]):
            assert provisioned[place["datasource"]["uid"]] == place["datasource"]["type"]


def test_traceql_has_the_forms_that_were_tried_on_a_tempo() -> None:
    """Sums leave out what has no amount, or they are wrong without a word; numbers are written as floats."""
    asked = [panel["targets"][0]["query"] for _uid, panel in panels() if panel["datasource"]["uid"] == "tempo"]
    assert len(asked) == 3
    for query in asked:
        assert answer(query, []) == {}


def test_nothing_is_streamed_from_a_tempo_that_does_not_stream() -> None:
    """Streaming needs stream_over_http_enabled on the other side; without it every search is refused."""
    [tempo] = [one for one in yaml.safe_load(SOURCES.read_text())["datasources"] if one["uid"] == "tempo"]
    assert tempo["jsonData"]["streamingEnabled"] == {"search": False, "metrics": False}


HOURS = {"h": 1, "d": 24}
TEMPO = yaml.safe_load((REPOSITORY / "compose/tempo.yaml").read_text())["query_frontend"]


def hours(said: str) -> int:
    return int(said[:-1]) * HOURS[said[-1]]


@pytest.mark.parametrize("uid", BOARDS)
def test_the_first_look_is_not_too_long_for_tempo(uid: str) -> None:
    """A Tempo left as it is answers metrics of 24 hours at most, that of compose those of every board's first look."""
    shown = hours(BOARDS[uid]["time"]["from"].removeprefix("now-"))
    assert shown < min(hours(TEMPO[of]["max_duration"]) for of in ("metrics", "search"))
    asks_tempo = any(panel["datasource"]["uid"] == "tempo" for panel in BOARDS[uid]["panels"])
    assert shown < 24 or not asks_tempo


def answered(served: Served, target: dict[str, Any]) -> list[dict[str, Any]]:
    """Ask what a target asks, with Grafana's variables put in, and return the cells that its columns select."""
    asked = json.dumps(target)
    if asked not in served.known:
        served.known[asked] = asked_now(served, target)
    return served.known[asked]


def asked_now(served: Served, target: dict[str, Any]) -> list[dict[str, Any]]:
    now = datetime.now(UTC)
    call = served.call
    values = {
        "${__timeFrom}": (now - timedelta(days=7)).isoformat(timespec="milliseconds"),
        "${__timeTo}": now.isoformat(timespec="milliseconds"),
        "${customer}": str(call["customer"]),
        "${id}": str(call["call_id"]),
    }
    params = {each["key"]: values.get(each["value"], each["value"]) for each in target["url_options"]["params"]}
    said = served.rater.get(target["url"], served.key, params)
    assert said.status_code == 200, said.text
    document = said.json()
    for column in target["columns"]:
        assert column["selector"].partition(".")[0] in document["columns"], column
    return [
        {column["selector"]: cell(row, column["selector"], column["type"]) for column in target["columns"]}
        for row in document[target["root_selector"]]
    ]


def cell(row: dict[str, Any], selector: str, kind: str) -> Any:
    name, _, place = selector.partition(".")
    value = row[name][int(place)] if place else row[name]
    if value is None or kind == "string":
        return value
    return Decimal(str(value)) if kind == "number" else datetime.fromisoformat(value)


@pytest.mark.parametrize(("title", "target"), queries("rater"))
def test_every_question_of_a_panel_has_rows(demo: Served, title: str, target: dict[str, Any]) -> None:
    found = answered(demo, target)
    assert found
    for name in found[0]:
        assert any(row[name] is not None for row in found), name


@pytest.mark.parametrize(("title", "target"), queries("prometheus"))
def test_every_promql_of_a_panel_has_data(prometheus: PrometheusProcess, title: str, target: dict[str, Any]) -> None:
    assert prometheus.query(target["expr"])


def test_variables_and_price_changes_have_rows(demo: Served) -> None:
    [variable] = [each for each in BOARDS["tollspan-customer"]["templating"]["list"] if each["type"] == "query"]
    assert len(answered(demo, variable["query"]["infinityQuery"])) == CUSTOMERS
    for board in BOARDS.values():
        [prices] = [each for each in board["annotations"]["list"] if each["name"] == "Price changes"]
        [change] = answered(demo, prices["target"])
        assert (change["note"], change["author"]) == ("demo", "test")


def test_a_price_change_is_told_by_its_note() -> None:
    """Grafana reads a mark's words from columns with these names, else from the first text: a version's id."""
    for board in BOARDS.values():
        [prices] = [each for each in board["annotations"]["list"] if each["name"] == "Price changes"]
        titles = {column["selector"]: column["text"] for column in prices["target"]["columns"]}
        assert titles == {"recorded_at": "time", "version": "title", "note": "text", "author": "tags"}


def test_money_says_its_currency_and_time_its_unit() -> None:
    for uid, panel in panels():
        overrides = {
            each["matcher"]["options"]: told["value"]
            for each in panel["fieldConfig"]["overrides"]
            for told in each["properties"]
            if told["id"] == "unit"
        }
        for target in panel["targets"]:
            columns = {column["selector"] for column in target.get("columns", ())}
            assert not columns & MONEY or columns & CURRENCIES, (uid, panel["title"])
            for column in columns:
                unit = "ms" if "_ms" in column else "percent" if column.endswith("_percent") else None
                shown = overrides.get(column, panel["fieldConfig"]["defaults"].get("unit"))
                assert unit in {None, shown}, (uid, panel["title"], column)
            if re.search(r"(charge|cost|revenue)\b", target.get("expr", "")):
                assert "{{currency}}" in target["legendFormat"]


def test_prices_are_marked_on_every_board_and_nothing_is_an_empty_frame() -> None:
    for uid, board in BOARDS.items():
        marks = [each for each in board["annotations"]["list"] if each["name"] == "Price changes"]
        assert [mark["enable"] for mark in marks] == [True], uid
        for panel in board["panels"]:
            words = panel["fieldConfig"]["defaults"]["noValue"]
            assert words in {"none yet", "nothing in this time"}


@pytest.mark.parametrize(("title", "target"), queries("rater"))
def test_where_there_is_nothing_a_panel_has_no_rows_and_no_error(
    empty: Served, title: str, target: dict[str, Any]
) -> None:
    params = {"${customer}": "nobody", "${id}": "", "${__timeFrom}": "2026-01-01", "${__timeTo}": "2026-01-02"}
    asked = {each["key"]: params.get(each["value"], each["value"]) for each in target["url_options"]["params"]}
    said = empty.rater.get(target["url"], empty.key, asked)
    assert said.status_code == 200, said.text
    assert title == "Audit" or said.json()["rows"] == []
