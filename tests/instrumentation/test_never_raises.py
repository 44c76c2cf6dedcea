"""Whatever breaks inside tollspan, the application sees what it sees without it.

The functions are found by watching applications run, so that a new one is broken too without being listed. One through
which the application's code runs and that nothing guards fails here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import CodeType
from typing import Any

import pytest
from tests.instrumentation.applications import APPLICATIONS, World, noticed
from tests.instrumentation.breaking import Functions, label, watched
from tests.instrumentation.conftest import Sink

import tollspan
from tollspan import ending, runtime, threads, wire
from tollspan_rater.demo.provider import FakeProvider

MOST = 2  # applications in which a function is broken
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


def metered(application: Application, watch: Watched) -> Any:
    """Run an application between install and uninstall."""
    tollspan.install(
        endpoint=watch.sink.url,
        include_usage_hosts=["127.0.0.1"],
        propagate_to=["127.0.0.1"],
        fingerprint_key="k",
        threads=True,
    )
    try:
        return application(watch.world)
    finally:
        tollspan.uninstall(0.2)


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
                assert metered(one, Watched(world, sink, Functions(), expected, reached)) == expected[one], one.__name__
        yield Watched(world, sink, Functions(), expected, reached)
        world.close()
    sink.close()


def healed(running: runtime.Runtime | None) -> None:
    """Undo what an uninstall that broke has left."""
    tollspan.uninstall(0)
    wire.unpatch()
    threads.take_out()
    ending.unwatch()
    if running is not None:
        running.sender.close(0)


@pytest.mark.parametrize("application", APPLICATIONS, ids=lambda one: one.__name__)
def test_the_application_sees_the_same_although_it_breaks(application: Application, watch: Watched) -> None:
    failed = {}
    for code in watch.share(application):
        with noticed() as noise:
            try:
                with watch.functions.broken(code):
                    seen = metered(application, watch)
                if seen != watch.expected[application]:
                    failed[label(code)] = f"sees {seen}"
            except Exception as error:  # noqa: BLE001 - whatever comes out
                failed[label(code)] = f"{type(error).__name__}: {error}"
            healed(runtime._running)
        if noise:
            failed[label(code)] = f"noise: {noise}"
    assert not failed, "\n".join(f"{name}: {what}" for name, what in failed.items())
