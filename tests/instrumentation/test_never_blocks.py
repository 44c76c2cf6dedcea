"""Calls go on, on the event loop too, while the endpoint hangs, the disk is slow, or the sender is stuck in a sync."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from typing import Any

import openai
import pytest
from tests.instrumentation import calls
from tests.instrumentation.conftest import Metered

import tollspan
from tollspan import runtime
from tollspan.segment import Segment
from tollspan.sender import Sender

WAIT = 30.0  # far beyond what any call may take; nothing waits so long when all is well


@pytest.fixture
def stuck() -> Iterator[threading.Event]:
    found = threading.Event()
    yield found
    found.set()


@pytest.fixture
def entered() -> threading.Event:
    return threading.Event()


def blocked(method: Any, entered: threading.Event, stuck: threading.Event) -> Any:
    def waiting(*args: Any, **kwargs: Any) -> Any:
        entered.set()
        stuck.wait(WAIT)
        return method(*args, **kwargs)

    return waiting


@pytest.mark.parametrize(
    ("kind", "name"),
    [(Sender, "_try"), (Sender, "_sync"), (Segment, "sync"), (Segment, "read"), (Segment, "acknowledge")],
    ids=lambda one: getattr(one, "__name__", one),
)
def test_calls_go_on_while_the_sender_is_stuck(
    kind: type, name: str, metered: Metered, entered: Any, stuck: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kind, name, blocked(getattr(kind, name), entered, stuck))
    client = openai.OpenAI()
    calls.chat(client=client)
    assert not tollspan.flush(0.01)
    assert entered.wait(5)
    done = threading.Event()

    def work() -> None:
        for _ in range(3):
            calls.chat(client=client)
        tollspan.record("page", 1)
        assert tollspan.stats().recorded == 5
        done.set()

    threading.Thread(target=work, daemon=True).start()
    assert done.wait(10)
    stuck.set()
    assert len(metered.collect()) == 5


def test_a_slow_write_holds_up_its_own_call_alone(
    metered: Metered, entered: Any, stuck: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The write is all that a call waits for; no lock is held meanwhile, and nothing else of ours waits."""
    client = openai.OpenAI()
    calls.chat(client=client)
    write, first = Segment.write, threading.Lock()

    def slow(segment: Segment, data: bytes) -> bool:
        if first.acquire(blocking=False):
            entered.set()
            stuck.wait(WAIT)
        return write(segment, data)

    monkeypatch.setattr(Segment, "write", slow)
    behind = threading.Thread(target=lambda: calls.chat(client=client), daemon=True)
    behind.start()
    assert entered.wait(5)
    done = threading.Event()

    def work() -> None:
        calls.chat(client=client)
        tollspan.stats()
        done.set()

    threading.Thread(target=work, daemon=True).start()
    assert done.wait(10)
    assert behind.is_alive()
    stuck.set()
    behind.join(10)
    assert len(metered.collect()) == 3


def test_the_event_loop_turns_while_the_endpoint_hangs(metered: Metered) -> None:
    metered.sink.delay = 0.5
    running = runtime._running
    assert running is not None
    held: list[float] = []
    emit = running.emit

    def timed(record: Any) -> None:
        before = time.thread_time()
        emit(record)
        held.append(time.thread_time() - before)

    running.emit = timed  # type: ignore[method-assign]

    async def main() -> None:
        async with openai.AsyncOpenAI() as client:
            await asyncio.gather(
                *(client.chat.completions.create(model=calls.GPT, messages=calls.ASK) for _ in range(5))
            )
            assert not tollspan.flush(0)

    before = time.monotonic()
    asyncio.run(main())
    assert len(held) == 5
    assert tollspan.flush(10)
    assert time.monotonic() - before >= 0.4  # the endpoint did hang
