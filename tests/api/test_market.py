"""The API before a real rater: pages and tags, what narrow keys see, and that nobody sees anybody else."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.api.market import CUSTOMERS, TENANTS, Market, market

from tollspan_rater.api.access import CUSTOMER_QUESTIONS, MONEY, PROVIDER_SIDE
from tollspan_rater.api.page import page_of
from tollspan_rater.query.questions import DIMENSIONS, QUESTIONS, question

QUERY = ("north", "query")


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Market]:
    with market(tmp_path_factory.mktemp("market")) as made:
        yield made


def rows(answer: Any) -> list[dict[str, Any]]:
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["rows"]
    return found


def marked(name: str) -> str:
    """Return the part of a cursor that tells a question without parameters from others."""
    page = page_of(question(name), {})
    assert page is not None
    return page.mark


PAGED = [
    ("usage", {"by": "customer,feature,day"}),
    ("calls", {"model": "gpt-4.1"}),
    ("margin", {"by": "model,month"}),
    ("latency", {"by": "user,output_length"}),
    ("customers.list", {}),
    ("invoice", {"all": "true"}),
]


@pytest.mark.parametrize(("name", "params"), PAGED)
@pytest.mark.parametrize("size", [2, 100])
def test_pages_are_the_whole_answer_at_the_position_of_the_first(
    shop: Market, name: str, params: dict[str, str], size: int
) -> None:
    whole = shop.get(QUERY, name, **params, as_of="now", **({"limit": 1000} if name == "calls" else {}))
    found, cursor, places = [], None, set()
    while True:
        more = {} if cursor is None else {"cursor": cursor}
        page = shop.get(QUERY, name, **params, page_size=size, **more)
        assert len(rows(page)) <= size
        assert page.json()["totals"] == whole.json()["totals"]
        found += rows(page)
        places.add(page.headers["Tollspan-Position"])
        cursor = page.json()["next"]
        linked = page.headers.get("Link")
        assert (linked is None) == (cursor is None)
        if linked is None:
            break
        assert f"cursor={cursor}" in linked
    assert found == rows(whole)
    assert places == {whole.headers["Tollspan-Position"]}


@pytest.mark.parametrize("key", ["query", "acme"])
def test_a_list_that_its_limit_cuts_says_where_it_goes_on(shop: Market, key: str) -> None:
    """Also who sees no notes, as a customer, learns that more follows; the limit is then the size of the pages."""
    whole = shop.get(("north", key), "calls", customer="acme")
    assert (len(rows(whole)), whole.json()["next"]) == (5, None)
    address, found, sizes = "/v1/calls?customer=acme&limit=2", [], []
    while address:
        page = shop.http.get(address, headers=shop.keys["north", key])
        found += rows(page)
        sizes.append(len(rows(page)))
        address = page.links["next"]["url"] if page.json()["next"] else ""
    assert (found, sizes) == (rows(whole), [2, 2, 1])


def test_a_page_stays_what_it_was_when_more_comes_in(shop: Market) -> None:
    first = shop.get(QUERY, "usage", by="customer", page_size=1)
    second = shop.get(QUERY, "usage", by="customer", page_size=1, cursor=first.json()["next"])
    shop.rater.execute("customer.set", {"customer": "late", "name": "late"}, tenant="north", actor="test")
    again = shop.get(QUERY, "usage", by="customer", page_size=1, cursor=first.json()["next"])
    assert (again.headers["ETag"], again.text) == (second.headers["ETag"], second.text)


MARK = marked("usage")


@pytest.mark.parametrize(
    ("name", "params", "words"),
    [
        ("usage", {"page_size": "0"}, "whole number from 1"),
        ("usage", {"page_size": "10001"}, "whole number from 1"),
        ("usage", {"page_size": "x"}, "whole number from 1"),
        ("usage", {"cursor": "7"}, "no cursor"),
        ("usage", {"cursor": "1-7"}, "no cursor"),
        ("usage", {"cursor": "1-0123456789ab-7"}, "of another question"),
        ("usage", {"cursor": f"1-{MARK}-00001790000000000000.c_1"}, "no cursor"),
        ("usage", {"cursor": f"999999-{MARK}-1"}, "the journal has come to position"),
        ("usage", {"cursor": f"2-{MARK}-1", "as_of": "1"}, "goes on at position 2, not at 1"),
        ("usage", {"cursor": f"2-{MARK}-1", "by": "model"}, "of another question"),
        ("usage", {"cursor": f"2-{MARK}-1", "customer": "acme"}, "of another question"),
        ("margin", {"cursor": f"2-{MARK}-1"}, "of another question"),
        ("calls", {"cursor": "1-7"}, "no cursor"),
        ("quarantine.show", {"id": "1:1", "page_size": "5"}, "has no pages"),
        ("keys.list", {"cursor": "1-1"}, "has no pages"),
    ],
)
def test_what_is_no_page(shop: Market, name: str, params: dict[str, str], words: str) -> None:
    answer = shop.get(("north", "admin"), name, **params)
    assert (answer.status_code, answer.headers["Content-Type"]) == (400, "application/problem+json")
    assert words in answer.json()["detail"]


@pytest.mark.parametrize("accept", ["application/json", "text/csv", "application/jsonl"])
def test_who_has_the_answer_is_told_so(shop: Market, accept: str) -> None:
    def ask(**more: str) -> Any:
        headers = {**shop.keys[QUERY], "Accept": accept, **more}
        return shop.http.get("/v1/usage?by=model&as_of=now", headers=headers)

    first = ask()
    tag = first.headers["ETag"]
    assert first.headers["Vary"] == "Accept, Authorization"
    for said in (tag, tag.removeprefix("W/"), f'"other", {tag}', "*"):
        again = ask(**{"If-None-Match": said})
        assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", tag)
    assert ask(**{"If-None-Match": '"other"'}).content == first.content
    assert int(first.headers["Tollspan-Position"]) > 0
    assert first.headers["Tollspan-Zone"] == "UTC"


def test_a_tag_stays_while_the_answer_does_though_the_journal_grows(shop: Market) -> None:
    first = shop.get(QUERY, "usage", by="model")
    shop.rater.execute("customer.set", {"customer": "acme", "name": "other"}, tenant="south", actor="test")
    headers = {**shop.keys[QUERY], "If-None-Match": first.headers["ETag"]}
    again = shop.http.get("/v1/usage?by=model", headers=headers)
    assert again.status_code == 304
    assert int(again.headers["Tollspan-Position"]) > int(first.headers["Tollspan-Position"])
    day = shop.http.get("/v1/usage?by=day", headers=headers)
    assert (day.status_code, day.headers["ETag"] == first.headers["ETag"]) == (200, False)


def test_every_form_has_a_tag_of_its_own(shop: Market) -> None:
    tags = {
        shop.http.get("/v1/usage?as_of=now", headers={**shop.keys[QUERY], "Accept": accept}).headers["ETag"]
        for accept in ("application/json", "text/csv", "application/jsonl")
    }
    assert len(tags) == 3


def test_days_are_those_of_the_asked_zone(shop: Market) -> None:
    for zone, first in (("UTC", "2026-11-01"), ("Asia/Tokyo", "2026-11-02"), ("America/New_York", "2026-11-01")):
        answer = shop.get(QUERY, "usage", by="day", sort="day", zone=zone)
        assert (rows(answer)[0]["day"], answer.json()["zone"]) == (first, zone)
    until = shop.get(QUERY, "usage", by="day", to="2026-11-02", zone="Asia/Tokyo")
    assert (rows(until), until.headers["Tollspan-Zone"]) == ([], "Asia/Tokyo")
    wrong = shop.get(QUERY, "usage", zone="Mars/Olympus")
    assert (wrong.status_code, "Europe/Berlin" in wrong.json()["detail"]) == (400, True)


WINDOWS = ("minute", "hour", "day", "week", "month", "quarter")
ADDED = ("calls", "input_tokens", "output_tokens", "total_tokens", "charge", "cost")


@settings(max_examples=10, deadline=None)
@given(
    st.lists(st.sampled_from([*DIMENSIONS[:-1], "tags.team"]), min_size=1, max_size=3, unique=True),
    st.sampled_from(["usage", "margin"]),
    st.sampled_from([None, "Asia/Tokyo", "America/New_York"]),
    st.sampled_from([{}, {"from": "2026-11-02"}, {"customer": "acme"}]),
)
def test_however_it_is_grouped_the_sums_agree(
    shop: Market, by: list[str], name: str, zone: str | None, only: dict[str, str]
) -> None:
    """Two questions at one position, of other dimensions, days and zones, add up to the same."""
    only = {**only, "zone": "UTC"} if "from" in only or zone is None else {**only, "zone": zone}
    position = shop.get(QUERY, "customers.list").headers["Tollspan-Position"]
    whole = rows(shop.get(QUERY, "usage", by="customer", as_of=position, **only))
    parts = rows(shop.get(QUERY, name, by=",".join(by), as_of=position, **only))
    for column in ADDED if name == "usage" else ("calls", "cost"):
        assert _sum(parts, column) == _sum(whole, column)


def _sum(listed: list[dict[str, Any]], column: str) -> Decimal:
    return sum((Decimal(str(row[column])) for row in listed if row[column] is not None), Decimal(0))


USAGE_ASKED = [
    ("usage", {}),
    ("usage", {"by": "model,day"}),
    ("latency", {"by": "user"}),
    ("calls", {}),
    ("allowance", {"all": "true"}),
    ("inexact", {}),
]


@pytest.mark.parametrize(("name", "params"), USAGE_ASKED)
@pytest.mark.parametrize("accept", ["application/json", "text/csv", "application/vnd.tollspan.answer+json"])
def test_a_usage_key_sees_no_money(shop: Market, name: str, params: dict[str, str], accept: str) -> None:
    headers = {**shop.keys["north", "usage"], "Accept": accept}
    answer = shop.http.get(f"/v1/{name}", params=params, headers=headers)
    assert answer.status_code == 200
    if accept == "text/csv":
        columns = set(answer.text.splitlines()[0].split(","))
    else:
        said = answer.json()
        columns = {*said["columns"], *(said["totals"] or {})}
        assert (said["notes"], said["details"] in ({}, {"$map": {}})) == ([], True)
    assert not columns & MONEY


@pytest.mark.parametrize("name", sorted(QUESTIONS))
def test_what_a_usage_key_may_not_ask(shop: Market, name: str) -> None:
    answer = shop.get(("north", "usage"), name)
    assert (answer.status_code == 403) == (name not in {"usage", "calls", "latency", "allowance", "inexact"})


def test_a_usage_key_cannot_sort_by_money(shop: Market) -> None:
    for sort in ("charge", "cost", "margin", "revenue"):
        assert shop.get(("north", "usage"), "usage", sort=sort).status_code == 403
    tokens = [row["total_tokens"] for row in rows(shop.get(("north", "usage"), "usage", by="model,customer"))]
    assert tokens == sorted(tokens, reverse=True)


# For each parameter values that a stranger might try; parameters of text get the names in _foreign.
TRIED = {
    "by": ["customer,user,feature", "organization,tags.team"],
    "sort": ["calls", "customer"],
    "from": ["2026-11-02"],
    "to": ["2026-12-31"],
    "zone": ["Asia/Tokyo"],
    "period": ["2026-11"],
    "as_of": ["now", "1"],
    "top": ["1"],
    "limit": ["1000"],
    "all": ["true", "false"],
    "unattributed": ["true"],
    "against_plan": ["true"],
    "meter": ["input"],
    "kind": ["unit"],
    "quantiles": ["p99"],
}
EVERYBODY = {"by": "customer,user,feature"}
Foreign = Callable[[str, str], dict[str, list[str]]]


def _tried(name: str, foreign: dict[str, list[str]]) -> Iterator[dict[str, str]]:
    """Yield what a question is asked with: each parameter alone, by customers and people where that can be said."""
    params = {param.name: param for param in QUESTIONS[name].params}
    wide = EVERYBODY if "by" in params and name != "allocation" else {}
    yield wide
    yield {**wide, "page_size": "1"}
    yield {**wide, "cursor": f"1-{MARK}-0"}
    for param in params.values():
        known = foreign.get(param.name, foreign["customer"] if param.kind == "str" else [])
        for value in (*TRIED.get(param.name, ()), *known):
            yield {**wide, param.name: value}


def _asked(
    shop: Market, key: tuple[str, str], name: str, foreign: dict[str, list[str]]
) -> Iterator[tuple[dict[str, str], Any]]:
    """Yield what is asked with the answers; what names a customer also in a body; behind a first page the next one."""
    for params in _tried(name, foreign):
        answer = shop.get(key, name, **params)
        yield params, answer
        if params.keys() <= {"by", "customer"}:
            yield params, shop.http.post(f"/v1/{name}", json=params, headers=shop.keys[key])
        if "page_size" in params and "next" in answer.links:
            yield params, shop.http.get(answer.links["next"]["url"], headers=shop.keys[key])


@pytest.fixture(scope="module")
def foreign(shop: Market) -> Foreign:
    """What is known of somebody, looked up once: nothing adds to the calls of this module."""
    return functools.cache(functools.partial(_foreign, shop))


def _foreign(shop: Market, tenant: str, customer: str) -> dict[str, list[str]]:
    """Return names and ids of somebody by the parameter that takes them."""
    asked = (tenant, "query")
    (line, *_rest) = rows(shop.get(asked, "invoice", customer=customer, period="2026-11"))
    (call, *_more) = rows(shop.get(asked, "calls", customer=customer, limit=1))
    return {
        "customer": [customer],
        "feature": [f"feature-{customer}-{tenant}"],
        "user": [f"user-{customer}-{tenant}"],
        "line": [line["line_id"]],
        "id": [call["call_id"], call["trace_ids"][0], line["line_id"]],
    }


def _told(answer: Any, params: dict[str, str]) -> str:
    """Return what an answer says beside what the asker said itself."""
    text = str(answer.text)
    for value in params.values():
        text = text.replace(value, "") if len(value) > 1 else text
    return text


@pytest.mark.parametrize("name", sorted(QUESTIONS))
def test_a_customers_key_sees_nobody_else(shop: Market, foreign: Foreign, name: str) -> None:
    mine = name in CUSTOMER_QUESTIONS
    theirs = foreign("north", "globex")
    names = [one for of_param in theirs.values() for one in of_param]
    assert shop.get(("north", "acme"), f"customers/globex/{name}").status_code == 403
    for params, answer in _asked(shop, ("north", "acme"), name, theirs):
        assert answer.status_code in ({200, 400, 403, 404} if mine else {403}), (params, answer.text)
        if answer.status_code == 200:
            assert not any(word in _told(answer, params) for word in (*names, "south")), (params, answer.text)
            assert not PROVIDER_SIDE & {*answer.json()["columns"], *(answer.json()["totals"] or {})}


@pytest.mark.parametrize("name", sorted(QUESTIONS))
def test_a_tenants_key_sees_no_other_tenant(shop: Market, foreign: Foreign, name: str) -> None:
    for params, answer in _asked(shop, ("north", "admin"), name, foreign("south", "acme")):
        assert answer.status_code in {200, 400, 404}, (name, params, answer.text)
        assert answer.status_code != 200 or "south" not in _told(answer, params), (params, answer.text)


def test_two_customers_keys_add_up_to_what_the_tenants_key_sees(shop: Market) -> None:
    both = [row for name in CUSTOMERS for row in rows(shop.get(("north", name), "usage", by="model,day"))]
    whole = rows(shop.get(("north", "query"), "usage", by="customer,model,day"))
    for column in ("calls", "total_tokens", "charge"):
        assert _sum(both, column) == _sum(whole, column)


@pytest.mark.parametrize("tenant", TENANTS)
def test_a_header_of_another_tenant_is_refused(shop: Market, tenant: str) -> None:
    other = TENANTS[1 - TENANTS.index(tenant)]
    for key in ("query", "usage", "acme"):
        headers = {**shop.keys[tenant, key], "X-Tollspan-Tenant": other}
        assert shop.http.get("/v1/usage", headers=headers).status_code == 403


def test_a_pricing_key_applies_prices_and_nothing_else(shop: Market) -> None:
    headers = shop.keys["north", "pricing"]
    files = {"c.yaml": json.dumps({"card": "list-USD", "currency": "USD", "per": "1M", "prices": [{"input": "5"}]})}
    files["p.yaml"] = json.dumps({"plan": "pro", "currency": "USD", "cards": ["list-USD"]})
    body = {"files": files, "valid_from": "2027-01-01"}
    assert shop.http.post("/v1/commands/pricing.apply", json=body, headers=headers).status_code == 200
    assert shop.http.post("/v1/commands/rebuild", headers=headers).status_code == 403
    assert shop.http.get("/v1/usage", headers=headers).status_code == 403
