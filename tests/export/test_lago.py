from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from functools import partial
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lago_python_client.client import Client
from lago_python_client.exceptions import LagoApiError
from lago_python_client.models import BatchEvent, Event, InvoiceFee, InvoiceFeesList, OneOffInvoice

from tests.export import answered
from tests.export.answered import sendings, total
from tests.export.case import cases
from tests.export.faults import History
from tests.export.invoice import AMOUNTS, NOON_NS, SECOND, USAGE
from tests.export.network import Network
from tests.export.serve import serving
from tests.export.simulators.lago import HMAC_KEY, KEY, Lago, signed
from tests.export.spec import answer_of, faults, request_of
from tollspan_rater.domain.clock import FixedClock
from tollspan_rater.domain.money import exact_sum
from tollspan_rater.errors import SignatureError
from tollspan_rater.export.settings import Settings
from tollspan_rater.export.target import (
    Absent,
    Accepted,
    NotTaken,
    Outcome,
    Refused,
    Sight,
    Unclear,
    Wanted,
)
from tollspan_rater.export.targets.lago_events import USAGE as EVENTS
from tollspan_rater.export.targets.lago_events import LagoEvents
from tollspan_rater.export.targets.lago_events import target as lago_events
from tollspan_rater.export.targets.lago_invoices import LagoInvoices

SPEC = "lago_pruned.json"
KNOWN = {"transaction_id": ["value_already_exist"]}
answering = partial(answered.answering, cases()["lago-invoices"])
(EVENT,) = sendings("lago-events", USAGE[:1])
TAKEN = [one.element for one in sendings("lago-events", USAGE[:2])]
DAY = (NOON_NS - NOON_NS % (86_400 * SECOND), NOON_NS - NOON_NS % (86_400 * SECOND) + 86_400 * SECOND)


def on(simulator: Lago, clock: FixedClock, name: str) -> Any:
    return cases()[name].target(Network(simulator, clock), clock)


def refusal(details: Mapping[str, Any]) -> dict[str, Any]:
    return {"status": 422, "error": "Unprocessable Entity", "code": "validation_errors", "error_details": details}


@pytest.mark.parametrize(
    ("status", "body", "headers", "expected"),
    [
        (200, {"events": TAKEN}, {}, [Accepted, Accepted]),
        (200, {"events": TAKEN[1:]}, {}, [Unclear, Accepted]),
        (200, {"events": []}, {}, [Unclear, Unclear]),
        (422, refusal({"1": KNOWN}), {}, [NotTaken, Accepted]),
        (422, refusal({"0": KNOWN, "1": KNOWN}), {}, [Accepted, Accepted]),
        (422, refusal({"0": {"code": ["value_is_mandatory"]}, "1": KNOWN}), {}, [Refused, Accepted]),
        (422, refusal({"0": {**KNOWN, "code": ["value_is_mandatory"]}}), {}, [Refused, NotTaken]),
        (422, refusal({"events": ["too_many_events"]}), {}, [Refused, Refused]),
        (422, None, {}, [Refused, Refused]),
        (401, {"status": 401, "error": "Unauthorized"}, {}, [NotTaken, NotTaken]),
        (404, None, {}, [NotTaken, NotTaken]),
        (429, {}, {"x-ratelimit-reset": "7"}, [NotTaken, NotTaken]),
        (500, None, {}, [Unclear, Unclear]),
        (302, None, {"location": "https://elsewhere.test"}, [NotTaken, NotTaken]),
    ],
)
def test_what_an_answer_to_a_batch_means_for_each_event(
    status: int, body: Any, headers: Mapping[str, str], expected: Sequence[type[Outcome]]
) -> None:
    outcomes = LagoEvents(answering(status, body, headers)).send(sendings("lago-events", USAGE[:2]))
    assert [type(one) for one in outcomes] == expected


def test_of_a_refused_batch_the_events_without_fault_go_again_at_once() -> None:
    told = LagoEvents(answering(422, refusal({"1": KNOWN}))).send(sendings("lago-events", USAGE[:2]))
    assert isinstance(told[0], NotTaken)
    assert told[0].after_s == 0


