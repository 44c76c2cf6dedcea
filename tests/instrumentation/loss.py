"""What reaches the endpoint however an application ends: real processes against a sink on loopback.

``python -m tests.instrumentation.loss [RECORDS] [CALLS]`` prints the table with large numbers, and below it what real
servers (``servers.py``) did.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from tests.instrumentation.conftest import Sink

from tollspan import semconv
from tollspan_rater.demo.provider import FakeProvider

ROOT = Path(__file__).parents[2]
DEADLINE_SECONDS = 60.0
NEVER = 1_000_000

PRELUDE = """
import multiprocessing, os, signal, sys, threading
from concurrent.futures import ProcessPoolExecutor
import tollspan
tollspan.install()
N = int(sys.argv[1])
def emit(count):
    for number in range(count):
        tollspan.record("page", number)
def forked(leave, fork=os.fork):
    children = []
    for _ in range(4):
        child = fork()
        if child == 0:
            emit(N // 4)
            leave()
        children.append(child)
    for child in children:
        os.waitpid(child, 0)
def one(_):
    tollspan.record("page", 1)
"""
NEXT_START = "import tollspan\ntollspan.install()\nassert tollspan.flush(30), tollspan.stats()\n"
READY_AND_WAIT = "emit(N)\nprint('ready', flush=True)\nwhile True: signal.pause()\n"
SAMPLED = """
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
trace.set_tracer_provider(TracerProvider(sampler=ParentBased(TraceIdRatioBased(0.1))))
for number in range(N):
    with trace.get_tracer("shop").start_as_current_span("request"):
        tollspan.record("page", number)
"""
THREADS = """
threads = [threading.Thread(target=emit, args=(N // 8,)) for _ in range(8)]
for thread in threads: thread.start()
for thread in threads: thread.join()
"""
BEHIND_PYTHON = """
import ctypes
fork = ctypes.PyDLL(None).fork  # as a server in C does: no hook of Python's runs
N -= 4
emit(4)
tollspan.flush()
forked(lambda: (tollspan.flush(), os._exit(0)), fork)
"""
POOL = """
with ProcessPoolExecutor(4, mp_context=multiprocessing.get_context("fork")) as pool:
    list(pool.map(one, range(N), chunksize=25))
"""
PROCESSES = """
children = [multiprocessing.get_context("fork").Process(target=emit, args=(N // 4,)) for _ in range(4)]
for child in children: child.start()
for child in children: child.join()
"""


@dataclass(frozen=True)
class Row:
    """A program, what the sink does meanwhile, how the program ends, and whether the next start sends the rest."""

    name: str
    program: str
    sink: Callable[[Sink], None] = lambda _sink: None
    killed_by: signal.Signals | None = None
    next_start: bool = False


@dataclass(frozen=True)
class Arrived:
    """Distinct records by span key, further copies of them, and the sequence numbers that each process is short of."""

    records: int
    duplicates: int
    gaps: int


def slow(sink: Sink) -> None:
    sink.delay = 0.05


def failing_once(sink: Sink) -> None:
    sink.statuses = [503]


def failing(sink: Sink) -> None:
    sink.statuses = [503] * NEVER


ROWS = (
    Row("burst, clean exit", "emit(N)"),
    Row("burst, sink answers in 50 ms", "emit(N)", slow),
    Row("burst, sink answers 503 first", "emit(N)", failing_once),
    Row("8 threads at once", THREADS),
    Row("sink down until after the exit, next start", "emit(N)\ntollspan.uninstall(0.1)", failing, next_start=True),
    Row("sys.exit", "emit(N)\nsys.exit(3)"),
    Row("unhandled exception", "emit(N)\nraise RuntimeError"),
    Row("SIGTERM, no handler in the application", READY_AND_WAIT, killed_by=signal.SIGTERM),
    Row("SIGKILL, next start", READY_AND_WAIT, killed_by=signal.SIGKILL, next_start=True),
    Row("os._exit, next start", "emit(N)\nos._exit(0)", next_start=True),
    Row("fork, 4 children that sys.exit", "forked(sys.exit)"),
    Row("fork, 4 children that os._exit", "forked(lambda: os._exit(0))"),
    Row("fork behind Python's back, 4 children", BEHIND_PYTHON),
    Row("multiprocessing, 4 forked processes", PROCESSES),
    Row("ProcessPoolExecutor, 4 forked workers", POOL),
    Row("traces sampled at 10 %", SAMPLED),
)


def start(program: str, count: int, sink: Sink, folder: Path, stdin: int | None = None) -> subprocess.Popen[str]:
    environment = {**os.environ, "TOLLSPAN_OTLP_ENDPOINT": sink.url, "TOLLSPAN_SPOOL_DIR": str(folder)}
    return subprocess.Popen(
        [sys.executable, "-c", PRELUDE + program, str(count)],
        env=environment,
        cwd=ROOT,
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


def line(pipe: IO[str] | None) -> str:
    assert pipe is not None
    return pipe.readline()


def end(process: subprocess.Popen[str]) -> int:
    try:
        process.communicate(timeout=DEADLINE_SECONDS)
    finally:
        process.kill()
    return process.returncode


def arrived(sink: Sink) -> Arrived:
    records = [span for span in sink.spans if span.name != semconv.PROCESS_ENDED]
    keys = {(span.trace_id, span.span_id) for span in records}
    highest: dict[str, int] = {}
    for span in sink.spans:
        process = span["tollspan.process.id"]
        highest[process] = max(span["tollspan.seq"], highest.get(process, 0))
    return Arrived(len(keys), len(records) - len(keys), sum(highest.values()) - len(keys))


def run(row: Row, count: int, sink: Sink, folder: Path) -> Arrived:
    row.sink(sink)
    process = start(row.program, count, sink, folder)
    if row.killed_by is not None:
        assert line(process.stdout) == "ready\n"
        process.send_signal(row.killed_by)
    code = end(process)
    assert row.killed_by is None or code == -row.killed_by, code
    if row.next_start:
        sink.statuses = []
        assert end(start(NEXT_START, 0, sink, folder)) == 0
    return arrived(sink)


def main(count: int = 20_000, calls: int = 200) -> None:
    """Print a line for each situation; of servers that are not installed it says so."""
    from tests.instrumentation import servers

    print(f"{'situation':45} {'emitted':>8} {'arrived':>8} {'lost':>6} {'copies':>6} {'gaps':>5}")
    for row in ROWS:
        sink = Sink()
        with tempfile.TemporaryDirectory() as folder:
            found = run(row, count, sink, Path(folder))
        sink.close()
        _print(row.name, count, count - found.records, found)
    for server in servers.SERVERS:
        if program := servers.missing(server):
            print(f"{server.name:45} not run: {program} is not installed")
            continue
        sink = Sink()
        with tempfile.TemporaryDirectory() as folder, FakeProvider(seed=1) as provider:
            billed = servers.run(server, calls, sink, provider, Path(folder))
        sink.close()
        _print(server.name, billed.calls, billed.lost, billed.arrived)


def _print(name: str, emitted: int, lost: int, found: Arrived) -> None:
    print(f"{name:45} {emitted:8} {found.records:8} {lost:6} {found.duplicates:6} {found.gaps:5}", flush=True)


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:]))
