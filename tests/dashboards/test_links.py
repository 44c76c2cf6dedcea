"""Links lead from a cell to a board, a trace or a page that there is."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.dashboards.conftest import Served
from tests.dashboards.test_boards import BOARDS, answered, panels


def linked() -> list[Any]:
    """Return every link of a cell with its board and the columns that stand beside it."""
    return [
        pytest.param(uid, panel, override["matcher"]["options"], link, id=f"{uid}: {panel['title']}: {link['title']}")
        for uid, panel in panels()
        for override in panel["fieldConfig"]["overrides"]
        for told in override["properties"]
        if told["id"] == "links"
        for link in told["value"]
    ]


@pytest.fixture(scope="module")
def reader(demo: Served) -> Iterator[httpx.Client]:
    """A browser whose reader has signed in with the key."""
    with httpx.Client(base_url=f"http://{demo.rater.api}", follow_redirects=True, timeout=60, trust_env=False) as one:
        one.post("/pages/sign-in", data={"key": demo.key})
        yield one


PLACES = re.compile(r"^(/d/(?P<board>[a-z-]+)\?|/explore\?|\$\{pages\}(?P<page>/pages/\w+)\?)")
OF_GRAFANA = {"__value.raw", "__url_time_range", "__from", "__to"}


@pytest.mark.parametrize(("uid", "panel", "column", "link"), linked())
def test_a_link_leads_from_a_shown_cell_to_what_there_is(
    demo: Served, reader: httpx.Client, uid: str, panel: dict[str, Any], column: str, link: dict[str, str]
) -> None:
    url = link["url"]
    place = PLACES.match(url)
    assert place is not None, url
    variables = {each["name"] for each in BOARDS[uid]["templating"]["list"]}
    assert set(re.findall(r"\$\{([\w.]+)\}", url)) <= variables | OF_GRAFANA
    if panel["datasource"]["uid"] == "tempo":
        assert column == "traceID"
        value = str(demo.call["trace_ids"][0])
    else:
        value = str(next(row[column] for row in answered(demo, panel["targets"][0]) if row[column]))
    if place["board"]:
        wanted = re.findall(r"[?&]var-(\w+)=", url)
        assert set(wanted) <= {each["name"] for each in BOARDS[place["board"]]["templating"]["list"]}
    elif place["page"]:
        address = url.replace("${pages}", f"http://{demo.rater.api}").replace("${__value.raw}", value)
        said = reader.get(address)
        assert said.status_code == 200, said.text
        assert value in said.text
    else:
        panes = json.loads(url.partition("panes=")[2])
        for pane in panes.values():
            assert pane["datasource"] == pane["queries"][0]["datasource"]["uid"] == "tempo"
            assert pane["queries"][0]["query"] == "${__value.raw}"
            assert re.fullmatch("[0-9a-f]{32}", value)


def test_every_board_leads_to_a_trace_or_a_page_where_it_lists_ids() -> None:
    for uid, panel in panels():
        columns = {column["selector"] for target in panel["targets"] for column in target.get("columns", ())}
        named = {each["matcher"]["options"] for each in panel["fieldConfig"]["overrides"]}
        assert columns & {"call_id", "trace_ids.0", "line_id"} <= named, (uid, panel["title"])