@pytest.mark.parametrize(
    ("header", "after_s"), [({"x-ratelimit-reset": "7"}, 7), ({"retry-after": "3"}, 3), ({}, None)]
)
def test_the_pause_lago_asks_for_is_kept(header: Mapping[str, str], after_s: float | None) -> None:
    (told,) = LagoEvents(answering(429, {}, header)).send(sendings("lago-events", USAGE[:1]))
    assert isinstance(told, NotTaken)
    assert told.after_s == after_s


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (200, {"event": {"transaction_id": EVENT.item_id}}, Accepted),
        (200, {"event": {"transaction_id": "another"}}, Unclear),
        (404, {"status": 404, "code": "event_not_found"}, Absent),
        (404, None, Unclear),  # some page of a wrong address
        (401, {}, Unclear),
        (500, None, Unclear),
    ],
)
def test_a_look_believes_only_lago_that_an_event_is_not_there(status: int, body: Any, expected: type[Sight]) -> None:
    assert type(LagoEvents(answering(status, body)).look(EVENT)) is expected


@given(st.decimals(-(10**12), 10**12, places=9), st.sampled_from([("USD", 2), ("JPY", 0), ("KWD", 3)]))
@settings(max_examples=50, deadline=None)
def test_quantities_and_amounts_are_exact_text(number: Decimal, currency: tuple[str, int]) -> None:
    unit, digits = currency
    (event,) = sendings("lago-events", [replace(USAGE[0], quantity=number)])
    assert Decimal(event.element["properties"]["value"]) == number
    (rated,) = sendings("lago-rated-events", [replace(AMOUNTS[0], amount=number, currency=unit)])
    assert Decimal(rated.element["precise_total_amount_cents"]) == number.scaleb(digits)
    texts = [event.element["properties"]["value"], rated.element["precise_total_amount_cents"]]
    assert not set("".join(texts)) - set("-.0123456789")


def test_dimensions_are_properties_and_never_hide_the_quantity() -> None:
    draft = replace(USAGE[0], dimensions=(("model", "gpt-5"), ("value", "a dimension")))
    (event,) = sendings("lago-events", [draft])
    assert event.element["properties"] == {"model": "gpt-5", "value": "4938271"}


def test_what_is_too_late_for_its_own_hour_is_a_matter_of_configuration() -> None:
    given_hours = replace(answering(200), options={"late_after_hours": "2"})
    assert EVENTS.past_s == 24 * 3_600
    assert lago_events(given_hours).contract == replace(EVENTS, past_s=2 * 3_600)


@pytest.mark.parametrize("name", ["lago-events", "lago-rated-events"])
def test_on_clickhouse_each_thing_counts_once_too(name: str) -> None:
    case = replace(cases()[name], simulator=partial(Lago, store="clickhouse"))
    for seed in range(20):
        assert History(case, seed).run().problems == (), f"history {seed}"


def test_lago_says_what_it_holds_of_a_metric_and_of_a_subscription() -> None:
    clock = FixedClock(NOON_NS)
    simulator = Lago(clock)
    events, rated = (on(simulator, clock, name) for name in ("lago-events", "lago-rated-events"))
    events.send(sendings("lago-events", USAGE))
    wanted = Wanted({"external_subscription_id": "sub-acme"}, {"code": "input_tokens"}, *DAY)
    assert total(events.held(wanted)) == Decimal(4938271 + 8000)
    assert total(events.held(replace(wanted, end_ns=DAY[0]))) == Decimal(0)
    month = replace(wanted, start_ns=AMOUNTS[0].service.start_ns, currency="USD")
    simulator.events.clear()
    rated.send(sendings("lago-rated-events", AMOUNTS))
    assert total(rated.held(month)) == Decimal("12.37")
    assert total(rated.held(replace(month, currency="EUR"))) == 0
    assert isinstance(LagoEvents(answering(500)).held(wanted), Unclear)


def test_a_notification_takes_back_what_lago_cannot_bill() -> None:
    clock = FixedClock(NOON_NS)
    simulator = Lago(clock)
    target = on(simulator, clock, "lago-events")
    wrong, right = sendings("lago-events", USAGE[:2])
    target.send([replace(wrong, element={**wrong.element, "code": "no_such_metric"}), right])
    headers, body = simulator.errors()
    ((item_id, refused),) = target.rejections(headers, body, NOON_NS)
    assert (item_id, refused.code) == (wrong.item_id, "invalid_code")
    other = json.dumps({"webhook_type": "invoice.created", "invoice": {}}).encode()
    assert list(target.rejections(signed(other), other, NOON_NS)) == []


