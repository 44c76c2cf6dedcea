"""The vendor's own client against the simulator: what it understands and raises holds the simulator to the contract."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, cast

import pytest
import stripe

from tests.export.serve import serving
from tests.export.simulators.simulator import SECOND, Call
from tests.export.simulators.stripe import EVENTS_A_SECOND, KEY, Stripe
from tests.export.simulators.stripe_meters import DAY_S, WEBHOOK_SECRET
from tests.export.spec import FOLDER
from tollspan_rater.domain.clock import FixedClock

NOW_S = int(time.time()) // 60 * 60  # its signatures are checked against the real time


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(NOW_S * SECOND)


@pytest.fixture
def simulator(clock: FixedClock) -> Stripe:
    return Stripe(clock)


@pytest.fixture
def client(simulator: Stripe) -> Iterator[stripe.StripeClient]:
    with serving(simulator) as url:
        yield stripe.StripeClient(KEY, base_addresses={"api": url, "meter_events": url}, max_network_retries=0)


ITEM = {
    "customer": "cus_acme",
    "currency": "usd",
    "amount": -111,
    "period": {"start": NOW_S - DAY_S, "end": NOW_S},
    "metadata": {"tollspan_item": "li_1"},
}


def create(client: stripe.StripeClient, key: str, **other: Any) -> Any:
    return client.v1.invoice_items.create(cast("Any", {**ITEM, **other}), {"idempotency_key": key})


def event(client: stripe.StripeClient, identifier: str, **other: Any) -> Any:
    payload = {"stripe_customer_id": "cus_acme", "value": "25"}
    params = {"event_name": "input_tokens", "identifier": identifier, "payload": payload, "timestamp": NOW_S, **other}
    return client.v1.billing.meter_events.create(cast("Any", params))


def test_the_same_key_gives_the_same_invoice_item(client: stripe.StripeClient, simulator: Stripe) -> None:
    first, again = create(client, "a"), create(client, "a")
    assert (first.id, first.amount, first.metadata["tollspan_item"]) == (again.id, -111, "li_1")
    assert again.last_response.headers["idempotent-replayed"] == "true"
    assert len(simulator.receipts()) == 1


def test_the_same_key_with_other_parameters_is_an_error(client: stripe.StripeClient) -> None:
    create(client, "a")
    with pytest.raises(stripe.IdempotencyError):
        create(client, "a", amount=1)


def test_a_key_is_forgotten_after_a_day(client: stripe.StripeClient, simulator: Stripe, clock: FixedClock) -> None:
    create(client, "a")
    clock.set((NOW_S + DAY_S) * SECOND)
    create(client, "a")
    assert len(simulator.receipts()) == 2


def test_a_server_error_is_kept_with_its_key(client: stripe.StripeClient, simulator: Stripe) -> None:
    handle, simulator.handle = simulator.handle, lambda call: simulator.fail(call, taken=True)  # type: ignore[method-assign]
    with pytest.raises(stripe.APIError):
        create(client, "a")
    simulator.handle = handle  # type: ignore[method-assign]
    with pytest.raises(stripe.APIError, match="unknown error"):
        create(client, "a")
    assert len(simulator.receipts()) == 1


def test_decimal_amounts_and_a_customer_that_is_not_there(client: stripe.StripeClient, simulator: Stripe) -> None:
    exact = {"unit_amount_decimal": Decimal("0.000250000001"), "quantity_decimal": Decimal(4_000_000)}
    params: Any = {"customer": "cus_acme", "currency": "usd", **exact}
    assert client.v1.invoice_items.create(params).amount == 1000
    with pytest.raises(stripe.InvalidRequestError) as caught:
        create(client, "b", customer="cus_nobody")
    assert caught.value.code == "resource_missing"


def test_items_are_listed_page_by_page(client: stripe.StripeClient) -> None:
    for number in range(5):
        create(client, f"key {number}", metadata={"tollspan_item": f"li_{number}"})
    page = client.v1.invoice_items.list({"customer": "cus_acme", "created": {"gte": NOW_S}, "limit": 2})
    assert page.has_more
    assert [cast("Any", one).metadata["tollspan_item"] for one in page.auto_paging_iter()] == [
        f"li_{n}" for n in (4, 3, 2, 1, 0)
    ]


def test_a_wrong_key_is_refused(simulator: Stripe) -> None:
    with serving(simulator) as url, pytest.raises(stripe.AuthenticationError):
        create(stripe.StripeClient("sk_test_wrong", base_addresses={"api": url}, max_network_retries=0), "a")


def test_an_identifier_counts_once_in_a_day(client: stripe.StripeClient, simulator: Stripe, clock: FixedClock) -> None:
    assert event(client, "e1").identifier == "e1"
    with pytest.raises(stripe.InvalidRequestError, match="An event already exists with identifier e1"):
        event(client, "e1")
    clock.set((NOW_S + DAY_S) * SECOND)
    event(client, "e1")
    assert len(simulator.receipts()) == 2


@pytest.mark.parametrize(
    ("ago_s", "code"), [(35 * DAY_S + 1, "timestamp_too_far_in_past"), (-301, "timestamp_in_future")]
)
def test_times_outside_the_window_are_refused(client: stripe.StripeClient, ago_s: int, code: str) -> None:
    with pytest.raises(stripe.InvalidRequestError) as caught:
        event(client, "e1", timestamp=NOW_S - ago_s)
    assert caught.value.code == code
    event(client, "e2", timestamp=NOW_S - ago_s + (1 if ago_s > 0 else -1))


def test_too_many_events_in_a_second(client: stripe.StripeClient, simulator: Stripe) -> None:
    call = Call("POST", "http://stripe/v1/billing/meter_events", {"authorization": f"Bearer {KEY}"}, b"event_name=x")
    for _ in range(EVENTS_A_SECOND):
        assert simulator.handle(call).status == 400
    with pytest.raises(stripe.RateLimitError):
        event(client, "e1")


def test_an_event_is_cancelled_within_a_day(client: stripe.StripeClient, simulator: Stripe, clock: FixedClock) -> None:
    event(client, "e1")
    cancel: Any = {"event_name": "input_tokens", "type": "cancel", "cancel": {"identifier": "e1"}}
    assert client.v1.billing.meter_event_adjustments.create(cancel).status == "pending"
    assert simulator.receipts() == []
    clock.set((NOW_S + DAY_S) * SECOND)
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.billing.meter_event_adjustments.create(cancel)


def test_sums_between_whole_minutes(client: stripe.StripeClient) -> None:
    event(client, "e1")
    event(client, "e2", payload={"stripe_customer_id": "cus_acme", "value": "-0.5"})
    (meter,) = [one for one in client.v1.billing.meters.list().data if one.event_name == "input_tokens"]
    asked: Any = {"customer": "cus_acme", "start_time": NOW_S, "end_time": NOW_S + 60}
    (row,) = client.v1.billing.meters.event_summaries.list(meter.id, asked).data
    assert row.aggregated_value == 24.5
    with pytest.raises(stripe.InvalidRequestError, match="minute"):
        client.v1.billing.meters.event_summaries.list(meter.id, cast("Any", {**asked, "end_time": NOW_S + 61}))


def test_what_is_answered_has_the_fields_of_the_published_examples(client: stripe.StripeClient) -> None:
    path = FOLDER / "fixtures3.json"
    if not path.exists():
        pytest.skip(f"SKIPPED: {path} is not here; set TOLLSPAN_SHARED_DATA to the folder of the published data")
    examples = json.loads(path.read_text(encoding="utf-8"))["resources"]
    cancel: Any = {"event_name": "input_tokens", "type": "cancel", "cancel": {"identifier": "e1"}}
    asked: Any = {"customer": "cus_acme", "start_time": NOW_S, "end_time": NOW_S + 60}
    answers = [
        create(client, "a"),
        event(client, "e1"),
        client.v1.billing.meter_event_adjustments.create(cancel),
        client.v1.billing.meters.event_summaries.list("mtr_input", asked).data[0],
    ]
    for answer in answers:
        assert set(answer.to_dict()) <= set(examples[answer.object]), answer.object


def stream(client: stripe.StripeClient, simulator: Stripe, events: list[dict[str, Any]]) -> None:
    session = client.v2.billing.meter_event_session.create()
    opened = stripe.StripeClient(session.authentication_token, base_addresses=client._requestor.base_addresses)
    opened.v2.billing.meter_event_stream.create(cast("Any", {"events": events}))


def streamed(identifier: str, customer: str = "cus_acme") -> dict[str, Any]:
    payload = {"stripe_customer_id": customer, "value": "3"}
    return {"event_name": "output_tokens", "identifier": identifier, "payload": payload}


def test_a_stream_takes_a_hundred_events_and_each_identifier_once(
    client: stripe.StripeClient, simulator: Stripe
) -> None:
    stream(client, simulator, [streamed(f"e{number % 60}") for number in range(100)])
    assert len(simulator.receipts()) == 60
    with pytest.raises(stripe.InvalidRequestError):
        stream(client, simulator, [streamed(f"f{number}") for number in range(101)])


def test_a_session_ends_after_fifteen_minutes(client: stripe.StripeClient, clock: FixedClock) -> None:
    session = client.v2.billing.meter_event_session.create()
    opened = stripe.StripeClient(session.authentication_token, base_addresses=client._requestor.base_addresses)
    clock.set((NOW_S + 900) * SECOND)
    with pytest.raises(stripe.TemporarySessionExpiredError) as caught:
        opened.v2.billing.meter_event_stream.create({"events": [cast("Any", streamed("e1"))]})
    assert caught.value.code == "billing_meter_event_session_expired"


def test_what_is_wrong_is_told_later_and_signed(client: stripe.StripeClient, simulator: Stripe) -> None:
    stream(client, simulator, [streamed("e1"), streamed("e2", "cus_nobody")])
    assert [one.item_id for one in simulator.receipts()] == ["e1"]
    ((headers, body),) = simulator.meters.report(NOW_S)
    told = client.parse_event_notification(body, headers["Stripe-Signature"], WEBHOOK_SECRET, tolerance=3600)
    assert told.type == "v1.billing.meter.error_report_triggered"
    (kind,) = cast("Any", told).fetch_event().data.reason.error_types
    assert (kind.code, kind.error_count) == ("meter_event_customer_not_found", 1)
    assert kind.sample_errors[0].request.identifier == "e2"
    assert list(simulator.meters.report(NOW_S)) == []
