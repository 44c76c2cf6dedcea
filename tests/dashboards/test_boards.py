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
from tests.dashboards.conftest import Served
from tests.dashboards.prometheus import PrometheusProcess

BOARDS: dict[str, dict[str, Any]] = {path.stem: json.loads(path.read_text()) for path in sorted(FOLDER.glob("*.json"))}
SOURCES = REPOSITORY / "dashboards/grafana/provisioning/datasources/tollspan.yaml"
NOT_IN_THE_DEMO = {"ttft_ms", "prompt", "prompt_version"}  # its calls do not stream, nor name prompts


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


def test_traceql_sums_leave_out_what_has_no_amount_and_write_floats() -> None:
    asked = [panel["targets"][0]["query"] for _uid, panel in panels() if panel["datasource"]["uid"] == "tempo"]
    assert len(asked) == 3
    for query in asked:
        for name in re.findall(r"span\.tollspan\.(?:cost|margin)", query):
            assert f"{name} != nil" in query
        assert not re.search(r"[<>] ?\d+(?![\d.])", query)


def answered(served: Served, target: dict[str, Any]) -> list[dict[str, Any]]:
    """Ask what a target asks, with Grafana's variables put in, and return the cells that its columns select."""
    now = datetime.now(UTC)
    call = served.rater.calls()[0]
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
    for name in found[0].keys() - NOT_IN_THE_DEMO:
        assert any(row[name] is not None for row in found), name


@pytest.mark.parametrize(("title", "target"), queries("prometheus"))
def test_every_promql_of_a_panel_has_data(prometheus: PrometheusProcess, title: str, target: dict[str, Any]) -> None:
    assert prometheus.query(target["expr"])


def test_variables_and_price_changes_have_rows(demo: Served) -> None:
    [variable] = BOARDS["tollspan-customer"]["templating"]["list"]
    assert len(answered(demo, variable["query"]["infinityQuery"])) == 30
    for board in BOARDS.values():
        [prices] = [each for each in board["annotations"]["list"] if each["name"] == "Price changes"]
        [change] = answered(demo, prices["target"])
        assert change["author"] == "demo"


def test_the_heavy_users_are_those_of_usage(demo: Served) -> None:
    [target] = [panel["targets"][0] for _uid, panel in panels() if panel["title"] == "Heavy users"]
    charged = {row["customer"]: row["charge"] for row in answered(demo, target)}
    calls = demo.rater.calls()
    sums = dict.fromkeys((str(call["customer"]) for call in calls), Decimal(0))
    for call in calls:
        sums[str(call["customer"])] += Decimal(str(call["charge"] or 0))
    assert charged == sums
