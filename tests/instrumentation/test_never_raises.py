"""Whatever breaks inside tollspan, the application's calls answer as without it."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import anthropic
import httpx2
import openai
import pytest

import tollspan
from tollspan import (
    answer,
    attempt,
    attribution,
    body,
    carrier,
    ending,
    estimate,
    export,
    fingerprint,
    forms,
    frame,
    hosts,
    linking,
    measure,
    memory,
    process,
    protobuf,
    reader,
    record,
    routes,
    runtime,
    segment,
    sender,
    sent,
    spool,
    stream,
    swallow,
    usage,
)
from tollspan.wire import exchange
from tollspan.wire import httpx as wire

HEADERS = {"x-tollspan-customer": "acme", "x-tollspan-billable": "no"}
ASK: Any = [{"role": "user", "content": "hi"}]
MODULES = (
    answer, attempt, attribution, body, carrier, ending, estimate, exchange, export, fingerprint, forms, frame, hosts,
    linking, measure, memory, process, protobuf, reader, record, routes, segment, sender, sent, spool, stream, swallow,
    usage, wire,
)  # fmt: skip
# Boundaries: they call the application's code or contain the guard itself, and are held by the others.
BOUNDARIES = {
    "_send", "_asend", "_no_baggage", "_fail", "_watched", "patch", "unpatch", "current", "attribute",
    "_function", "_coroutine", "_generator", "_async_generator", "_wrapper",
    "sending", "inside", "fail", "extract", "passed",
}  # fmt: skip
GUARDING = {
    "Attempt": {"chunk", "finish"},
    "Scope": {"__init__", "__enter__", "__exit__", "__call__"},
    "_Watched": None,
    "Recorder": None,
    "Sender": {"__init__", "_run", "_gathered", "_start", "_outstanding", "_count"},
    "Memory": {"__init__"},
    "Source": None,
    "Stats": None,
}


def breakable() -> Iterator[tuple[str, Any, str]]:
    """Every function and method of ours that runs inside an application's call."""
    for module in MODULES:
        for name, member in vars(module).items():
            if getattr(member, "__module__", None) != module.__name__ or name in BOUNDARIES:
                continue
            if inspect.isfunction(member) and not hasattr(member, "__wrapped__"):
                yield f"{module.__name__}.{name}", module, name
            elif inspect.isclass(member):
                yield from _methods(module, member)


def _methods(module: ModuleType, kind: type) -> Iterator[tuple[str, Any, str]]:
    guarding = GUARDING.get(kind.__name__, set())
    if guarding is None:
        return
    for name, member in vars(kind).items():
        plain = inspect.isfunction(member) and not hasattr(member, "__wrapped__") and name not in guarding
        if plain and (not name.startswith("__") or name == "__init__"):
            yield f"{module.__name__}.{kind.__name__}.{name}", kind, name


def broken(*_args: Any, **_kwargs: Any) -> Any:
    msg = "broken on purpose"
    raise RuntimeError(msg)


@pytest.fixture(scope="module")
def clients() -> Iterator[tuple[openai.OpenAI, anthropic.Anthropic]]:
    with openai.OpenAI(api_key="k", base_url="http://unset") as gpt, anthropic.Anthropic(api_key="k") as claude:
        yield gpt, claude


@pytest.mark.parametrize(("owner", "name"), [pytest.param(o, n, id=label) for label, o, n in breakable()])
def test_the_application_answers_although_it_breaks(
    owner: Any, name: str, metered: Any, clients: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(owner, name, broken)
    gpt, claude = (client.copy(base_url=metered.provider.url) for client in clients)
    monkeypatch.setattr(exchange.state, "fingerprint_key", b"k")
    monkeypatch.setattr(exchange.state, "propagate_to", ("127.0.0.1",))
    with tollspan.attribute(customer="acme", tags={"a": "b"}), tollspan.extract(tollspan.inject()):
        httpx2.post(f"{metered.provider.url}/survey/responses", json={"answers": [1]})
        assert gpt.chat.completions.create(model="gpt-4o", messages=ASK, extra_headers=HEADERS).usage
        stream: Any = gpt.chat.completions.create(model="gpt-4o", messages=ASK, stream=True)
        assert [*stream][-1].choices[0].finish_reason == "stop"
        with claude.messages.stream(model="claude-sonnet-5", max_tokens=9, messages=ASK) as message:
            assert message.get_final_message().stop_reason == "end_turn"
        tollspan.record("page", 1)
    tollspan.stats()


def test_there_is_something_to_break() -> None:
    labels = [label for label, _, _ in breakable()]
    assert len(labels) > 50
    assert {"tollspan.attempt.Attempt._record", "tollspan.answer._reasons"} <= set(labels)


def test_cancellation_passes_through(metered: Any) -> None:
    async def main() -> None:
        async with openai.AsyncOpenAI(base_url=metered.provider.url) as client:
            call = asyncio.ensure_future(client.chat.completions.create(model="gpt-4o!hang-once", messages=ASK))
            await asyncio.to_thread(metered.provider.asked.wait, 5)
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call

    asyncio.run(main())
    (span,) = metered.collect()
    assert (span["tollspan.outcome"], span["tollspan.quality"]) == ("aborted", "estimated")
    assert span["gen_ai.usage.output_tokens"] is None


def test_flush_and_stats_survive_a_broken_sender(metered: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sender.Sender, "flush", broken)
    monkeypatch.setattr(sender.Sender, "stats", broken)
    assert tollspan.flush(0) is False
    assert tollspan.stats() == sender.Stats()
    assert runtime.stats() == sender.Stats()
