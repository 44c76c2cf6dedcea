from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

import httpx
import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from tests.export.answered import sendings
from tests.export.book import MemoryBook
from tests.export.case import cases
from tests.export.faults import History, item
from tests.export.invoice import AMOUNTS, DAY, NOON_NS, SECOND, USAGE
from tests.export.network import Network
from tests.export.simulators.receiver import SECRET, URL, Receiver
from tollspan_rater.domain.clock import FixedClock
from tollspan_rater.errors import ConfigError
from tollspan_rater.export.exporter import Exporter
from tollspan_rater.export.pace import Pace
from tollspan_rater.export.settings import Settings
from tollspan_rater.export.target import Accepted, NotTaken, Outcome, Refused, Unclear, Wanted
from tollspan_rater.export.targets.webhook import target as webhook

CASE = cases()["webhook"]


def made(handler: Any, at_ns: int = NOON_NS, **given: Any) -> Settings:
    client = httpx.Client(transport=httpx.MockTransport(handler))
    return replace(Settings("test", client, FixedClock(at_ns), URL, {"key": SECRET}), **given)


def answering(status: int, headers: Mapping[str, str] | None = None) -> Settings:
    return made(lambda _request: httpx.Response(status, headers=headers))


@pytest.mark.parametrize(
    ("status", "expected"),
    [(status, Accepted) for status in (200, 201, 202, 204)]
    + [(status, Refused) for status in (400, 413, 415, 422)]
    + [(status, NotTaken) for status in (301, 401, 403, 404, 405, 410, 429)]
    + [(status, Unclear) for status in (408, 409, 500, 502, 503)],
)
def test_what_an_answer_means(status: int, expected: type[Outcome]) -> None:
    told = webhook(answering(status)).send(sendings("webhook", AMOUNTS[:2]))
    assert [type(one) for one in told] == [expected] * 2


def test_a_receiver_that_asks_for_a_pause_gets_it() -> None:
    (told,) = webhook(answering(503, {"retry-after": "30"})).send(sendings("webhook", AMOUNTS[:1]))
    assert isinstance(told, Unclear)
    (told,) = webhook(answering(429, {"retry-after": "30"})).send(sendings("webhook", AMOUNTS[:1]))
    assert isinstance(told, NotTaken)
    assert told.after_s == 30


@pytest.mark.parametrize("mode", ["batch", "single"])
def test_the_official_library_verifies_what_we_send(mode: str) -> None:
    asked: list[httpx.Request] = []

    def take(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(204)

    sent = sendings("webhook", AMOUNTS[: 1 if mode == "single" else 2])
    webhook(made(take, time.time_ns(), options={"mode": mode})).send(sent)
    (request,) = asked
    body, headers = request.read(), dict(request.headers)
    document = Webhook(SECRET).verify(body, headers)
    assert document == (sent[0].element if mode == "single" else [one.element for one in sent])
    assert headers["content-type"] == f"application/cloudevents{'' if mode == 'single' else '-batch'}+json"
    assert (headers["webhook-id"] == sent[0].item_id) == (mode == "single")
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(body + b" ", headers)


def test_a_request_made_again_has_the_same_id_and_its_own_time() -> None:
    asked: list[httpx.Request] = []

    def refuse(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(500)

    settings = made(refuse)
    target = webhook(settings)
    for passed_s in (0, 3_600):
        assert isinstance(settings.clock, FixedClock)
        settings.clock.set(NOON_NS + passed_s * SECOND)
        target.send(sendings("webhook", AMOUNTS[:2]))
    first, second = (request.headers for request in asked)
    assert first["webhook-id"] == second["webhook-id"]
    assert int(second["webhook-timestamp"]) - int(first["webhook-timestamp"]) == 3_600
    assert first["webhook-signature"] != second["webhook-signature"]


def test_an_event_is_a_cloudevent_that_says_all_that_is_known() -> None:
    (line,) = sendings("webhook", AMOUNTS[5:])
    assert set(line.element) == {
        "specversion", "id", "source", "type", "subject", "time", "datacontenttype", "data",
    }  # fmt: skip
    data = line.element["data"]
    assert (line.element["type"], line.element["subject"]) == ("tollspan.line", "customer-acme")
    assert (data["amount"], data["currency"], data["corrects"], data["kind"]) == (
        "-1.11",
        "USD",
        "line-2",
        "adjustment",
    )
    (usage,) = sendings("webhook-usage", [replace(USAGE[0], dimensions=(("model", "gpt-5"),))])
    assert (usage.element["type"], usage.element["data"]["amount"]) == ("tollspan.usage", None)
    assert usage.element["data"]["dimensions"] == {"model": "gpt-5"}


def test_of_a_batch_that_is_refused_only_what_is_unwanted_stays_behind() -> None:
    clock = FixedClock(NOON_NS)
    receiver = Receiver(clock)
    receiver.unwanted = frozenset({"customer-beta"})
    target = CASE.target(Network(receiver, clock), clock)
    book = MemoryBook()
    lines = [*AMOUNTS, replace(AMOUNTS[0], customer="beta")]
    book.plan([item(CASE, target, line, place) for place, line in enumerate(lines)])
    figures = Exporter(book, target, clock, Pace(None, clock, lambda _seconds: None)).run()
    assert (figures.accepted, figures.rejected) == (len(AMOUNTS), 1)
    assert {one.customer for one in receiver.receipts()} == {"customer-acme"}


def test_one_by_one_each_thing_counts_once_too() -> None:
    single = replace(CASE, options={"mode": "single"})
    for seed in range(10):
        assert History(single, seed).run().problems == (), f"history {seed}"


@pytest.mark.parametrize(
    "given",
    [{"url": None}, {"secrets": {}}, {"secrets": {"key": "whsec_dG9vc2hvcnQ="}}, {"secrets": {"key": "no base64"}}],
)
def test_without_address_or_a_secret_of_use_there_is_no_webhook(given: dict[str, Any]) -> None:
    with pytest.raises(ConfigError) as error:
        webhook(replace(answering(200), **given))
    assert "exports.test." in str(error.value)
    assert "no base64" not in str(error.value)


def test_a_webhook_cannot_be_asked() -> None:
    target = webhook(answering(200))
    assert not target.contract.looks
    assert isinstance(target.look(sendings("webhook", AMOUNTS[:1])[0]), Unclear)
    assert target.held(Wanted({}, {}, DAY.start_ns, DAY.end_ns)) is None


def test_amounts_keep_every_digit() -> None:
    (line,) = sendings("webhook", [replace(AMOUNTS[0], amount_exact=Decimal("12.345678901234567890"))])
    body = json.loads(json.dumps(line.element))
    assert Decimal(body["data"]["amount_exact"]) == Decimal("12.345678901234567890")
