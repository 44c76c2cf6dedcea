"""Signing in: who gets a session, from where, for how long; what a browser is told to forbid."""

from __future__ import annotations

import pytest
from starlette.testclient import TestClient
from tests.fake_rater import FakeRater
from tests.web.conftest import LOCAL, Pages

from tollspan_rater.api.access import Denied, Gate
from tollspan_rater.domain.clock import FixedClock
from tollspan_rater.domain.identity import Identity
from tollspan_rater.web.address import within
from tollspan_rater.web.session import LASTS_S, MOST, Sessions

SECOND = 1_000_000_000


def sessions(rater: FakeRater, clock: FixedClock) -> Sessions:
    names = (f"name-{number}" for number in range(2 * MOST))
    return Sessions(Gate(rater, LOCAL), clock, lambda: next(names))


@pytest.fixture
def rater() -> FakeRater:
    return FakeRater(keys={"key": Identity("t1", "id", frozenset({"query"}))})


def test_a_session_ends_by_time_by_signing_out_and_with_its_key(rater: FakeRater) -> None:
    clock = FixedClock(0)
    known = sessions(rater, clock)
    first, second, third = (known.begin("key", "", "192.0.2.1") for _ in range(3))
    known.end(first)
    clock.set(LASTS_S * SECOND - 1)
    assert known.identity(second, "192.0.2.1").tenant == "t1"
    with pytest.raises(Denied):
        known.identity(first, "192.0.2.1")
    clock.set(LASTS_S * SECOND)
    with pytest.raises(Denied):
        known.identity(second, "192.0.2.1")
    clock.set(0)
    rater.keys.clear()
    with pytest.raises(Denied):
        known.identity(third, "192.0.2.1")


def test_the_oldest_session_gives_way(rater: FakeRater) -> None:
    known = sessions(rater, FixedClock(0))
    names = [known.begin("key", "", None) for _ in range(MOST + 1)]
    with pytest.raises(Denied):
        known.identity(names[0], None)
    assert known.identity(names[1], None).key_id == "id"


@pytest.mark.parametrize(
    ("peer", "opens"), [("127.0.0.1", True), ("::1", True), ("192.0.2.1", False), (None, False), ("x", False)]
)
def test_the_local_token_opens_on_this_machine_only(rater: FakeRater, peer: str | None, opens: bool) -> None:
    known = sessions(rater, FixedClock(0))
    if opens:
        assert known.identity(known.begin(LOCAL, "t2", peer), peer).tenant == "t2"
    else:
        with pytest.raises(Denied):
            known.begin(LOCAL, "", peer)
        with pytest.raises(Denied):
            known.identity(known.begin(LOCAL, "", "127.0.0.1"), peer)


def test_without_a_session_every_page_asks_to_sign_in_and_comes_back(pages: Pages) -> None:
    browser = pages.browser()
    for name in ("", "customer?customer=acme", "call?id=c_1", "explain", "audit"):
        response = browser.get(f"/pages/{name}", follow_redirects=False)
        assert (response.status_code, response.text) == (303, "")
    form = browser.get("/pages/customer?customer=acme&period=2026-11")
    assert 'value="/pages/customer?customer=acme&amp;period=2026-11"' in form.text
    came = browser.post("/pages/sign-in", data={"key": LOCAL, "next": "/pages/customer?customer=acme"})
    assert "Customer acme" in came.text


def test_a_wrong_key_shows_the_form_again_and_never_the_key(pages: Pages) -> None:
    response = pages.browser().post("/pages/sign-in", data={"key": "tsk_wrong", "next": "/pages/audit"})
    assert response.status_code == 401
    assert "unknown or was revoked" in response.text
    assert "tsk_wrong" not in response.text
    assert "set-cookie" not in response.headers


def test_another_tenant_is_refused(pages: Pages) -> None:
    response = pages.browser().post("/pages/sign-in", data={"key": pages.keys["admin"], "tenant": "south"})
    assert response.status_code == 403


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://testserver.evil.example"])
def test_forms_of_other_sites_are_refused(pages: Pages, origin: str) -> None:
    browser = pages.browser("admin")
    for path in ("sign-in", "sign-out"):
        assert browser.post(f"/pages/{path}", data={"key": LOCAL}, headers={"Origin": origin}).status_code == 403
    assert browser.get("/pages/explain").status_code == 200


def test_signing_out_ends_the_session(pages: Pages) -> None:
    browser = pages.browser("admin")
    kept = dict(browser.cookies)
    browser.post("/pages/sign-out", headers={"Origin": "http://testserver"})
    assert dict(browser.cookies) == {}
    assert browser.get("/pages/", cookies=kept, follow_redirects=False).status_code == 303


def test_a_long_form_is_refused(pages: Pages) -> None:
    assert pages.browser().post("/pages/sign-in", data={"key": "x" * 10_000}).status_code == 400


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_the_cookie_is_for_the_pages_alone(pages: Pages, scheme: str) -> None:
    browser = TestClient(pages.browser().app, base_url=f"{scheme}://testserver", client=("127.0.0.1", 1))
    cookie = browser.post("/pages/sign-in", data={"key": LOCAL}, follow_redirects=False).headers["set-cookie"].lower()
    assert {"httponly", "path=/pages", "samesite=lax"} <= set(cookie.split("; "))
    assert ("secure" in cookie.split("; ")) == (scheme == "https")
    assert LOCAL not in cookie


@pytest.mark.parametrize(
    "path", ["/", "/pages/explain", "/pages/sign-in", "/pages/nothing", "/pages/style.css", "/pages/call?id=x"]
)
def test_headers_forbid_what_comes_from_elsewhere(pages: Pages, path: str) -> None:
    for name in (None, "admin"):
        response = pages.browser(name).get(path, follow_redirects=False)
        policy = response.headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'")
        assert "unsafe" not in policy
        assert "script-src" not in policy
        assert response.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    ("address", "onward"),
    [
        ("/pages/audit", "/pages/audit"),
        ("/pages/customer?customer=a//b", "/pages/customer?customer=a//b"),
        ("//evil.example", "/pages/"),
        ("/pages//evil.example", "/pages/"),
        ("https://evil.example/pages/", "/pages/"),
        ("/v1/usage", "/pages/"),
        ("/pages/\\evil", "/pages/"),
        ("/pages/a\r\nSet-Cookie: x", "/pages/"),
        ("", "/pages/"),
    ],
)
def test_nobody_is_sent_elsewhere(address: str, onward: str) -> None:
    assert within(address) == onward
