from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl

import httpx
import pytest

from tests.export.answered import sendings
from tests.export.case import Case, cases
from tests.export.invoice import AMOUNTS, DAY, NOON_NS, USAGE
from tollspan_rater.domain.clock import FixedClock
from tollspan_rater.errors import UntellableError
from tollspan_rater.export.contract import Contract
from tollspan_rater.export.http import Http, Request
from tollspan_rater.export.over_http import OverHttp
from tollspan_rater.export.target import Absent, Accepted, NotTaken, Sending, Target, Unclear, Wanted

SPAN = (DAY.start_ns, DAY.end_ns)
ANY = Contract("any", "usage", "no vendor")
LIST = Request("GET", "/things", query={"size": "2"})
SAY_NOTHING = {"webhook-usage", "kafka-usage"}  # their events have a word for what is unknown: null
OVER_HTTP = [case for name, case in cases().items() if not name.startswith("kafka")]
ANY_WORD = {"webhook", "webhook-usage"}  # a receiver may say what it likes beside its 2xx
DOWN = httpx.Response(500, text="down")


def page(rows: Any, cursor: str = "") -> httpx.Response:
    return httpx.Response(200, json={"rows": rows, "next": cursor})


def following(page: Any, asked: Request) -> Request | None:
    return asked.also(cursor=page["next"]) if page["next"] else None


def over(answers: Sequence[httpx.Response | httpx.TransportError]) -> tuple[OverHttp, list[dict[str, str]]]:
    """Return a target that is answered so, in turn, and the queries that it will have asked."""
    left, asked = iter(answers), []

    def handler(request: httpx.Request) -> httpx.Response:
        asked.append(dict(parse_qsl(request.url.query.decode())))
        answer = next(left)
        if isinstance(answer, httpx.TransportError):
            raise answer
        return answer

    client = httpx.Client(transport=httpx.MockTransport(handler), trust_env=False)
    return OverHttp(ANY, Http(client, "https://bills.example", FixedClock(NOON_NS))), asked


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ([page([{"id": "1"}])], [{"id": "1"}]),
        ([page([])], []),
        ([page(None)], []),
        ([page([{"id": "1"}], "b"), page([], "c"), page([{"id": "2"}])], [{"id": "1"}, {"id": "2"}]),
        ([page([{"id": "1"}], "b"), DOWN], Unclear("HTTP 500: down")),
        ([page([{"id": "1"}], "b"), httpx.ReadTimeout("slow")], Unclear("ReadTimeout at https://bills.example: slow")),
        ([page([], "b"), page([], "b")], Unclear("any does not say where its list goes on")),
        ([httpx.Response(200, text="<html>")], Unclear("HTTP 200: <html>")),
        ([httpx.Response(200, json=[])], Unclear("HTTP 200: []")),
        ([httpx.Response(200, json={"next": ""})], Unclear('HTTP 200: {"next":""}')),
        ([page("text")], Unclear('HTTP 200: {"rows":"text","next":""}')),
    ],
)
def test_a_list_is_known_whole_or_not_at_all(
    answers: Sequence[httpx.Response | httpx.TransportError], expected: list[dict[str, str]] | Unclear
) -> None:
    target, asked = over(answers)
    assert target.rows(LIST, "rows", following) == expected
    assert len(asked) == len(answers)


def test_the_next_page_is_asked_for_as_the_one_before() -> None:
    target, asked = over([page([], "b"), page([], "c"), page([])])
    target.rows(LIST, "rows", following)
    assert asked == [{"size": "2"}, {"size": "2", "cursor": "b"}, {"size": "2", "cursor": "c"}]


def test_a_list_is_one_page_unless_it_says_how_it_goes_on() -> None:
    target, _ = over([page([{"id": "1"}], "b")])
    assert target.rows(LIST, "rows") == [{"id": "1"}]


def test_what_a_vendor_does_not_offer_is_not_known() -> None:
    target, asked = over([])
    assert target.look(Sending("li_1", "li_1", {})) == Unclear("any cannot be asked for li_1")
    assert (target.held(Wanted({}, {}, 0, 1)), asked) == (None, [])


@pytest.mark.parametrize(
    ("quantity", "said"), [("0", "0"), ("1E+3", "1000"), ("-2.50", "-2.5"), ("1E-9", "0.000000001")]
)
def test_a_quantity_is_exact_text(quantity: str, said: str) -> None:
    target, _ = over([])
    assert target.quantity(replace(USAGE[0], quantity=Decimal(quantity))) == said


def made(case: Case) -> Target:
    return case.target(httpx.MockTransport(lambda _request: httpx.Response(500)), FixedClock(NOON_NS))


def of(takes: str) -> list[Case]:
    return [case for case in cases().values() if made(case).contract.takes == takes]