@pytest.mark.parametrize(
    "spoil",
    [
        lambda _headers: {},
        lambda headers: {**headers, "X-Lago-Signature": "AAAA"},
        lambda headers: {**headers, "X-Lago-Signature-Algorithm": "jwt"},
    ],
)
def test_a_notification_that_lago_did_not_sign_is_refused(spoil: Callable[[Mapping[str, str]], Any]) -> None:
    body = b'{"webhook_type":"events.errors","events_errors":{"invalid_code":["li_1"]}}'
    secrets = replace(answering(200), secrets={"key": KEY, "webhook": HMAC_KEY})
    with pytest.raises(SignatureError):
        list(LagoEvents(secrets).rejections(spoil(signed(body)), body, NOON_NS))
    with pytest.raises(SignatureError):
        list(LagoEvents(answering(200)).rejections(signed(body), body, NOON_NS))


def test_lines_of_a_customer_and_a_currency_make_one_invoice_with_signed_fees() -> None:
    clock = FixedClock(NOON_NS)
    simulator = Lago(clock)
    lines = [*AMOUNTS, *(replace(one, customer="beta") for one in AMOUNTS[:2])]
    sent = sendings("lago-invoices", lines)
    told = on(simulator, clock, "lago-invoices").send(sent)
    assert all(isinstance(one, Accepted) for one in told)
    assert [one.external_id for one in told] == [fee["lago_id"] for fee in simulator.fees]
    invoices = {fee["lago_invoice_id"]: fee["external_customer_id"] for fee in simulator.fees}
    assert sorted(invoices.values()) == ["acme-lago", "beta-lago"]
    assert exact_sum(one.amount or Decimal(0) for one in simulator.receipts()) == exact_sum(
        one.amount or Decimal(0) for one in lines
    )
    assert simulator.fees[5]["amount_cents"] == -111
    assert "corrects line-2" in simulator.fees[5]["description"]


def test_an_invoice_below_zero_is_never_asked_for() -> None:
    told = LagoInvoices(answering(200, {})).send(sendings("lago-invoices", AMOUNTS[4:]))
    assert [(type(one), getattr(one, "code", "")) for one in told] == [(Refused, "negative_total")] * 2


@pytest.mark.parametrize("code", ["add_on_not_found", "customer_not_found"])
def test_an_invoice_with_an_unknown_name_is_refused_and_the_other_is_made(code: str) -> None:
    clock = FixedClock(NOON_NS)
    simulator = Lago(clock)
    first, second = sendings("lago-invoices", [AMOUNTS[0], replace(AMOUNTS[0], customer="beta")])
    fee = {**first.element["fee"], "add_on_code": "nothing"}
    changed = {"fee": fee} if code == "add_on_not_found" else {"external_customer_id": "nobody"}
    told = on(simulator, clock, "lago-invoices").send([replace(first, element={**first.element, **changed}), second])
    assert isinstance(told[0], Refused)
    assert told[0].code == code
    assert isinstance(told[1], Accepted)


