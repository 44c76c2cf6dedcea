from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
import stripe

from tests.export.answered import total
from tests.export.book import MemoryBook
from tests.export.case import Case, cases
from tests.export.faults import item
from tests.export.invoice import AMOUNTS, DAY, NOON_NS, USAGE
from tests.export.network import Network
from tests.export.simulators.simulator import SECOND, Call, Reply
from tests.export.simulators.stripe import Stripe
from tests.export.simulators.stripe_form import error, nested
from tests.export.simulators.stripe_meters import WEBHOOK_SECRET, signature
from tests.export.spec import faults, request_of
from tollspan_rater.domain.clock import FixedClock
from tollspan_rater.errors import SignatureError, TargetSilentError, UntellableError
from tollspan_rater.export.draft import Draft
from tollspan_rater.export.exporter import Exporter, Figures
from tollspan_rater.export.pace import Pace
from tollspan_rater.export.state import Fact
from tollspan_rater.export.target import Mapped, Refused, Unclear, Wanted
from tollspan_rater.export.targets.stripe_meter_events import MeterEvents

NOON_S = NOON_NS // SECOND
SPAN = (AMOUNTS[0].service.start_ns, DAY.start_ns)
METER_TARGETS = ["stripe-meter-events", "stripe-meter-stream"]


class Rig:
    """One of the targets with its simulator."""

    def __init__(self, name: str) -> None:
        self.case: Case = cases()[name]
        self.clock = FixedClock(NOON_NS)
        self.simulator = Stripe(self.clock)
        self.network = Network(self.simulator, self.clock)
        self.target: Any = self.case.target(self.network, self.clock)
        self.book = MemoryBook()

    def plan(self, drafts: Sequence[Draft]) -> None:
        places = range(len(self.book.items), len(self.book.items) + len(drafts))
        self.book.plan([item(self.case, self.target, one, place) for place, one in zip(places, drafts, strict=True)])

    def run(self) -> Figures:
        return Exporter(self.book, self.target, self.clock, Pace(None, self.clock, lambda _seconds: None)).run()

    def answering(self, answer: Callable[[Call], Reply | None]) -> None:
        """Let the simulator answer something else for once."""
        handle = self.simulator.handle
        self.simulator.handle = lambda call: answer(call) or handle(call)  # type: ignore[method-assign]


@pytest.mark.parametrize(
    ("amount", "currency", "said"),
    [
        ("12.35", "USD", "1235"),
        ("-0.01", "EUR", "-1"),
        ("1200", "JPY", "1200"),
        ("1.230", "KWD", "1230"),
        ("15", "ISK", "1500"),  # counted in hundredths, which it does not have
        ("15", "UGX", "1500"),
    ],
)
def test_amounts_are_counted_as_stripe_counts_the_currency(amount: str, currency: str, said: str) -> None:
    rig = Rig("stripe-invoice-items")
    draft = replace(AMOUNTS[0], amount=Decimal(amount), currency=currency)
    element = rig.target.element(draft, "li_1", NOON_NS, rig.case.mapped(draft))
    assert (element["amount"], element["currency"]) == (said, currency.lower())


@pytest.mark.parametrize(("amount", "currency"), [("1.234", "KWD"), ("0.001", "USD"), ("1.5", "JPY"), (None, "USD")])
def test_an_amount_that_stripe_has_no_words_for_is_not_told(amount: str | None, currency: str) -> None:
    rig = Rig("stripe-invoice-items")
    draft = replace(AMOUNTS[0], amount=None if amount is None else Decimal(amount), currency=currency)
    with pytest.raises(UntellableError, match="cannot be told to stripe-invoice-items"):
        rig.target.element(draft, "li_1", NOON_NS, rig.case.mapped(draft))


@pytest.mark.parametrize("name", METER_TARGETS)
def test_usage_without_a_quantity_is_not_told(name: str) -> None:
    rig = Rig(name)
    draft = replace(USAGE[0], quantity=None)
    with pytest.raises(UntellableError):
        rig.target.element(draft, "li_1", NOON_NS, rig.case.mapped(draft))


def test_a_subscription_and_other_keys_of_a_meter_come_from_the_mapping() -> None:
    items, events = Rig("stripe-invoice-items").target, Rig("stripe-meter-events").target
    customer = {"customer": "cus_1", "subscription": "sub_1"}
    assert items.element(AMOUNTS[0], "li_1", 0, Mapped(customer, {}))["subscription"] == "sub_1"
    meter = {"event_name": "tokens", "customer_key": "who", "value_key": "how_many"}
    payload = events.element(USAGE[0], "li_1", 0, Mapped(customer, meter))["payload"]
    assert payload == {"who": "cus_1", "how_many": "4938271"}


