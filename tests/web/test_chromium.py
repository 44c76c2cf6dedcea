"""The pages in a real browser, by keyboard alone, with a quiet console."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.web.chromium import PROGRAM, Tab, tab
from tests.web.conftest import HOSTILE, LOCAL, Pages
from tests.web.test_pages import addresses, ids

from tollspan_rater.api.app import create_app
from tollspan_rater.config.model import Tls
from tollspan_rater.server.serving import HttpServer
from tollspan_rater.web.app import page_routes

pytestmark = pytest.mark.skipif(
    PROGRAM is None, reason="NO BROWSER: apt-get install chromium; until then nothing checks the pages in a browser"
)


@pytest.fixture
def site(pages: Pages) -> Iterator[str]:
    names = (f"browser-{number}" for number in range(100))
    routes = page_routes(pages.rater, LOCAL, pages.rater.clock, lambda: next(names))
    server = HttpServer(create_app(pages.rater, LOCAL, more=routes), "127.0.0.1:0", Tls(), "listen.api", mutual=False)
    server.start()
    yield f"http://127.0.0.1:{server.port}"
    server.stop()


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Tab]:
    with tab(tmp_path / "profile") as one:
        yield one


def press_until(browser: Tab, words: str) -> None:
    for _ in range(80):
        browser.press("Tab")
        if words in browser.focus():
            return
    raise AssertionError(f"the key Tab never came to {words!r}")


def test_by_keyboard_from_signing_in_to_a_call_and_a_quiet_console(browser: Tab, site: str, pages: Pages) -> None:
    browser.open(f"{site}/")
    assert browser.focus() == "key"
    browser.write(LOCAL)
    with browser.loading():
        browser.press("Enter")
    assert browser.ask("document.title") == "Overview of 2026-12 - tollspan"
    browser.press("Tab")
    assert browser.focus() == "Skip to the content"
    line = str(ids(pages, "invoice", customer=HOSTILE)[1]["line_id"])
    for words in (HOSTILE, line, "c_"):
        press_until(browser, words)
        with browser.loading():
            browser.press("Enter")
    assert str(browser.ask("document.title")).startswith("Call c_")
    for address in addresses(pages):
        browser.open(site + address)
        assert browser.ask("document.querySelectorAll('script, img, svg, b, u, i').length") == 0
        assert browser.ask("getComputedStyle(document.querySelector('h1')).overflowWrap") == "anywhere"
    assert browser.complaints == [], "\n".join(browser.complaints)
    assert browser.ask("document.cookie") == ""
    # The tool sees what a page would do: the policy stops a script that gets in all the same.
    browser.ask("document.body.append(Object.assign(document.createElement('script'), {text: 'window.ran = 1'}))")
    assert browser.ask("window.ran === undefined") is True
    assert any("Content Security Policy" in said or "ContentSecurityPolicy" in said for said in _heard(browser))


def _heard(browser: Tab) -> list[str]:
    browser.ask("1")
    return browser.complaints
