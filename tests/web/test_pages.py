"""What the pages show: the query layer's own numbers, escaped, for those who may see them."""

from __future__ import annotations

import html
import re
from decimal import Decimal
from html.parser import HTMLParser
from typing import Any
from urllib.parse import quote

import pytest
from starlette.testclient import TestClient
from tests.web.conftest import HOSTILE, MODEL, Pages

from tollspan_rater.query.answer import Answer
from tollspan_rater.query.questions import question
from tollspan_rater.web.cell import UNKNOWN, cell, number, of_customer

ALLOWED_TAGS = {
    *("html", "head", "meta", "title", "link", "body", "a", "header", "nav", "span", "form", "button", "main"),
    *("h1", "h2", "p", "div", "section", "table", "thead", "tbody", "tfoot", "tr", "th", "td", "ul", "li"),
    *("dl", "dt", "dd", "label", "input", "br", "code"),
}


class Seen(HTMLParser):
    """The tags, links and text of a page as a browser reads them."""

    def __init__(self, body: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.links: list[str] = []
        self.text = ""
        self.feed(body)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.links += [value or "" for name, value in attrs if tag == "a" and name == "href"]

    def handle_data(self, data: str) -> None:
        self.text += data


def seen(client: TestClient, path: str) -> Seen:
    response = client.get(path)
    assert response.status_code == 200, response.text
    return Seen(response.text)


def ids(pages: Pages, name: str, **params: str) -> list[dict[str, object]]:
    given = {key: [value] for key, value in params.items()}
    return [dict(row) for row in pages.rater.ask(name, question(name).read(given), tenant="default").rows]


def addresses(pages: Pages) -> list[str]:
    call = ids(pages, "calls", customer=HOSTILE)[0]
    line = ids(pages, "invoice", customer=HOSTILE)[1]
    trace = call["trace_ids"]
    assert isinstance(trace, list)
    return [
        "/pages/",
        "/pages/?month=2026-11",
        f"/pages/customer?customer={quote(HOSTILE)}",
        "/pages/customer?customer=acme&period=2026-11",
        f"/pages/call?id={call['call_id']}",
        f"/pages/explain?id={line['line_id']}",
        f"/pages/explain?id={trace[0]}",
        "/pages/explain",
        "/pages/audit",
    ]


def test_names_full_of_html_are_text_on_every_page(pages: Pages) -> None:
    browser = pages.browser("admin")
    said = ""
    for address in addresses(pages):
        page = seen(browser, address)
        assert page.tags <= ALLOWED_TAGS, address
        assert not {name for name in page.attributes if name.startswith("on") or name == "style"}, address
        said += page.text
    assert HOSTILE in said
    assert MODEL in said
    assert "<u>chat 2</u>" in said


def test_a_link_of_each_kind_leads_to_a_page(pages: Pages) -> None:
    browser = pages.browser("admin")
    some = [address for address in addresses(pages) if "?" in address][1:5:2]
    found = {link for address in some for link in seen(browser, address).links}
    assert {link.partition("?")[0] for link in found} >= {
        f"/pages/{name}" for name in ("", "customer", "call", "audit")
    }
    of_each_kind = {re.sub(r"=[^&]*", "", link): link for link in sorted(found) if link.startswith("/")}
    wrong = [link for link in of_each_kind.values() if browser.get(link).status_code != 200]
    assert wrong == []


def test_an_invoice_line_leads_to_its_explanation_and_that_to_its_calls(pages: Pages) -> None:
    browser = pages.browser("admin")
    lines = [link for link in seen(browser, "/pages/customer?customer=acme").links if "id=ln_" in link]
    assert len(lines) == 3
    calls = {link for line in lines for link in seen(browser, line).links if "/call?id=c_" in link}
    assert calls == {
        f"/pages/call?id={row['call_id']}" for row in ids(pages, "calls", customer="acme", **{"from": "2026-12-01"})
    }
    assert [link for link in seen(browser, min(calls)).links if "id=ln_" in link]


def test_numbers_are_those_of_the_query_layer(pages: Pages) -> None:
    text = seen(pages.browser("admin"), "/pages/?month=2026-12").text
    for name in ("usage", "margin"):
        answer = pages.rater.ask(
            name,
            question(name).read({"by": ["customer"], "from": ["2026-12-01"], "to": ["2027-01-01"]}),
            tenant="default",
        )
        for row in [*answer.rows, answer.totals or {}]:
            for column in {"charge", "cost", "revenue", "margin", "calls"} & row.keys():
                value = row[column]
                assert value is not None
                unit = "" if column == "calls" else f" {row['cost_currency' if column == 'cost' else 'currency']}"
                assert number(value) + unit in text, (name, column)  # type: ignore[arg-type]


def test_each_page_says_position_and_zone_and_keeps_them(pages: Pages) -> None:
    browser = pages.browser("admin")
    first = seen(browser, "/pages/customer?customer=acme")
    position = re.search(r"As of journal position (\d+), days in zone UTC", first.text)
    assert position is not None
    kept = next(link for link in first.links if "as_of=" in link)
    assert f"as_of={position[1]}" in kept
    assert seen(browser, kept).text.count(f"journal position {position[1]}") == 1
    early = seen(browser, "/pages/customer?customer=acme&period=2026-12&as_of=8").text
    assert "position 8," in early


def test_the_audit_is_that_of_the_asked_position_and_names_the_senders(pages: Pages) -> None:
    browser = pages.browser("admin")
    now, then = (seen(browser, f"/pages/audit{asked}").text for asked in ("", "?as_of=9"))
    assert "p-default" in now
    assert "position 9," in then
    applied, earlier = (re.search(r"applied = last position\s*([\d,]+)", text) for text in (now, then))
    assert applied is not None
    assert earlier is not None
    assert earlier[1] == "990"  # both sides, and their difference
    assert applied[1] != "990"


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("/pages/?month=2020-01", "No usage in this month"),
        ("/pages/customer?customer=acme&period=2020-01", "No calls in this period"),
        ("/pages/explain", "Give a trace id"),
    ],
)
def test_where_there_is_nothing_a_sentence_says_so(pages: Pages, address: str, words: str) -> None:
    assert words in seen(pages.browser("admin"), address).text


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("/pages/customer?customer=nobody", 404),
        ("/pages/customer", 400),
        ("/pages/call?id=c_0123", 404),
        ("/pages/call?id=x", 400),
        ("/pages/explain?id=<script>", 404),
        ("/pages/?month=2026-13", 400),
        ("/pages/?month=0000-01", 400),
        ("/pages/?month=9999-12", 400),
        ("/pages/?as_of=999999", 400),
        ("/pages/nothing", 404),
    ],
)
def test_what_cannot_be_shown_is_a_page_with_the_reason(pages: Pages, address: str, status: int) -> None:
    response = pages.browser("admin").get(address)
    assert (response.status_code, response.headers["Content-Type"]) == (status, "text/html; charset=utf-8")
    assert 'role="alert"' in response.text
    assert "<script" not in response.text


