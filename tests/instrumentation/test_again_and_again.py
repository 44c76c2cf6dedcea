"""Installed and uninstalled a hundred times: nothing is left, nothing grows, whatever else hooks the same libraries."""

from __future__ import annotations

import gc
import json
import subprocess
import sys
import threading
import tracemalloc
from pathlib import Path
from typing import Any

import openai
import pytest
from opentelemetry.instrumentation.botocore import BotocoreInstrumentor
from opentelemetry.instrumentation.genai.openai import OpenAIInstrumentor
from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor
from opentelemetry.instrumentation.requests import RequestsInstrumentor
from opentelemetry.instrumentation.threading import ThreadingInstrumentor
from tests.instrumentation import calls
from tests.instrumentation.applications import aiohttp  # noqa: F401 - hooked libraries are imported
from tests.instrumentation.conftest import Metered

import tollspan
from tollspan import threads
from tollspan.wire import SEAMS

TIMES = 100
EVERY = (*SEAMS, threads.EXECUTORS, threads.THREADS)
OTHERS = (
    HTTPXClientInstrumentor, RequestsInstrumentor, BotocoreInstrumentor, ThreadingInstrumentor, OpenAIInstrumentor,
)  # fmt: skip


def methods() -> dict[str, Any]:
    return {f"{owner.__qualname__}.{name}": vars(owner)[name] for seam in EVERY for owner, name in seam.methods()}


def depth(function: Any) -> int:
    """Count the wrappers around a method."""
    found = 0
    while (function := getattr(function, "__wrapped__", None)) is not None:
        found += 1
    return found


def state() -> dict[str, Any]:
    gc.collect()
    return {
        "methods": methods(),
        "importers": list(sys.meta_path),
        "threads": sorted(thread.name for thread in threading.enumerate() if thread.name.startswith("tollspan")),
        "files": sorted(
            target for target in map(_target, Path("/proc/self/fd").iterdir()) if target.endswith(".spool")
        ),
    }


def _target(descriptor: Path) -> str:
    try:
        return str(descriptor.readlink())
    except OSError:
        return ""


def cycle(url: str, call: Any = None) -> None:
    tollspan.install(endpoint=url, threads=True)
    if call is not None:
        call()
    tollspan.uninstall(0.05)


@pytest.fixture
def fresh(metered: Metered) -> Metered:
    tollspan.uninstall(0.2)
    return metered


def test_a_hundred_times_leave_no_trace(fresh: Metered) -> None:
    client = openai.OpenAI()
    before = state()
    for _ in range(TIMES):
        cycle(fresh.sink.url)
    for _ in range(3):
        cycle(fresh.sink.url, lambda: calls.chat(client=client))
    assert state() == before
    tollspan.install(endpoint=fresh.sink.url, threads=True)
    assert all(all(seam.hooked()) for seam in EVERY)
    assert {
        name: depth(method) - depth(before["methods"][name]) for name, method in methods().items()
    } == dict.fromkeys(before["methods"], 1)
    calls.chat(client=client)
    assert tollspan.flush(5)
    assert len(fresh.sink.spans) == 4
    tollspan.uninstall()
    assert state() == before


def test_nothing_grows(fresh: Metered) -> None:
    def objects() -> int:
        gc.collect()
        return len(gc.get_objects())

    for _ in range(10):
        cycle(fresh.sink.url, lambda: tollspan.record("page", 1))
    tracemalloc.start()
    try:
        counted, used = objects(), tracemalloc.get_traced_memory()[0]
        for _ in range(TIMES):
            cycle(fresh.sink.url)
        assert objects() - counted < TIMES
        assert tracemalloc.get_traced_memory()[0] - used < 100_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("first", [True, False], ids=["others first", "others on top"])
def test_others_stay_and_are_left_as_they_were(first: bool, fresh: Metered) -> None:
    client = openai.OpenAI()
    originals = methods()
    instrumentors = [make() for make in OTHERS]
    if not first:
        tollspan.install(endpoint=fresh.sink.url, threads=True)
    for one in instrumentors:
        one.instrument()
    try:
        cycle(fresh.sink.url)
        with_others = {name: depth(method) for name, method in methods().items()}
        for _ in range(TIMES):
            cycle(fresh.sink.url)
        assert {name: depth(method) for name, method in methods().items()} == with_others
        tollspan.install(endpoint=fresh.sink.url, threads=True)
        calls.chat(client=client)
        assert tollspan.flush(5)
        assert len(fresh.sink.spans) == 1
    finally:
        if first:  # who came last goes first
            tollspan.uninstall()
        for one in reversed(instrumentors):
            one.uninstrument()
        del threading.Timer.start  # type: ignore[misc] # theirs leaves the inherited method behind as Timer's own
        tollspan.uninstall()
    assert methods() == originals


SCRIPT = """
import json, sys
import tollspan
from tollspan.wire import SEAMS


def ours():
    return [type(one).__name__ for one in sys.meta_path if type(one).__module__.startswith("tollspan")]


for _ in range(100):
    tollspan.install(endpoint=sys.argv[1])
    tollspan.uninstall(0)
assert ours() == []
tollspan.install(endpoint=sys.argv[1])
absent = [seam.module for seam in SEAMS if seam.module in sys.modules]
import aiohttp, botocore.auth, botocore.httpsession, httpx, httpx2, requests
hooked = {seam.module: seam.hooked() for seam in SEAMS if seam.module in sys.modules}
tollspan.uninstall(0)
left = {seam.module: any(seam.hooked()) for seam in SEAMS}
print(json.dumps([absent, hooked, left, ours()]))
"""


def test_libraries_that_are_imported_only_later_are_hooked_once_and_given_back(fresh: Metered, tmp_path: Path) -> None:
    script = tmp_path / "later.py"
    script.write_text(SCRIPT)
    done = subprocess.run([sys.executable, str(script), fresh.sink.url], check=True, capture_output=True, text=True)
    absent, hooked, left, importers = json.loads(done.stdout)
    assert absent == []
    assert len(hooked) >= 6
    assert all(all(methods) for methods in hooked.values())
    assert not any(left.values())
    assert importers == []
