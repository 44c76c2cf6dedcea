"""What the page about the query API shows works as it stands there, before a real rater."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from unittest.mock import patch

import pytest
from tests.api.market import Market, market
from tests.api.test_python_client import Through
from tests.docs.pages import ROOT, blocks

from tollspan_rater import client

PAGE = (ROOT / "docs/concepts/query-api.md").read_text()
ADDRESSES = re.findall(r"/v1/[^`\s\"]+", PAGE)
KEYS = re.findall(r"`tollspan keys create --scope ([a-z-]+)", PAGE)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Market]:
    with market(tmp_path_factory.mktemp("market")) as made:
        yield made


@pytest.mark.parametrize("address", ADDRESSES)
def test_every_address_of_the_page_has_an_answer(shop: Market, address: str) -> None:
    trace_id = shop.get(("north", "query"), "calls", limit=1).json()["rows"][0]["trace_ids"][0]
    answer = shop.http.get(address.replace("TRACE_ID", trace_id), headers=shop.keys["north", "query"])
    assert answer.status_code == 200, answer.text


def test_the_addresses_are_found() -> None:
    assert len(ADDRESSES) >= 18
    assert {"customer-query", "usage", "pricing", "query"} == set(KEYS)


def test_the_python_of_the_page_runs(shop: Market, capsys: pytest.CaptureFixture[str]) -> None:
    [code] = [block.text for block in blocks(PAGE) if block.language == "python"]
    token = shop.keys["north", "query"]["Authorization"].removeprefix("Bearer ")
    with patch.object(client, "Client", partial(client.Client, transport=Through(shop))):
        exec(code.replace("tsk_...", token), {})  # noqa: S102 - the words of our own page
    assert capsys.readouterr().out.count("2026-") == 5
