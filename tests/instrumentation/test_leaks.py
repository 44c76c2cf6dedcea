"""What a provider receives: no attribution and no Baggage, by whatever wire, whoever set it and however."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import aiohttp
import anthropic
import httpx
import httpx2
import openai
import pytest
import requests
from opentelemetry import baggage, context
from opentelemetry.instrumentation.aiohttp_client import AioHttpClientInstrumentor
from opentelemetry.instrumentation.httpx import HTTPX2ClientInstrumentor, HTTPXClientInstrumentor
from opentelemetry.instrumentation.requests import RequestsInstrumentor

import tollspan
from tollspan.wire.exchange import state

SECRET = "acme-secret"
ASK: list[Any] = [{"role": "user", "content": "hi"}]
BODY = {"model": "gpt-4o", "messages": ASK}
PATH = "/v1/chat/completions"
Headers = Mapping[str, str]


def by_httpx2(url: str, headers: Headers) -> None:
    httpx2.post(url + PATH, json=BODY, headers=dict(headers)).raise_for_status()


def by_httpx2_client(url: str, headers: Headers) -> None:
    with httpx2.Client(base_url=url, headers=dict(headers)) as client:
        client.post(PATH, json=BODY).raise_for_status()


def by_httpx2_async(url: str, headers: Headers) -> None:
    async def sent() -> None:
        async with httpx2.AsyncClient() as client:
            await client.post(url + PATH, json=BODY, headers=dict(headers))

    asyncio.run(sent())


def by_httpx(url: str, headers: Headers) -> None:
    httpx.post(url + PATH, json=BODY, headers=dict(headers)).raise_for_status()


def by_httpx_async(url: str, headers: Headers) -> None:
    async def sent() -> None:
        async with httpx.AsyncClient(headers=dict(headers)) as client:
            await client.post(url + PATH, json=BODY)

    asyncio.run(sent())


def by_aiohttp(url: str, headers: Headers) -> None:
    async def sent() -> None:
        async with aiohttp.ClientSession() as session, session.post(url + PATH, json=BODY, headers=headers) as answer:
            await answer.read()

    asyncio.run(sent())


def by_aiohttp_session(url: str, headers: Headers) -> None:
    async def sent() -> None:
        async with aiohttp.ClientSession(headers=headers) as session, session.post(url + PATH, json=BODY) as answer:
            await answer.read()

    asyncio.run(sent())


def by_requests(url: str, headers: Headers) -> None:
    requests.post(url + PATH, json=BODY, headers=dict(headers), timeout=9).raise_for_status()


def by_requests_session(url: str, headers: Headers) -> None:
    with requests.Session() as session:
        session.headers.update(headers)
        session.post(url + PATH, json=BODY, timeout=9).raise_for_status()


def by_openai(url: str, headers: Headers) -> None:
    with openai.OpenAI(base_url=f"{url}/v1", api_key="k") as client:
        client.chat.completions.create(model="gpt-4o", messages=ASK, extra_headers=headers)


def by_openai_stream(url: str, headers: Headers) -> None:
    with openai.OpenAI(base_url=f"{url}/v1", api_key="k", default_headers=headers) as client:
        assert [*client.chat.completions.create(model="gpt-4o", messages=ASK, stream=True)]


def by_anthropic(url: str, headers: Headers) -> None:
    with anthropic.Anthropic(base_url=url, api_key="k") as client:
        client.messages.create(model="claude-sonnet-5", max_tokens=9, messages=ASK, extra_headers=headers)


WIRES = (
    by_httpx2, by_httpx2_client, by_httpx2_async, by_httpx, by_httpx_async, by_aiohttp, by_aiohttp_session,
    by_requests, by_requests_session, by_openai, by_openai_stream, by_anthropic,
)  # fmt: skip
OVERRIDE = {"X-Tollspan-Customer": SECRET, "x-tollspan-tags-team": "red", "X-TOLLSPAN-NONSENSE": SECRET}
WRITTEN = {"nothing": {}, "override": OVERRIDE, "override and baggage": {**OVERRIDE, "Baggage": f"customer={SECRET}"}}


@pytest.fixture(params=[False, True], ids=["no Baggage", "Baggage"])
def set_baggage(request: pytest.FixtureRequest) -> Iterator[bool]:
    if not request.param:
        yield False
        return
    token = context.attach(baggage.set_baggage("customer.id", SECRET))
    yield True
    context.detach(token)


@pytest.mark.parametrize(
    ("wire", "written"), itertools.product(WIRES, WRITTEN), ids=lambda item: getattr(item, "__name__", item)
)
def test_the_provider_learns_nothing(
    wire: Callable[[str, Headers], None], written: str, *, set_baggage: bool, metered: Any
) -> None:
    with tollspan.attribute(customer="outer", user=SECRET):
        wire(metered.provider.url, {"x-mine": "kept", **WRITTEN[written]})
    (received,) = metered.provider.requests
    assert SECRET not in str(received)
    assert not [name for name in received if name.startswith("x-tollspan") or name == "baggage"]
    assert received["x-mine"] == "kept"
    (span,) = metered.collect()
    customer, team = (SECRET, "red") if "override" in written else ("outer", None)
    assert (span["tollspan.customer"], span["tollspan.tags.team"], span["tollspan.user"]) == (customer, team, SECRET)


@pytest.mark.parametrize("wire", WIRES[:-3], ids=lambda wire: wire.__name__)
def test_hosts_that_are_no_provider_get_what_the_application_wrote(
    wire: Callable[[str, Headers], None], metered: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(globals(), "PATH", "/survey/responses")
    monkeypatch.setitem(globals(), "BODY", {"answers": [1]})
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
@pytest.mark.parametrize("wire", WIRES[:-3], ids=lambda wire: wire.__name__)
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
        monkeypatch.setitem(globals(), "PATH", "/survey/responses")
        monkeypatch.setitem(globals(), "BODY", {"answers": [1]})
        with contextlib.suppress(Exception):
            wire(metered.provider.url, {"Baggage": "mine=1"})
    to_provider, to_service = metered.provider.requests
    assert "baggage" not in to_provider
    assert to_service["baggage"] == baggage_there


def test_nobody_s_request_to_a_host_on_the_list_gets_no_baggage(metered: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state, "propagate_to", ("127.0.0.1",))
    httpx2.post(f"{metered.provider.url}/survey/responses", json={"answers": [1]})
    assert "baggage" not in metered.provider.requests[0]


# --- with OpenTelemetry's instrumentations of the HTTP libraries on ---------------------------
THEIRS = (HTTPX2ClientInstrumentor, HTTPXClientInstrumentor, AioHttpClientInstrumentor, RequestsInstrumentor)


@pytest.fixture(params=["ours first", "theirs first", "theirs only"])
def instrumented(request: pytest.FixtureRequest, metered: Any) -> Iterator[str]:
    if request.param != "ours first":
        tollspan.uninstall()
    for kind in THEIRS:
        kind().instrument()
    if request.param == "theirs first":
        tollspan.install(endpoint=metered.sink.url, include_usage_hosts=())
    token = context.attach(baggage.set_baggage("customer.id", SECRET))
    yield request.param
    context.detach(token)
    tollspan.uninstall()
    for kind in THEIRS:
        kind().uninstrument()


@pytest.mark.parametrize("wire", WIRES, ids=lambda wire: wire.__name__)
def test_the_provider_learns_nothing_by_http_instrumentations(
    wire: Callable[[str, Headers], None], instrumented: str, metered: Any
) -> None:
    with tollspan.attribute(customer=SECRET):
        wire(metered.provider.url, {})
    (received,) = metered.provider.requests
    if instrumented == "theirs only":
        assert received["baggage"] == f"customer.id={SECRET}"
        return
    assert "baggage" not in received
    assert SECRET not in str(received)
    assert [span["tollspan.customer"] for span in metered.collect()] == [SECRET]