def test_a_look_goes_through_all_pages() -> None:
    rig = Rig("stripe-invoice-items")
    drafts = [replace(AMOUNTS[0], component=f"line {number}") for number in range(250)]
    rig.plan(drafts)
    assert rig.run().accepted == 250
    first = next(iter(rig.book.items))
    rig.book = MemoryBook()
    rig.plan(drafts[:1])
    rig.book.append([Fact(first, "sent", NOON_NS), Fact(first, "unclear", NOON_NS, look_first=True)])
    rig.clock.set(NOON_NS + 3600 * SECOND)
    assert rig.run() == Figures(requests=1, accepted=1)
    assert len(rig.network.calls) == 250 + 3
    assert rig.book.state(first).external_id == "ii_000001"


def test_a_server_error_that_would_be_repeated_is_looked_up() -> None:
    rig = Rig("stripe-invoice-items")
    rig.plan(AMOUNTS[:2])
    broken = iter([True, False])
    handle, rig.simulator.handle = rig.simulator.handle, lambda call: rig.simulator.fail(call, taken=next(broken))  # type: ignore[method-assign]
    assert rig.run().unclear == 2
    rig.simulator.handle = handle  # type: ignore[method-assign]
    rig.clock.set(NOON_NS + 3600 * SECOND)
    assert rig.run() == Figures(requests=3, accepted=2, absent=1)
    assert [one.item_id for one in rig.simulator.receipts()] == list(rig.book.items)


@pytest.mark.parametrize("name", METER_TARGETS)
def test_what_is_found_wrong_later_is_taken_back_with_its_reason(name: str) -> None:
    rig = Rig(name)
    rig.case = replace(rig.case, customers={**rig.case.customers, "beta": {"customer": "cus_gone"}})
    rig.plan([USAGE[0], replace(USAGE[1], customer="beta")])
    assert rig.run().accepted == 2
    good, bad = rig.book.items
    ((headers, body),) = rig.simulator.meters.report(NOON_S)
    told = list(rig.target.rejections(headers, body, NOON_NS))
    code = "meter_event_customer_not_found"
    assert told == [(bad, Refused(code, code))]
    rig.book.append([Fact(name, "rejected", NOON_NS, code=refused.code, why=refused.why) for name, refused in told])
    assert (rig.book.state(good).status, rig.book.state(bad).status) == ("accepted", "rejected")
    assert [one.item_id for one in rig.simulator.receipts()] == [good]


def test_a_notification_may_carry_its_data_and_may_be_about_something_else() -> None:
    rig = Rig("stripe-meter-events")
    sample = {"request": {"identifier": "li_" + "0" * 32 + "_1"}, "error_message": "no such meter"}
    data = {"reason": {"error_types": [{"code": "no_meter", "sample_errors": [sample, {}]}]}}
    body = json.dumps({"type": "v1.billing.meter.no_meter_found", "data": data}).encode()
    told = list(rig.target.rejections({"stripe-signature": signature(body, NOON_S)}, body, NOON_NS))
    assert told == [("li_" + "0" * 32, Refused("no_meter", "no such meter"))]
    for other in (b'{"type": "invoice.paid"}', b"[]", b"no json"):
        assert list(rig.target.rejections({"Stripe-Signature": signature(other, NOON_S)}, other, NOON_NS)) == []


def test_a_report_that_cannot_be_fetched_is_to_be_delivered_again() -> None:
    rig = Rig("stripe-meter-events")
    body = json.dumps({"type": "v1.billing.meter.no_meter_found", "id": "evt_unknown"}).encode()
    with pytest.raises(TargetSilentError, match="evt_unknown"):
        list(rig.target.rejections({"Stripe-Signature": signature(body, NOON_S)}, body, NOON_NS))


BODY = b'{"type": "invoice.paid"}'


@pytest.mark.parametrize(
    ("header", "why"),
    [
        (signature(BODY, NOON_S), None),
        (f"{signature(BODY, NOON_S)},v1=0000", None),  # a secret is being rolled
        (f"t={NOON_S},v1=0000,{signature(BODY, NOON_S).split(',')[1]}", None),
        (signature(BODY, NOON_S - 301), "more than 300 s ago"),
        (signature(BODY, NOON_S + 301), "more than 300 s ago"),
        (signature(BODY, NOON_S, "whsec_other"), "not that of the secret"),
        (signature(b"{}", NOON_S), "not that of the secret"),
        (signature(BODY, NOON_S).replace("v1=", "v0="), "not that of the secret"),
        (f"t={NOON_S},v1=é", "not that of the secret"),
        ("", "no Stripe-Signature"),
        ("t=now,v1=0", "no Stripe-Signature"),
    ],
)
def test_a_notification_is_believed_when_stripe_signed_it_just_now(header: str, why: str | None) -> None:
    target = Rig("stripe-meter-events").target
    if why is None:
        assert list(target.rejections({"stripe-signature": header}, BODY, NOON_NS)) == []
        return
    with pytest.raises(SignatureError, match=why):
        target.rejections({"stripe-signature": header}, BODY, NOON_NS)