@pytest.mark.parametrize("case", of("usage"), ids=lambda case: case.name)
def test_an_unknown_quantity_is_never_told_as_zero(case: Case) -> None:
    draft = replace(USAGE[0], quantity=None)
    if case.name in SAY_NOTHING:
        assert made(case).element(draft, "li_1", NOON_NS, case.mapped(draft))["data"]["quantity"] is None
        return
    with pytest.raises(UntellableError, match=f"cannot be told to {case.name}: its quantity is not known"):
        made(case).element(draft, "li_1", NOON_NS, case.mapped(draft))


@pytest.mark.parametrize("change", [{"amount": None}, {"currency": None}])
@pytest.mark.parametrize("case", of("amount"), ids=lambda case: case.name)
def test_an_unknown_amount_is_never_told_as_zero(case: Case, change: dict[str, None]) -> None:
    draft = replace(AMOUNTS[0], **change)  # type: ignore[arg-type]  # both may be None
    if f"{case.name}-usage" in SAY_NOTHING:
        data = made(case).element(draft, "li_1", NOON_NS, case.mapped(draft))["data"]
        assert all(data[name] is None for name in change)
        return
    with pytest.raises(UntellableError, match=f"cannot be told to {case.name}: its amount or its currency"):
        made(case).element(draft, "li_1", NOON_NS, case.mapped(draft))


def answered(case: Case, status: int, body: str) -> Target:
    """Return a target to which everything is answered so, except for a token or a session."""

    def handler(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/token"):
            return httpx.Response(200, json={"access_token": "t", "expires_in": 3600})
        if request.url.path.endswith("/meter_event_session"):
            return httpx.Response(200, json={"authentication_token": "t", "expires_at": "2026-12-01T00:00:00Z"})
        return httpx.Response(status, text=body)

    return case.target(httpx.MockTransport(handler), FixedClock(NOON_NS))


BODIES = ["<html>", "", "[]", "{}", '"text"', "7", "null", '{"data": 7}', "[7]", '[{"id": "x"}]', '{"ok": true}'] + [
    json.dumps({name: value})
    for name in (
        *("id", "Id", "identifier", "events", "invoice", "message", "usage", "batch_id", "failed_events", "result"),
        *("validation_failed", "Results", "UnprocessedRecords", "reportErrors", "checkErrors", "error", "errors"),
    )
    for value in (7, None, [], [7], {"id": 7})
]
NOTHING, EMPTY = {"", "null"}, {"{}"}
SUCCESS = {  # what of these is a success: the others have a name of what was taken, or a list of it
    "gcp-marketplace": {body for body in BODIES if body.startswith("{")},  # whatever it says, without errors
    "metronome-usage": {*NOTHING, *(body for body in BODIES if body.startswith("{"))},  # nothing is published of it
    "openmeter": NOTHING,
    "orb-events": {'{"validation_failed": []}'},
    "stripe-meter-stream": EMPTY,
}


@pytest.mark.parametrize("case", OVER_HTTP, ids=lambda case: case.name)
@pytest.mark.parametrize("status", [200, 202])
def test_only_what_the_contract_says_of_a_success_is_one(case: Case, status: int) -> None:
    if case.name in ANY_WORD:
        return
    taken = set()
    for body in BODIES:
        target = answered(case, status, body)
        drafts = (AMOUNTS if target.contract.takes == "amount" else USAGE)[: min(2, target.contract.batch)]
        outcomes = target.send(sendings(case.name, drafts))
        assert len(outcomes) == len(drafts)
        taken |= {body for one in outcomes if isinstance(one, Accepted)}
        assert not any(isinstance(one, NotTaken) for one in outcomes), body
    assert taken - SUCCESS.get(case.name, set()) == set()


@pytest.mark.parametrize("status", [200, 400])
@pytest.mark.parametrize("body", ["<html>", "", "[]", "{}", '"text"', "7", "null", '{"data": 7}'])
@pytest.mark.parametrize("case", OVER_HTTP, ids=lambda case: case.name)
def test_whatever_somebody_else_answers_is_no_word_of_the_target(case: Case, body: str, status: int) -> None:
    target = answered(case, status, body)
    drafts = (AMOUNTS if target.contract.takes == "amount" else USAGE)[: min(2, target.contract.batch)]
    sent = sendings(case.name, drafts)
    outcomes = target.send(sent)
    assert len(outcomes) == len(sent)
    if body == "<html>" and case.name not in ANY_WORD:
        assert not any(isinstance(one, Accepted) for one in outcomes)
    if target.contract.looks:
        assert isinstance(target.look(sent[0]), Unclear | Absent)
    mapped = case.mapped(drafts[0])
    held = target.held(Wanted(mapped.customer, {"meter": "m", **mapped.meter}, *SPAN, "USD", frozenset({"li_1"})))
    if target.contract.compares == "nothing":
        assert held is None
    elif (case.name, body, status) != ("azure-marketplace", "[]", 200):  # it has nothing of that day
        assert isinstance(held, Unclear)
