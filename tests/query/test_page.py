"""Bills as a page: readable, whole, and deaf to whatever names hold."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest

from query.shop import Shop, card, plan
from tollspan_rater.query.page import POLICY, as_html
from tollspan_rater.query.render import as_csv

EVIL = "<script>alert(1)</script>&\"'"
FILES = {
    "card.yaml": card([{"input": {"graduated": [{"up_to": "1000", "price": "0.003"}, {"price": "0.001"}]}}]),
    "plan.yaml": plan("pro", base_fee="1234.5", title=EVIL),
}


class Page(HTMLParser):
    """The tags, the attributes and the words of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: set[str] = set()
        self.open: list[str] = []
        self.words = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes.update(name for name, _ in attrs)
        if tag not in {"meta", "br"}:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open[-1:] != ["style"]:
            self.words += data + "\n"


@pytest.fixture
def billed(shop: Shop) -> Shop:
    shop.price(FILES)
    shop.customer("a", plan="pro")
    shop.customer(EVIL, plan="pro")
    shop.send(shop.call("2026-11-03T10:00Z", {"input": 1_500}, customer="a"))
    return shop


def test_a_bill_can_be_read(billed: Shop) -> None:
    answer = billed.ask("invoice", customer="a", period="2026-11")
    page = Page(as_html(answer))
    assert page.open == []
    for words in (
        "Invoice of a, 2026-11",
        "Draft: the period has ended and is not closed",
        "1,234.50 USD",
        "up to 1,000: 1,000 x 0.003 = 3",
        "1,238.00 USD",
        "Amounts are net of tax.",
        f"As of journal position {answer.as_of}, zone UTC.",
        str(answer.rows[1]["line_id"]),
    ):
        assert words in page.words, words


def test_the_state_stands_in_every_row_and_on_the_page(billed: Shop) -> None:
    running = billed.ask("invoice", customer="a")
    assert {row["state"] for row in running.rows} == {"preview"}
    assert "Preview: the period is running" in Page(as_html(running)).words


@pytest.mark.parametrize(
    "asked", [("invoice", {"all": "true"}), ("customers.list", {}), ("allowance", {"all": "true"})]
)
def test_no_name_becomes_markup(billed: Shop, asked: tuple[str, dict[str, str]]) -> None:
    name, params = asked
    page = Page(as_html(billed.ask(name, **params)))
    assert page.open == []
    assert not {"script", "img", "link", "iframe", "form", "a"}.intersection(page.tags)
    assert page.attributes <= {"lang", "charset", "http-equiv", "content", "name", "class", "colspan"}
    assert EVIL in page.words or name == "allowance"


def test_the_page_forbids_everything_but_its_own_style(billed: Shop) -> None:
    text = as_html(billed.ask("invoice", customer="a"))
    assert POLICY.startswith("default-src 'none'")
    assert "Content-Security-Policy" in text
    assert "http" not in text.replace("http-equiv", "")


def test_a_formula_in_a_name_is_text_in_a_bills_csv(billed: Shop) -> None:
    billed.customer("=1+1", plan="pro")
    assert "\r\n'=1+1," in as_csv(billed.ask("invoice", all="true"))
