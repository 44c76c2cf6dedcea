"""What a provider receives: no attribution and no Baggage, by whatever wire, whoever set it and however."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import httpx2
import openai
import pytest
from conformance.provider import Provider
from tests.instrumentation import leaks
from tests.instrumentation.conftest import Sink
from tests.instrumentation.leaks import ASK, CONDITIONS, OVERRIDE, SECRET, WAYS, Condition, Headers, Way

import tollspan
from tollspan.wire.exchange import state

HERE = [way for way in WAYS if way.installed]
GENERIC = [way.send for way in WAYS if way.generic]
ALONE, *INSTALLED = CONDITIONS
pytestmark = pytest.mark.filterwarnings("ignore:connect\\(\\) must be used:DeprecationWarning")  # OpenAI's SDK does not
UNTOUCHED = ("boto3", "websockets")  # no instrumentation of OpenTelemetry's writes Baggage into their requests


@pytest.fixture(scope="module")
def answering() -> Iterator[Provider]:
    with Provider(thinking_s=0.0) as found:
        yield found


@pytest.mark.parametrize("condition", INSTALLED, ids=lambda condition: condition.name)
@pytest.mark.parametrize("way", HERE, ids=lambda way: way.name)
def test_the_provider_learns_nothing(way: Way, condition: Condition, answering: Provider, sink: Sink) -> None:
    found = leaks.received(way, condition, answering, sink)
    assert found.leaked == ()
    assert found.kept
    named = "X-Tollspan-Customer" in condition.headers and not way.session
    assert found.customers == (SECRET if named else "outer",)


def test_every_way_can_be_gone_here() -> None:
    assert [way.name for way in WAYS if not way.installed] == []


@pytest.mark.parametrize("way", [way for way in HERE if way.package not in UNTOUCHED], ids=lambda way: way.name)
def test_without_tollspan_it_learns_what_the_baggage_says(way: Way, answering: Provider, sink: Sink) -> None:
    assert leaks.received(way, ALONE, answering, sink).leaked == ("baggage",)


@pytest.mark.parametrize("wire", GENERIC, ids=lambda wire: wire.__name__)
def test_hosts_that_are_no_provider_get_what_the_application_wrote(
    wire: Callable[[str, Headers], None], metered: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leaks, "PATH", "/survey/responses")
    monkeypatch.setattr(leaks, "BODY", {"answers": [1]})
    with contextlib.suppress(Exception):
        wire(metered.provider.url, {"X-Tollspan-Customer": "acme", "Baggage": "a=b"})
    (received,) = metered.provider.requests
    assert (received["x-tollspan-customer"], received["baggage"]) == ("acme", "a=b")
    assert metered.collect() == []


def test_retries_of_one_call_are_for_the_same_customer(metered: Any) -> None:
    with openai.OpenAI(base_url=f"{metered.provider.url}/v1", api_key="k") as client:
        client.chat.completions.create(model="gpt-4o!429-once", messages=ASK, extra_headers=OVERRIDE)
    assert [span["tollspan.customer"] for span in metered.collect()] == [SECRET, SECRET]
    assert SECRET not in str(metered.provider.requests)


# --- Baggage to hosts of one's own, when they are on the list --------------------------------
@pytest.mark.parametrize(
    ("hosts", "baggage_there"),
    [
        ((), "mine=1"),
        (("*.internal",), "mine=1"),
        (("127.0.0.*",), "mine=1,tollspan.customer=ac%20me,tollspan.tags.team=red"),
    ],
)
@pytest.mark.parametrize("wire", GENERIC, ids=lambda wire: wire.__name__)
def test_only_hosts_on_the_list_get_attribution(
    wire: Callable[[str, Headers], None],
    hosts: tuple[str, ...],
    baggage_there: str,
    metered: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(state, "propagate_to", hosts)
    with tollspan.attribute(customer="ac me", tags={"team": "red"}):
        wire(metered.provider.url, {"Baggage": "mine=1"})
        monkeypatch.setattr(leaks, "PATH", "/survey/responses")
        monkeypatch.setattr(leaks, "BODY", {"answers": [1]})
        with contextlib.suppress(Exception):
            wire(metered.provider.url, {"Baggage": "mine=1"})
    to_provider, to_service = metered.provider.requests
    assert "baggage" not in to_provider
    assert to_service["baggage"] == baggage_there


def test_nobody_s_request_to_a_host_on_the_list_gets_no_baggage(metered: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state, "propagate_to", ("127.0.0.1",))
    httpx2.post(f"{metered.provider.url}/survey/responses", json={"answers": [1]})
    assert "baggage" not in metered.provider.requests[0]
