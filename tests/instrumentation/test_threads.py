"""Where attribution reaches without a carrier and where it needs one: each cell on its own."""

from __future__ import annotations

import asyncio
import contextvars
import multiprocessing
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from typing import Any

import pytest
from opentelemetry.instrumentation.threading import ThreadingInstrumentor

import tollspan
from tollspan import threads

CARRIER = {"tollspan.customer": "acme", "tollspan.tags.team": "red"}
Seen = dict[str, str]


def carried(carrier: Seen) -> Seen:
    with tollspan.extract(carrier):
        return tollspan.inject()


async def seen() -> Seen:
    return tollspan.inject()


def same_thread() -> Seen:
    return tollspan.inject()


def by_await() -> Seen:
    return asyncio.run(seen())


def by_create_task() -> Seen:
    async def main() -> Seen:
        return await asyncio.create_task(seen())

    return asyncio.run(main())


def by_call_soon() -> Seen:
    async def main() -> Seen:
        found = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().call_soon(lambda: found.set_result(tollspan.inject()))
        return await found

    return asyncio.run(main())


def by_to_thread() -> Seen:
    async def main() -> Seen:
        return await asyncio.to_thread(tollspan.inject)

    return asyncio.run(main())


def by_run_in_executor() -> Seen:
    async def main() -> Seen:
        return await asyncio.get_running_loop().run_in_executor(None, tollspan.inject)

    return asyncio.run(main())


def by_submit() -> Seen:
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(tollspan.inject).result()


def by_map() -> Seen:
    with ThreadPoolExecutor(1) as pool:
        (found,) = pool.map(lambda _item: tollspan.inject(), [1])
        return found


def by_thread(kind: type[threading.Thread] = threading.Thread) -> Seen:
    found: list[Seen] = []
    thread = kind(target=lambda: found.append(tollspan.inject()))
    thread.start()
    thread.join()
    return found[0]


def by_thread_of_a_class() -> Seen:
    class Own(threading.Thread):
        def run(self) -> None:
            self.found = tollspan.inject()

    thread = Own()
    thread.start()
    thread.join()
    return thread.found


def by_timer() -> Seen:
    found: list[Seen] = []
    timer = threading.Timer(0, lambda: found.append(tollspan.inject()))
    timer.start()
    timer.join()
    return found[0]


def by_thread_with_a_carrier() -> Seen:
    carrier, found = tollspan.inject(), []
    thread = threading.Thread(target=lambda: found.append(carried(carrier)))
    thread.start()
    thread.join()
    return found[0]


def by_generator() -> Seen:
    def pieces() -> Iterator[Seen]:
        yield tollspan.inject()

    return next(pieces())


def by_async_generator() -> Seen:
    async def pieces() -> AsyncIterator[Seen]:
        yield tollspan.inject()

    async def main() -> Seen:
        return await anext(pieces())

    return asyncio.run(main())


def by_copied_context() -> Seen:
    context = contextvars.copy_context()
    found: list[Seen] = []
    thread = threading.Thread(target=lambda: found.append(context.run(tollspan.inject)))
    thread.start()
    thread.join()
    return found[0]


def told(answers: Any) -> None:
    answers.put(tollspan.inject())


def by_forked_process() -> Seen:
    context = multiprocessing.get_context("fork")
    answers = context.Queue()
    process = context.Process(target=told, args=(answers,))
    process.start()
    found: Seen = answers.get(timeout=60)
    process.join()
    return found


# Cells by their words in docs/concepts/attribution.md.
ALWAYS = {
    "the same function": same_thread,
    "`await`": by_await,
    "`asyncio.create_task`": by_create_task,
    "`loop.call_soon`": by_call_soon,
    "`asyncio.to_thread`": by_to_thread,
    "a generator, where it is consumed": by_generator,
    "an async generator, where it is consumed": by_async_generator,
    "`contextvars.copy_context().run`": by_copied_context,
    "a forked process, as it was at the fork": by_forked_process,
}
WITH_TOLLSPAN = {
    "`loop.run_in_executor`": by_run_in_executor,
    "`ThreadPoolExecutor.submit`": by_submit,
    "`ThreadPoolExecutor.map`": by_map,
}
WHEN_ASKED = {
    "`threading.Thread`": by_thread,
    "a class of one's own from `Thread`": by_thread_of_a_class,
    "`threading.Timer`": by_timer,
}
WITH_A_CARRIER = ("any thread", "a spawned process, also of `ProcessPoolExecutor`")
NOBODY: Seen = {}


always, executors, by_hand = (tuple(cells.values()) for cells in (ALWAYS, WITH_TOLLSPAN, WHEN_ASKED))


