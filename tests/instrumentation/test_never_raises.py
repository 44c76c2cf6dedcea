"""Whatever breaks inside tollspan, the application sees what it sees without it.

The functions are found by watching applications run, so that a new one is broken too without being listed. One through
which the application's code runs and that nothing guards fails here.
"""

from __future__ import annotations

import asyncio
import gc
from collections import Counter
from collections.abc import Callable, Iterator
from contextvars import copy_context
from dataclasses import dataclass
from types import CodeType
from typing import Any

import openai
import pytest
from tests.instrumentation.applications import APPLICATIONS, ASK, GPT, World, noticed, said
from tests.instrumentation.breaking import Functions, label, watched
from tests.instrumentation.conftest import Sink

import tollspan
from tollspan import ending, runtime, threads, wire
from tollspan.tasks import celery as tasks
from tollspan_rater.demo.provider import FakeProvider

MOST = 1  # applications in which a function is broken
LEAVING_S = 0.2, 0.0  # for what is still to be sent at the end; with no time it is left to the next start
BROKEN_S = 0.05  # the same where anything may be broken: if it is the sending, all of it passes
# Code that the application's own does not run through: at import, in processes of its own, in other frameworks.
ELSEWHERE = (
    *("tollspan.litellm", "tollspan.web.django", "tollspan.event_schema", "tollspan.auto", "tollspan.instrumentor"),
    *("tollspan.routes._", "tollspan.forms._", "tollspan.usage._places", "tollspan.variables"),
    *("tollspan.attempt.Recorder", "tollspan.reader.Reader.", "tollspan.segment.Source"),
)
# Functions that cannot be held by a guard, by the reason; all that they call is broken in its turn.
AROUND = {
    "runs the application's or the library's own code": """
        wire.hook._hook.<locals>.hook wire.hook._hook.<locals>.async_hook wire.httpx._send wire.httpx._asend
        wire.requests._send wire.aiohttp._request wire.aiohttp._prepared wire.botocore._send wire.botocore._signed
        wire.response.passed wire.response.apassed wire.response.Watched.close wire.response.Watched.__del__
        wire.httpx._Watched.iter_bytes wire.httpx._Watched.aiter_bytes wire.httpx._Watched.aclose
        wire.requests._Watched.iter_content wire.aiohttp._Tapped.feed_data wire.aiohttp._Tapped.feed_eof
        wire.aiohttp._Tapped.set_exception wire.aiohttp._Watched.release wire.aiohttp._Watched.__del__
        wire.urllib3._urlopen wire.urllib3.Body.read wire.urllib3.Body.read1 wire.urllib3.Body.read_chunked
        wire.websockets._send_request wire.websockets._send wire.websockets._asend wire.websockets._recv
        wire.websockets._arecv wire.websockets._close
        wire.urllib3.Body._noted wire.exchange.sending.__init__ wire.exchange.sending.__exit__
        wire.imports._tell_after.<locals>.exec_module threads._submit threads._start threads._run
        threads._lend.<locals>.carried
        attribution.Scope.__enter__ attribution.Scope.__exit__ attribution._function.<locals>.call
        attribution._coroutine.<locals>.call attribution._generator.<locals>.call
        attribution._async_generator.<locals>.call
        web.asgi.AttributionMiddleware.__call__ web.wsgi.AttributionMiddleware.__call__ web.wsgi._Body.__init__
        web.wsgi._Body.__iter__ web.wsgi._Body.__next__ web.wsgi._Body._next web.wsgi._Body.close
        web.fastapi.attribution.<locals>.entered tasks.rq.Attributed.create tasks.rq.Attributed.perform
        attempt.Attempt.chunk attempt.Attempt.finish""",
    "is the guard": "guarded.guarded.<locals>.call guarded.guarded guarded.safely",
    "is called by the application by name, and only calls what is guarded": """
        attribution.attribute attribution.current attribution.Scope.__init__ carrier.inject carrier.extract
        runtime.flush runtime.stats web.source.Source.scope web.flask.init_app.<locals>.<lambda>""",
    "is used when the application starts": """
        attribution.Scope.__call__ attribution._wrapper attribution._function attribution._coroutine
        attribution._generator attribution._async_generator web.source.Middleware.__init__ web.flask.init_app
        web.fastapi.attribution tasks.celery.connect tasks.celery.disconnect""",
}
SENDING = ("tollspan.sender.Sender._", "tollspan.transport", "tollspan.partial_success")  # in a thread of its own
UNGUARDED = {f"tollspan.{name}" for names in AROUND.values() for name in names.split()}
Application = Callable[[World], Any]


@dataclass
class Watched:
    """What each application sees without tollspan, and which functions of tollspan it runs through."""

    world: World
    sink: Sink
    functions: Functions
    expected: dict[Application, Any]
    reached: dict[Application, set[CodeType]]

    def share(self, application: Application) -> list[CodeType]:
        """Return the functions that are broken in an application: each in those that reach the fewest."""
        order = sorted(APPLICATIONS, key=lambda one: (len(self.reached[one]), one.__name__))
        times: Counter[CodeType] = Counter()
        for one in order:
            share = [code for code in self.reached[one] if times[code] < MOST]
            times.update(share)
            if one is application:
                return sorted(share, key=label)
        raise KeyError(application)