def test_without_a_secret_nothing_is_believed() -> None:
    rig = Rig("stripe-meter-events")
    unsigned = MeterEvents(rig.target.contract, rig.target.http, "")
    with pytest.raises(SignatureError, match="no webhook secret is set"):
        unsigned.rejections({"stripe-signature": signature(BODY, NOON_S, "")}, BODY, NOON_NS)


def test_the_simulators_signature_is_the_vendors() -> None:
    header = f"t={NOON_S},v1=" + stripe.WebhookSignature._compute_signature(f"{NOON_S}.{BODY.decode()}", WEBHOOK_SECRET)
    assert header == signature(BODY, NOON_S)


def test_a_session_is_kept_for_its_time_and_begun_again() -> None:
    rig = Rig("stripe-meter-stream")
    for number, minutes in enumerate([0, 10, 14, 20]):
        rig.clock.set(NOON_NS + minutes * 60 * SECOND)
        rig.plan([replace(USAGE[0], component=f"c{number}")])
        assert rig.run().accepted == 1
    paths = [call.url.rpartition("/")[2] for call in rig.network.calls]
    stream, session = "meter_event_stream", "meter_event_session"
    assert paths == [session, stream, stream, session, stream, stream]


def test_a_session_that_ended_early_is_begun_again_within_the_request() -> None:
    rig = Rig("stripe-meter-stream")
    rig.plan(USAGE)
    rig.target._token, rig.target._until_ns = "stale", NOON_NS * 2
    assert rig.run() == Figures(requests=1, accepted=4)


@pytest.mark.parametrize(
    "answer",
    [
        error(500, "api_error", "", "down"),
        error(429, "invalid_request_error", "rate_limit", "slow down", {"retry-after": "2"}),
        error(400, "invalid_request_error", "bad", "bad"),
        Reply(200, {}, b'{"authentication_token": "t"}'),
        Reply(200, {}, b"no json"),
    ],
)
def test_without_a_session_no_event_has_left(answer: Reply) -> None:
    rig = Rig("stripe-meter-stream")
    rig.plan(USAGE)
    rig.answering(lambda call: answer if call.url.endswith("session") else None)
    assert rig.run().not_taken == 4
    assert all(rig.book.state(name).status == "waiting" for name in rig.book.items)


@pytest.mark.parametrize(
    ("code", "became", "requests"),
    [
        ("duplicate_meter_event", "accepted", 3),  # together, and each alone
        ("payload_invalid_value", "rejected", 3),
        ("too_many_concurrent_requests", "not_taken", 1),
    ],
)
def test_what_the_stream_says_at_once(code: str, became: str, requests: int) -> None:
    rig = Rig("stripe-meter-stream")
    rig.plan(USAGE[:2])
    refused = error(400, "invalid_request_error", code, "")
    rig.answering(lambda call: refused if call.url.endswith("stream") else None)
    assert getattr(rig.run(), became) == 2
    assert len([call for call in rig.network.calls if call.url.endswith("stream")]) == requests


@pytest.mark.parametrize("name", METER_TARGETS)
def test_what_a_meter_holds_is_asked_by_customer_and_time(name: str) -> None:
    rig = Rig(name)
    rig.plan([*USAGE, replace(USAGE[0], ordinal=1, quantity=Decimal("-0.5"))])
    assert rig.run().accepted == 5
    wanted = Wanted({"customer": "cus_acme"}, {"event_name": "input_tokens"}, DAY.start_ns, DAY.end_ns)
    assert total(rig.target.held(wanted)) == Decimal("4946270.5")
    assert isinstance(rig.target.held(replace(wanted, meter={"event_name": "unknown"})), Unclear)
    assert total(rig.target.held(replace(wanted, customer={"customer": "cus_beta"}))) == Decimal(0)
    rig.answering(lambda _call: error(500, "api_error", "", ""))
    assert isinstance(rig.target.held(wanted), Unclear)