def test_when_lago_asks_for_a_pause_the_other_invoices_are_not_asked_for() -> None:
    asked: list[httpx.Request] = []

    def busy(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(429, headers={"x-ratelimit-reset": "9"})

    made = Settings(
        "test", httpx.Client(transport=httpx.MockTransport(busy)), FixedClock(NOON_NS), secrets={"key": "k"}
    )
    told = LagoInvoices(made).send(
        sendings("lago-invoices", [AMOUNTS[0], replace(AMOUNTS[0], customer="beta"), AMOUNTS[1]])
    )
    assert [getattr(one, "after_s", None) for one in told] == [9, 9, 9]
    assert len(asked) == 1


def test_a_look_finds_a_fee_behind_pages_of_others() -> None:
    clock = FixedClock(NOON_NS)
    simulator = Lago(clock)
    target = on(simulator, clock, "lago-invoices")
    sent = sendings("lago-invoices", [replace(AMOUNTS[0], component=f"line {place}") for place in range(230)])
    target.send(sent)
    assert [target.look(one) for one in (sent[0], sent[229])] == [
        Accepted(simulator.fees[place]["lago_id"]) for place in (0, 229)
    ]
    assert target.look(replace(sent[0], item_id="li_unknown")) == Absent()
    assert isinstance(LagoInvoices(answering(500)).look(sent[0]), Unclear)
    words = {"external_customer_id": "acme-lago"}, {"add_on_code": "llm_input"}
    month = Wanted(*words, AMOUNTS[0].service.start_ns, DAY[0], "USD")
    assert total(target.held(month)) == Decimal("12.35") * 230
    assert isinstance(LagoInvoices(answering(500)).held(month), Unclear)


def test_the_lines_of_a_lost_invoice_are_looked_for_by_one_request() -> None:
    clock = FixedClock(NOON_NS)
    simulator = Lago(clock)
    network = Network(simulator, clock)
    target = cases()["lago-invoices"].target(network, clock)
    sent = sendings("lago-invoices", AMOUNTS)
    clock.set(NOON_NS + 400 * SECOND)
    assert [target.look(one) for one in sent] == [Absent()] * len(sent)
    assert len(network.calls) == 1
    target.send(sent)
    clock.set(NOON_NS + 500 * SECOND)  # what was sent after that list is not in it
    late = replace(sent[0], since_ns=NOON_NS + 400 * SECOND)
    assert isinstance(target.look(late), Accepted)
    earlier = replace(sent[0], item_id="li_earlier", since_ns=NOON_NS - 86_400 * SECOND)  # it does not go back so far
    assert target.look(earlier) == Absent()
    assert len([call for call in network.calls if call.method == "GET"]) == 3


def test_requests_and_simulated_answers_are_as_specified() -> None:
    clock = FixedClock(NOON_NS)
    simulator = Lago(clock)
    network = Network(simulator, clock)
    for name, drafts in (("lago-events", USAGE), ("lago-rated-events", AMOUNTS)):
        target = cases()[name].target(network, clock)
        target.send(sendings(name, drafts))
        assert faults(SPEC, *request_of("/events/batch"), body=json.loads(network.calls[-1].body)) == []
        again = simulator.handle(network.calls[-1])
        assert faults(SPEC, "components", "schemas", "ApiErrorUnprocessableEntity", body=json.loads(again.body)) == []
    simulator.events.clear()
    taken = simulator.handle(network.calls[0])
    assert faults(SPEC, "components", "schemas", "EventsCreated", body=json.loads(taken.body)) == []
    target.held(Wanted({"external_subscription_id": "sub-acme"}, {"code": "input_tokens"}, *DAY))
    listed = json.loads(simulator.handle(network.calls[-1]).body)
    assert faults(SPEC, *answer_of("/events", "get", 200), body=listed) == []


def test_the_official_client_and_the_simulator_understand_each_other() -> None:
    simulator = Lago(FixedClock(NOON_NS))
    batch = [Event(**one.element) for one in sendings("lago-events", USAGE[:2])]
    with serving(simulator) as url:
        client = Client(api_key=KEY, api_url=f"{url}/")
        client.events.batch_create(BatchEvent(events=batch[:1]))
        with pytest.raises(LagoApiError) as refused:
            client.events.batch_create(BatchEvent(events=batch))
        assert client.events.find(batch[0].transaction_id).code == "input_tokens"
        with pytest.raises(LagoApiError) as missing:
            client.events.find(batch[1].transaction_id)
        with pytest.raises(LagoApiError) as too_many:
            client.events.batch_create(BatchEvent(events=batch[:1] * 101))
    assert (refused.value.status_code, refused.value.response["error_details"]) == (422, {"0": KNOWN})
    assert missing.value.status_code == 404
    assert too_many.value.response["error_details"] == {"events": ["too_many_events"]}
    assert [one.quantity for one in simulator.receipts()] == [Decimal(4938271)]


def test_the_official_client_makes_the_invoices_that_we_make() -> None:
    simulator = Lago(FixedClock(NOON_NS))
    fees = [InvoiceFee(**{**one.element["fee"], "units": 1}) for one in sendings("lago-invoices", AMOUNTS)]
    with serving(simulator) as url:
        client = Client(api_key=KEY, api_url=f"{url}/")
        asked = {"external_customer_id": "acme-lago", "currency": "USD"}
        made = client.invoices.create(OneOffInvoice(**asked, fees=InvoiceFeesList(__root__=fees)))
        with pytest.raises(LagoApiError) as below:
            client.invoices.create(OneOffInvoice(**asked, fees=InvoiceFeesList(__root__=fees[5:])))
        page = client.fees.find_all({"external_customer_id": "acme-lago", "per_page": 4, "page": 2})
    assert made.total_amount_cents == sum(int((one.amount or 0) * 100) for one in AMOUNTS)
    assert below.value.response["error_details"] == {"total_amount_cents": ["value_is_out_of_range"]}
    assert (len(page["fees"]), page["meta"]["total_count"]) == (2, 6)
