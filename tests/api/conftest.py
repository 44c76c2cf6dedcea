"""The API before a rater that notes what it is told, and two ways to it: as a stranger and as tollspan's client."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient
from tests.fake_rater import FakeRater

from tollspan_rater.api.app import create_app
from tollspan_rater.api.client import HttpDoor
from tollspan_rater.domain.identity import Identity
from tollspan_rater.query.rater import SCOPES

LOCAL = "local-token"


@pytest.fixture
def rater() -> FakeRater:
    keys = {f"key-{scope}": Identity("t1", f"id-{scope}", frozenset({scope})) for scope in SCOPES}
    keys["key-customer-query"] = Identity("t1", "id-customer", frozenset({"customer-query"}), "acme")
    return FakeRater(keys=keys)


@pytest.fixture
def http(rater: FakeRater) -> Iterator[TestClient]:
    with TestClient(create_app(rater, LOCAL), raise_server_exceptions=False) as client:
        yield client


@pytest.fixture
def door(http: TestClient) -> HttpDoor:
    http.headers["Authorization"] = f"Bearer {LOCAL}"
    return HttpDoor(http)