@pytest.mark.parametrize(
    "body", ["no json", '{"data": [{}]}', '{"data": [{"aggregated_value": "7"}]}', '{"data": [], "has_more": true}']
)
def test_a_sum_that_cannot_be_read_is_unknown(body: str) -> None:
    rig = Rig("stripe-meter-events")
    wanted = Wanted({"customer": "cus_acme"}, {"event_name": "input_tokens"}, DAY.start_ns, DAY.end_ns)
    rig.answering(lambda call: Reply(200, {}, body.encode()) if "event_summaries" in call.url else None)
    assert isinstance(rig.target.held(wanted), Unclear)


def test_a_sum_is_added_up_over_all_pages() -> None:
    rig = Rig("stripe-meter-events")
    first = '{"data": [{"id": "s1", "aggregated_value": 3}], "has_more": true}'
    second = '{"data": [{"id": "s2", "aggregated_value": 4}], "has_more": false}'

    def answer(call: Call) -> Reply | None:
        page = second if "starting_after=s1" in call.url else first
        return Reply(200, {}, page.encode()) if "event_summaries" in call.url else None

    rig.answering(answer)
    wanted = Wanted({"customer": "cus_acme"}, {"event_name": "input_tokens"}, DAY.start_ns, DAY.end_ns)
    assert total(rig.target.held(wanted)) == Decimal(7)


def test_invoice_items_are_listed_whole_and_once_for_a_customer() -> None:
    rig = Rig("stripe-invoice-items")
    rig.plan([*AMOUNTS, *(replace(AMOUNTS[0], component=f"more {number}") for number in range(150))])
    rig.run()
    before = len(rig.network.calls)
    wanted = Wanted({"customer": "cus_acme"}, {"meter": "input"}, *SPAN, "USD", periods=frozenset({"2026-11"}))
    assert total(rig.target.held(wanted)) == Decimal("12.35") * 151
    assert total(rig.target.held(replace(wanted, periods=frozenset({"2026-12"})))) == Decimal("0.02")
    assert total(rig.target.held(replace(wanted, meter={"meter": "output"}))) == Decimal("8.07")
    assert total(rig.target.held(replace(wanted, currency="EUR"))) == 0
    assert len(rig.network.calls) - before == 2  # pages of 100


@pytest.mark.parametrize("change", [{"tollspan_meter": ""}, {"tollspan_period": "2026-10"}])
def test_an_invoice_item_that_bears_our_id_counts_whatever_else_it_says(change: dict[str, str]) -> None:
    rig = Rig("stripe-invoice-items")
    rig.plan(AMOUNTS[:1])
    rig.run()
    rig.simulator.invoices.items[0]["metadata"].update(change)
    wanted = Wanted({"customer": "cus_acme"}, {"meter": "input"}, *SPAN, "USD", frozenset(rig.book.items))
    assert total(rig.target.held(wanted)) == Decimal("12.35")


@pytest.mark.parametrize(("currency", "amount"), [("USD", "12.35"), ("JPY", "1200"), ("KWD", "1.230"), ("UGX", "15")])
def test_amounts_are_read_as_stripe_counts_the_currency(currency: str, amount: str) -> None:
    rig = Rig("stripe-invoice-items")
    rig.plan([replace(AMOUNTS[0], amount=Decimal(amount), currency=currency)])
    rig.run()
    wanted = Wanted({"customer": "cus_acme"}, {"meter": "input"}, *SPAN, currency, periods=frozenset({"2026-11"}))
    assert total(rig.target.held(wanted)) == Decimal(amount)


def test_the_requests_are_those_of_the_published_specification() -> None:
    spec, form = "stripe_pruned_2026-09-30.endive.json", "application/x-www-form-urlencoded"
    for name in METER_TARGETS:
        rig = Rig(name)
        rig.plan(USAGE)
        rig.run()
        for call in rig.network.calls:
            path = "/v" + call.url.partition("/v")[2]
            if path.endswith("stream"):
                assert faults(spec, *request_of(path), body=json.loads(call.body)) == []
            elif path.startswith("/v1"):
                told = nested(call.body.decode())
                told["timestamp"] = int(told["timestamp"])
                assert faults(spec, *request_of(path, kind=form), body=told) == []


def test_a_wrong_key_is_no_fault_of_the_items() -> None:
    rig = Rig("stripe-meter-events")
    rig.target = replace(rig.case, secrets={"key": "sk_test_wrong"}).target(rig.network, rig.clock)
    rig.plan(USAGE)
    assert rig.run().not_taken == 3  # then it is left alone
    assert "sk_test_wrong" not in " ".join(fact.why for fact in rig.book.facts)
