"""Hooks come and go in any order with those of other instrumentations, and are never lost or doubled by them."""

from __future__ import annotations

import asyncio
import inspect
import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import httpx
import pytest
import requests
from opentelemetry.instrumentation.aiohttp_client import AioHttpClientInstrumentor
from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor
from opentelemetry.instrumentation.requests import RequestsInstrumentor

import tollspan
from tollspan import wire
from tollspan.wire.hook import is_hook

SEND, ASEND = httpx.Client.send, httpx.AsyncClient.send
CLIENT = httpx.Client()
BODY = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}]}


def by_requests(url: str) -> None:
    requests.post(f"{url}/v1/chat/completions", json=BODY, timeout=9)


def by_httpx(url: str) -> None:
    CLIENT.post(f"{url}/v1/chat/completions", json=BODY)


def by_aiohttp(url: str) -> None:
    async def sent() -> None:
        async with aiohttp.ClientSession() as session, session.post(f"{url}/v1/chat/completions", json=BODY) as answer:
            await answer.read()

    asyncio.run(sent())


CALLS: dict[Any, Callable[[str], None]] = {
    RequestsInstrumentor: by_requests,
    HTTPXClientInstrumentor: by_httpx,
    AioHttpClientInstrumentor: by_aiohttp,
}
OURS, THEIRS = ("ours on", "ours off"), ("theirs on", "theirs off")
ORDERS = [
    order
    for order in itertools.permutations(OURS + THEIRS)
    if order.index(OURS[0]) < order.index(OURS[1]) and order.index(THEIRS[0]) < order.index(THEIRS[1])
]


@pytest.fixture
def originals() -> Iterator[None]:
    """Methods as they are without any instrumentation, put back at the end."""
    methods = [(owner, name, vars(owner)[name]) for seam in wire.SEAMS for owner, name in seam.methods()]
    yield
    for owner, name, original in methods:
        setattr(owner, name, original)


@pytest.mark.usefixtures("originals")
@pytest.mark.parametrize("order", ORDERS, ids=", ".join)
@pytest.mark.parametrize("instrumentor", CALLS, ids=lambda kind: kind.__name__)
def test_metering_is_on_when_it_is_on(instrumentor: Any, order: tuple[str, ...], provider: Any, sink: Any) -> None:
    steps: dict[str, Callable[[], object]] = {
        "ours on": lambda: tollspan.install(endpoint=sink.url),
        "ours off": tollspan.uninstall,
        "theirs on": instrumentor().instrument,
        "theirs off": instrumentor().uninstrument,
    }
    on = expected = 0
    for step in (*order, "ours on", "ours off"):
        steps[step]()
        on = step == "ours on" if step in OURS else on
        expected += on
        assert not on or all(all(seam.hooked()) for seam in wire.SEAMS), step
        CALLS[instrumentor](provider.url)
        tollspan.flush(5)
        assert len(sink.spans) == expected, step


def stack(function: Any) -> list[Any]:
    """A method and what lies below it."""
    return [] if function is None else [function, *stack(getattr(function, "__wrapped__", None))]


@pytest.mark.usefixtures("originals")
def test_a_hook_that_others_lie_over_is_not_put_in_again(sink: Any) -> None:
    for _ in range(3):
        tollspan.install(endpoint=sink.url)
        RequestsInstrumentor().instrument()
        tollspan.uninstall(0)
        tollspan.install(endpoint=sink.url)
        assert sum(map(is_hook, stack(vars(requests.Session)["send"]))) == 1
        RequestsInstrumentor().uninstrument()
        tollspan.uninstall(0)
    assert not any(map(is_hook, stack(vars(requests.Session)["send"])))


def test_a_hundred_times_leaves_no_more_than_once(sink: Any) -> None:
    methods = [(owner, name) for seam in wire.SEAMS for owner, name in seam.methods()]
    originals = [vars(owner)[name] for owner, name in methods]
    for _ in range(100):
        tollspan.install(endpoint=sink.url)
        assert all(is_hook(vars(owner)[name]) for owner, name in methods)
        tollspan.uninstall(0)
    assert [vars(owner)[name] for owner, name in methods] == originals


def test_the_page_names_every_method_that_is_hooked() -> None:
    page = (Path(__file__).parents[2] / "docs/reference/wires.md").read_text()
    for seam in wire.SEAMS:
        for kind, methods in seam.wrappers.items():
            assert f"`{seam.module}.{kind}" in page
            assert all(f"{name}`" in page for name in methods)


def test_a_hook_looks_like_what_it_hooks(sink: Any) -> None:
    before = [(inspect.signature(send), inspect.iscoroutinefunction(send)) for send in (SEND, ASEND)]
    tollspan.install(endpoint=sink.url)
    after = [
        (inspect.signature(send), inspect.iscoroutinefunction(send))
        for send in (httpx.Client.send, httpx.AsyncClient.send)
    ]
    tollspan.uninstall(0)
    assert (after, [asynchronous for _, asynchronous in after]) == (before, [False, True])