@pytest.fixture
def carrying() -> Iterator[Callable[..., None]]:
    yield lambda *, asked: threads.put_in(threads=asked)
    threads.take_out()


@pytest.mark.parametrize(
    ("way", "installed", "asked", "seen_there"),
    [
        *((way, False, False, CARRIER) for way in (*always, by_thread_with_a_carrier)),
        *((way, False, False, NOBODY) for way in (*executors, *by_hand)),
        *((way, True, False, CARRIER) for way in (*always, *executors)),
        *((way, True, False, NOBODY) for way in by_hand),
        *((way, True, True, CARRIER) for way in (*always, *executors, *by_hand)),
    ],
)
def test_the_matrix(
    way: Callable[[], Seen], *, installed: bool, asked: bool, seen_there: Seen, carrying: Callable[..., None]
) -> None:
    if installed:
        carrying(asked=asked)
    with tollspan.attribute(customer="acme", tags={"team": "red"}):
        assert way() == seen_there
    assert way() == NOBODY


def test_a_spawned_process_needs_a_carrier() -> None:
    pool = ProcessPoolExecutor(1, multiprocessing.get_context("spawn"))
    with pool, tollspan.attribute(customer="acme", tags={"team": "red"}):
        assert pool.submit(tollspan.inject).result(60) == NOBODY
        assert pool.submit(carried, tollspan.inject()).result(60) == CARRIER


def test_a_worker_keeps_nothing_of_the_job_that_started_it(carrying: Callable[..., None]) -> None:
    carrying(asked=True)
    with ThreadPoolExecutor(1) as pool:
        with tollspan.attribute(customer="first"):
            first = pool.submit(tollspan.inject)
        second = pool.submit(tollspan.inject)
        with tollspan.attribute(user="u3"):
            third = pool.submit(tollspan.inject)
    answers = [one.result() for one in (first, second, third)]
    assert answers == [{"tollspan.customer": "first"}, NOBODY, {"tollspan.user": "u3"}]


@pytest.mark.parametrize("ours_first", [True, False])
@pytest.mark.parametrize("way", [by_thread, by_submit, by_run_in_executor], ids=lambda way: way.__name__)
def test_it_agrees_with_opentelemetry_s_own_carrying(
    way: Callable[[], Seen], *, ours_first: bool, carrying: Callable[..., None]
) -> None:
    theirs = ThreadingInstrumentor()
    came_and_go = [(lambda: carrying(asked=True), threads.take_out), (theirs.instrument, theirs.uninstrument)]
    order = came_and_go if ours_first else came_and_go[::-1]
    for come, _go in order:
        come()
    try:
        with tollspan.attribute(customer="acme", tags={"team": "red"}):
            assert way() == CARRIER
        assert way() == NOBODY
    finally:
        for _come, go in order[::-1]:
            go()
        del threading.Timer.start  # type: ignore[misc] # theirs leaves the inherited method behind as Timer's own


def test_jobs_and_threads_are_what_they_were(carrying: Callable[..., None]) -> None:
    carrying(asked=True)
    with tollspan.attribute(customer="acme"), ThreadPoolExecutor(1) as pool:
        assert pool.submit(lambda *a, **k: (a, k), 1, fn=2).result() == ((1,), {"fn": 2})
        with pytest.raises(KeyError, match="gone"):
            pool.submit({}.__getitem__, "gone").result()
        with pytest.raises(TypeError):
            pool.submit()  # type: ignore[call-arg]
        thread = threading.Thread(target=lambda: None)
        thread.start()
        thread.join()
        assert "run" not in vars(thread)


def test_a_hundred_times_leaves_the_originals() -> None:
    originals = threading.Thread.start, ThreadPoolExecutor.submit
    for _ in range(100):
        threads.put_in(threads=True)
        assert (threads.EXECUTORS.hooked(), threads.THREADS.hooked()) == ([True], [True])
        threads.take_out()
    assert (threading.Thread.start, ThreadPoolExecutor.submit) == originals


def test_a_broken_context_lets_the_job_run(carrying: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_args: Any) -> Any:
        raise RuntimeError

    carrying(asked=True)
    for name in ("current", "enter", "_lend"):
        with monkeypatch.context() as patched:
            patched.setattr(threads, name, broken)
            assert (by_submit(), by_thread()) == (NOBODY, NOBODY)


def test_other_executors_are_left_alone(carrying: Callable[..., None]) -> None:
    carrying(asked=True)

    class Inline(Executor):
        def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Any:
            return fn(*args, **kwargs)

    assert Inline().submit(contextvars.copy_context) is not None
    assert "submit" in vars(Inline)
