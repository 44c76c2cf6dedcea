"""Who may scrape: figures hold every customer's money, so a key that may ask for it, and its own tenant's."""

from __future__ import annotations

import pytest
from starlette.testclient import TestClient
from tests.fake_rater import FakeRater

from tollspan_rater.api.app import create_app
from tollspan_rater.query.rater import SCOPES


def scrape(tenant: str, accept: str) -> tuple[bytes, str]:
    return f"of {tenant}, {accept}".encode(), "text/plain; version=0.0.4"


@pytest.mark.parametrize("scope", SCOPES)
def test_a_scrape_needs_a_key_that_may_ask_about_everything(rater: FakeRater, scope: str) -> None:
    with TestClient(create_app(rater, "local-token", scrape)) as http:
        said = http.get("/metrics", headers={"Authorization": f"Bearer key-{scope}", "Accept": "text/plain"})
    assert said.status_code == (200 if scope in {"query", "admin"} else 403)
    assert (said.text == "of t1, text/plain") == (said.status_code == 200)


def test_nobody_scrapes_without_a_key(rater: FakeRater) -> None:
    with TestClient(create_app(rater, "local-token", scrape)) as http:
        assert http.get("/metrics").status_code == 401


def test_a_door_without_figures_says_so(http: TestClient) -> None:
    assert http.get("/metrics", headers={"Authorization": "Bearer key-query"}).status_code == 404