def test_calls_go_on_on_the_next_page(pages: Pages, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tollspan_rater.web.customer.CALLS_A_PAGE", "2")
    browser = pages.browser("acme")
    first = browser.get("/pages/customer").text
    more = re.findall(r'href="([^"]*cursor=[^"]*)"', first)
    assert len(more) == 1
    assert "Calls, continued" in browser.get(html.unescape(more[0])).text


def test_a_customers_key_sees_its_own_page_without_cost_and_margin(pages: Pages) -> None:
    browser = pages.browser("acme")
    assert str(browser.get("/pages/").url).endswith("/pages/customer")
    page = seen(browser, f"/pages/customer?customer={quote(HOSTILE)}")
    assert "Customer acme" in page.text
    assert not re.search(r"\b(cost|margin)\b", page.text, re.IGNORECASE)
    assert HOSTILE not in page.text
    assert not [link for link in page.links if "id=" in link]
    for other in ("call?id=c_1", "explain?id=ln_1", "explain?id=0", "audit"):
        assert browser.get(f"/pages/{other}").status_code == 403, other


def test_a_usage_key_sees_no_money(pages: Pages) -> None:
    browser = pages.browser("usage")
    for address in ("/pages/?month=2026-12", "/pages/customer?customer=acme"):
        page = seen(browser, address)
        assert "3,006" in page.text
        assert "USD" not in page.text
    assert browser.get("/pages/audit").status_code == 403


def test_a_key_for_sending_sees_nothing(pages: Pages) -> None:
    browser = pages.browser("ingest")
    assert [browser.get(f"/pages/{name}").status_code for name in ("", "customer?customer=acme", "audit")] == [403] * 3


@pytest.mark.parametrize("address", ["/pages/?month=2026-12", "/pages/customer?customer=acme"])
def test_all_parts_of_a_page_are_of_one_position(pages: Pages, monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    browser, asked = pages.browser("admin"), []
    answer = pages.rater.ask

    def ask(name: str, params: dict[str, str], *, tenant: str) -> Answer:
        asked.append(params.get("as_of"))
        return answer(name, params, tenant=tenant)

    monkeypatch.setattr(pages.rater, "ask", ask)
    position = re.search(r"journal position (\d+)", seen(browser, address).text)
    assert position is not None
    assert asked == [None, *[position[1]] * (len(asked) - 1)]
    assert len(asked) > 3


def test_links_carry_the_moment_on_that_was_asked_for(pages: Pages) -> None:
    browser = pages.browser("admin")
    for address in ("/pages/?as_of=10", "/pages/customer?customer=acme&as_of=10"):
        links = [link for link in seen(browser, address).links if re.search(r"[?&](id|customer|month)=", link)]
        assert links
        assert [link for link in links if "as_of=10" not in link] == []


def test_usage_that_is_nobodys_leads_nowhere() -> None:
    assert of_customer("unattributed") is None


@pytest.mark.parametrize(
    ("row", "text"),
    [
        ({"charge": Decimal("1234.50"), "currency": "EUR"}, "1,234.50 EUR"),
        ({"charge": Decimal("0E-9"), "currency": "EUR"}, "0.000000000 EUR"),
        ({"charge": Decimal(3), "currency": None}, "3"),
        ({"charge": None, "currency": "EUR"}, None),
        ({"charge": True}, "yes"),
    ],
)
def test_amounts_keep_their_digits_and_unknown_is_not_zero(row: dict[str, Any], text: str | None) -> None:
    shown = cell(row, "charge")
    assert (shown == UNKNOWN) is (text is None)
    assert "".join(part.text for part in shown.parts) == (text or "")