def metered(application: Application, world: World, sink: Sink, leaving_s: float) -> Any:
    """Run an application between install and uninstall, which has so long to send."""
    tollspan.install(
        endpoint=sink.url,
        include_usage_hosts=["127.0.0.1"],
        propagate_to=["127.0.0.1"],
        fingerprint_key="k",
        threads=True,
    )
    try:
        return application(world)
    finally:
        tollspan.uninstall(leaving_s)


@pytest.fixture(scope="module")
def watch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    sink = Sink()
    with FakeProvider(seed=1) as provider, pytest.MonkeyPatch.context() as patch:
        patch.setenv("TOLLSPAN_SPOOL_DIR", str(tmp_path_factory.mktemp("spool")))
        world = World(provider)
        expected = {one: one(world) for one in APPLICATIONS}
        reached: dict[Application, set[CodeType]] = {one: set() for one in APPLICATIONS}
        for one in APPLICATIONS:
            with watched(reached[one]):
                for leaving_s in LEAVING_S:
                    assert metered(one, world, sink, leaving_s) == expected[one], one.__name__
                    gc.collect()  # what it dropped ends here, and not in the next one
        yield Watched(world, sink, Functions(), expected, reached)
        world.close()
    sink.close()


def healed(running: runtime.Runtime | None) -> None:
    """Undo what an uninstall that broke has left."""
    tollspan.uninstall(0)
    wire.unpatch()
    threads.take_out()
    ending.unwatch()
    tasks._running.clear()
    if running is not None:
        running.sender.close(0)


@pytest.mark.parametrize("application", APPLICATIONS, ids=lambda one: one.__name__)
def test_the_application_sees_the_same_although_it_breaks(application: Application, watch: Watched) -> None:
    failed = {}
    for code in watch.share(application):
        if label(code) in UNGUARDED:
            continue
        with noticed() as noise:
            try:
                with watch.functions.broken(code):
                    context = copy_context()  # what breaks may stay in force there
                    seen = context.run(metered, application, watch.world, watch.sink, BROKEN_S)
                if seen != watch.expected[application]:
                    failed[label(code)] = f"sees {seen}"
            except Exception as error:  # noqa: BLE001 - whatever comes out
                failed[label(code)] = f"{type(error).__name__}: {error}"
            healed(runtime._running)
        if noise:
            failed[label(code)] = f"noise: {noise}"
    assert not failed, "\n".join(f"{name}: {what}" for name, what in failed.items())


def test_every_exception_is_still_there(watch: Watched) -> None:
    assert {label(code) for code in watch.functions.all()} >= UNGUARDED


def test_what_is_broken_is_nearly_all_that_an_application_runs_through(watch: Watched) -> None:
    reached: set[CodeType] = set().union(*watch.reached.values())
    files = {code.co_filename for code in reached}  # other tests may have loaded more
    inside = {
        code for code in watch.functions.all() if code.co_filename in files and not label(code).startswith(ELSEWHERE)
    }
    assert len(reached) > 400
    missed = sorted(label(code) for code in inside - reached)
    assert len(missed) < len(inside) / 5, f"{len(missed)} of {len(inside)} are not reached:\n" + "\n".join(missed)


def test_an_interrupt_passes_wherever_it_comes(watch: Watched) -> None:
    """Ctrl-C inside tollspan ends the call as it would without, and the next call is metered."""

    def call() -> Any:
        return said(watch.world.gpt.chat.completions.create(model=GPT, messages=ASK))

    expected, reached = call(), set[CodeType]()
    tollspan.install(endpoint=watch.sink.url)
    try:
        call()
        with watched(reached):
            call()
        functions = Functions()  # with the hooks of this time
        mine = [code for code in sorted(reached, key=label) if not label(code).startswith(SENDING)]
        swallowed = []
        for code in mine:
            try:  # in a context of its own: one that comes exactly when the library has answered stays in force there
                with noticed(), functions.broken(code, KeyboardInterrupt):
                    copy_context().run(call)
            except KeyboardInterrupt:
                continue
            swallowed.append(label(code))
        assert call() == expected
        assert len(mine) > 80
        assert swallowed == []
        assert tollspan.flush(5)
    finally:
        tollspan.uninstall(0.2)


def test_a_thread_that_has_ended_by_a_fault_is_replaced(watch: Watched) -> None:
    tollspan.install(endpoint=watch.sink.url)
    try:
        (gathered,) = (code for code in watch.functions.all() if label(code) == "tollspan.sender.Sender._gathered")
        with watch.functions.broken(gathered):
            tollspan.record("page", 1)
            assert not tollspan.flush(0.2)
        tollspan.record("page", 1)
        assert tollspan.flush(5)
        assert tollspan.stats().exported >= 2
    finally:
        tollspan.uninstall(0.2)


def test_cancellation_passes_through(metered: Any) -> None:
    async def main() -> None:
        async with openai.AsyncOpenAI(base_url=f"{metered.provider.url}/v1") as client:
            call = asyncio.ensure_future(client.chat.completions.create(model=f"{GPT}!hang-once", messages=ASK))
            await asyncio.to_thread(metered.provider.asked.wait, 5)
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call

    asyncio.run(main())
    (span,) = metered.collect()
    assert (span["tollspan.outcome"], span["tollspan.quality"]) == ("aborted", "estimated")
    assert span["gen_ai.usage.output_tokens"] is None
