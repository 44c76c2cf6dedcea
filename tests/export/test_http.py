from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import httpx
import pytest

from tollspan_rater.domain.clock import FixedClock, to_ns
from tollspan_rater.export.http import Answer, Http, Lost, Request, pairs
from tollspan_rater.export.rules import Rule, at, outcome
from tollspan_rater.export.target import Accepted, NotTaken, Outcome, Refused, Unclear

NOON = 1_796_040_000_000_000_000  # 2026-11-30T12:00:00Z


def http(handler: Callable[[httpx.Request], httpx.Response]) -> Http:
    client = httpx.Client(transport=httpx.MockTransport(handler), trust_env=False)
    return Http(client, "https://bills.example/", FixedClock(NOON), {"Authorization": "Bearer secret"})


def asked(request: Request) -> httpx.Request:
    seen: list[httpx.Request] = []

    def handler(arrived: httpx.Request) -> httpx.Response:
        seen.append(arrived)
        return httpx.Response(200)

    http(handler).ask(request)
    return seen[0]


FORM = {"a": "x y", "b": {"c": ["1", "2"], "d": None}}
JSON = {"a": [Decimal("0.10"), Decimal("1E+3"), None, True], "b": "é"}
FORM_KIND, JSON_KIND = "application/x-www-form-urlencoded", "application/json"


@pytest.mark.parametrize(
    ("request_", "kind", "body"),
    [
        (Request("POST", "/a", form=FORM), FORM_KIND, b"a=x+y&b%5Bc%5D%5B0%5D=1&b%5Bc%5D%5B1%5D=2"),
        (Request("POST", "/a", json=JSON), JSON_KIND, b'{"a":[0.10,1000,null,true],"b":"\\u00e9"}'),
        (Request("POST", "/a", content=b"\x00as it is"), None, b"\x00as it is"),
        (Request("GET", "/a"), None, b""),
    ],
)
def test_a_request_as_it_leaves(request_: Request, kind: str | None, body: bytes) -> None:
    sent = asked(request_)
    assert (sent.headers.get("content-type"), sent.content) == (kind, body)
    assert sent.headers["authorization"] == "Bearer secret"
    assert str(sent.url) == "https://bills.example/a"


def test_own_headers_and_a_query() -> None:
    sent = asked(Request("GET", "/a", query={"created[gte]": "1"}, headers={"Idempotency-Key": "li_1"}))
    assert (sent.headers["idempotency-key"], sent.url.query) == ("li_1", b"created%5Bgte%5D=1")


def test_numbers_of_an_answer_stay_exact() -> None:
    answer = http(lambda _: httpx.Response(200, text='{"total": 0.1234567890123456789}')).ask(Request("GET", "/"))
    assert isinstance(answer, Answer)
    assert answer.body["total"] == Decimal("0.1234567890123456789")


def test_an_answer_that_is_no_json_has_no_body() -> None:
    answer = http(lambda _: httpx.Response(502, text="<html>")).ask(Request("GET", "/"))
    assert isinstance(answer, Answer)
    assert (answer.body, answer.text, answer.ok) == (None, "<html>", False)


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("7", 7.0),
        ("Mon, 30 Nov 2026 12:00:30 GMT", 30.0),
        ("Mon, 30 Nov 2026 11:00:00 GMT", 0.0),
        ("Mon, 30 Nov 2026 12:00:30 -0000", None),
        ("soon", None),
        ("", None),
    ],
)
def test_how_long_a_target_wants_to_be_left_alone(said: str, seconds: float | None) -> None:
    answer = http(lambda _: httpx.Response(429, headers={"Retry-After": said})).ask(Request("GET", "/"))
    assert isinstance(answer, Answer)
    assert answer.after_s == seconds


@pytest.mark.parametrize(
    ("error", "left"),
    [
        (httpx.ConnectError("refused"), False),
        (httpx.ConnectTimeout("timed out"), False),
        (httpx.PoolTimeout("busy"), False),
        (httpx.ReadTimeout("timed out"), True),
        (httpx.WriteTimeout("timed out"), True),
        (httpx.WriteError("broken pipe"), True),
        (httpx.RemoteProtocolError("closed"), True),
        (httpx.DecodingError("not gzip"), True),
    ],
)
def test_what_is_lost_may_have_arrived_unless_it_never_left(error: httpx.HTTPError, left: bool) -> None:
    def handler(_request: httpx.Request) -> httpx.Response:
        raise error

    lost = http(handler).ask(Request("POST", "/"))
    assert isinstance(lost, Lost)
    assert lost.left == left
    assert lost.why == f"{type(error).__name__} at https://bills.example: {error}"
    expected = Unclear if left else NotTaken
    assert isinstance(outcome(lost, (), lambda _: ("", "")), expected)


def answer(status: int, code: str = "", after_s: float | None = None) -> Answer:
    return Answer(status, {"error": {"code": code}}, {}, "text", after_s)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (answer(200), Accepted("name")),
        (answer(204), Accepted("name")),
        (answer(302), NotTaken("HTTP 302 http_302: why")),
        (answer(400, "bad"), Refused("bad", "HTTP 400 bad: why")),
        (answer(401), NotTaken("HTTP 401 http_401: why")),
        (answer(404), Refused("http_404", "HTTP 404 http_404: why")),
        (answer(408), Unclear("HTTP 408 http_408: why")),
        (answer(409), Unclear("HTTP 409 http_409: why")),
        (answer(429, after_s=3), NotTaken("HTTP 429 http_429: why", 3)),
        (answer(503), Unclear("HTTP 503 http_503: why")),
        (answer(199), Unclear("HTTP 199 http_199: why")),
        (answer(409, "known"), Accepted("name")),
        (answer(500, "stored"), Unclear("HTTP 500 stored: why", look_first=True)),
    ],
)
def test_what_an_answer_means(given: Answer, expected: Outcome) -> None:
    rules = (Rule(409, "accepted", "known"), Rule(range(500, 600), "look_first", "stored"))
    assert outcome(given, rules, lambda one: (at(one.body, "error", "code"), "why"), lambda _: "name") == expected


@pytest.mark.parametrize("body", [None, [], {"error": "text"}, {"error": {"code": 7}}, "text"])
def test_a_text_that_is_not_there_is_empty(body: Any) -> None:
    assert at(body, "error", "code") == ""


def test_a_reason_is_short() -> None:
    told = outcome(Answer(400, None, {}, "x" * 10_000), (), lambda _: ("", ""))
    assert isinstance(told, Refused)
    assert len(told.why) == 300


def test_pairs_keep_their_order() -> None:
    assert list(pairs({"b": True, "a": {"c": 1}})) == [("b", "true"), ("a[c]", "1")]


def test_the_date_of_the_examples() -> None:
    from datetime import UTC, datetime

    assert to_ns(datetime(2026, 11, 30, 12, tzinfo=UTC)) == NOON
