"""What reaches the endpoint from real servers under real traffic, however their workers end.

Part of the table of ``python -m tests.instrumentation.loss``.
"""

from __future__ import annotations

import http.client
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tests.collector.process import free_ports
from tests.instrumentation.conftest import Sink
from tests.instrumentation.loss import NEXT_START, ROOT, Arrived, arrived, end

from tollspan_rater.demo.provider import FakeProvider

START_SECONDS = 90.0
PAUSE_SECONDS = 0.05
CLIENTS = 4
BIN = Path(sys.executable).parent
SHOP = "tests.instrumentation.shop"
GUNICORN = (sys.executable, "-m", "gunicorn", "--log-level", "error", "-w", "2", "-b", "127.0.0.1:{port}")
UVICORN = (sys.executable, "-m", "uvicorn", "--workers", "2", "--port", "{port}", "--log-level", "error")
UWSGI = (
    *("uwsgi", "--http-socket", "127.0.0.1:{port}", "--master", "--processes", "2", "--enable-threads"),
    *("--die-on-term", "--disable-logging", "-H", str(BIN.parent), "--module", f"{SHOP}:wsgi"),
)
CELERY = (
    *(sys.executable, "-m", "celery", "-A", f"{SHOP}:celery", "worker", "-P", "prefork", "-c", "2", "-l", "error"),
    *("--without-gossip", "--without-mingle", "--without-heartbeat"),
)
ZERO_CODE = (str(BIN / "opentelemetry-instrument"),)


@dataclass(frozen=True)
class Server:
    """A server's command line, and what is special about it.

    ``kill``: a worker is killed by SIGKILL in the middle of the traffic. ``instrumented``: by
    ``opentelemetry-instrument`` and variables alone, else by one line in the application. ``queue``: it works off
    jobs. ``finite``: it makes its calls and ends by itself.
    """

    name: str
    command: tuple[str, ...]
    kill: bool = False
    instrumented: bool = False
    queue: bool = False
    finite: bool = False


THREADS = (*GUNICORN, "--threads", "4")
BY_UVICORN = (*GUNICORN, "-k", "uvicorn.workers.UvicornWorker")
SERVERS = (
    Server("gunicorn sync", (*GUNICORN, f"{SHOP}:wsgi")),
    Server("gunicorn sync, --preload", (*GUNICORN, "--preload", f"{SHOP}:wsgi")),
    Server("gunicorn sync, --max-requests 10", (*GUNICORN, "--max-requests", "10", f"{SHOP}:wsgi")),
    Server("gunicorn sync, worker killed", (*GUNICORN, f"{SHOP}:wsgi"), kill=True),
    Server("gunicorn sync, zero code", (*ZERO_CODE, *GUNICORN, f"{SHOP}:wsgi"), instrumented=True),
    Server("gunicorn gthread", (*THREADS, f"{SHOP}:wsgi")),
    Server(
        "gunicorn gthread, --preload, worker killed",
        (*ZERO_CODE, *THREADS, "--preload", f"{SHOP}:wsgi"),
        kill=True,
        instrumented=True,
    ),
    Server("gunicorn asgi worker", (*GUNICORN, "-k", "asgi", f"{SHOP}:asgi")),
    Server("gunicorn uvicorn worker", (*BY_UVICORN, f"{SHOP}:asgi")),
    Server("gunicorn uvicorn worker, worker killed", (*BY_UVICORN, f"{SHOP}:asgi"), kill=True),
    Server("uvicorn --workers 2", (*UVICORN, f"{SHOP}:asgi")),
    Server("uvicorn --workers 2, worker killed", (*UVICORN, f"{SHOP}:asgi"), kill=True),
    Server("uWSGI", UWSGI),
    Server("uWSGI, worker killed", UWSGI, kill=True),
    Server("Celery prefork", CELERY, queue=True),
    Server("Celery prefork, a process for each task", (*CELERY, "--max-tasks-per-child", "1"), queue=True),
    *(
        Server(f"pool and processes by {method}", (sys.executable, "-m", SHOP, method, "{count}"), finite=True)
        for method in ("fork", "spawn", "forkserver")
    ),
)


@dataclass(frozen=True)
class Billed:
    """Calls that the provider billed, those of them that never arrived, and what arrived."""

    calls: int
    lost: int
    arrived: Arrived


def missing(server: Server) -> str | None:
    """Return which program a server needs that is not installed here."""
    program = server.command[0]
    return None if shutil.which(program) else program


def until(done: Callable[[], bool], what: str) -> None:
    """Return as soon as something holds."""
    deadline = time.monotonic() + START_SECONDS
    while not done():
        assert time.monotonic() < deadline, f"not in time: {what}"
        time.sleep(PAUSE_SECONDS)


def run(server: Server, count: int, sink: Sink, provider: FakeProvider, folder: Path) -> Billed:
    """Start a server, make requests, end it, and let one more process send what was left behind."""
    (port,) = free_ports(1)
    environment = {
        **os.environ,
        **{f"OTEL_{signal}_EXPORTER": "none" for signal in ("TRACES", "METRICS", "LOGS")},
        "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "celery,requests,urllib3,threading",
        "PYTHONWARNINGS": "ignore",
        "PROVIDER": provider.url,
        "SHOP_INSTALLS": "" if server.instrumented else "1",
        "SHOP_QUEUE": str(folder / "queue"),
        "TOLLSPAN_OTLP_ENDPOINT": sink.url,
        "TOLLSPAN_SPOOL_DIR": str(folder / "spool"),
    }
    if server.queue:
        publish = f"from {SHOP} import publish; publish({count})"
        subprocess.run([sys.executable, "-c", publish], env=environment | {"SHOP_INSTALLS": ""}, cwd=ROOT, check=True)
    command = [word.format(port=port, count=count) for word in server.command]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen(command, env=environment, cwd=ROOT, **quiet)
    try:
        if server.queue:
            until(lambda: len(provider.bill.entries) == count, "all jobs")
        elif not server.finite:
            until(lambda: answer(port) is not None, f"{server.name} answers")
            traffic(port, count, kill=server.kill)
    finally:
        if not server.finite:
            process.send_signal(signal.SIGTERM)
        process.wait(START_SECONDS)
    last = [sys.executable, "-c", NEXT_START]
    assert end(subprocess.Popen(last, env=environment, cwd=ROOT, stdout=subprocess.PIPE, text=True)) == 0
    there = {span["tollspan.provider_request_id"] for span in sink.spans}
    billed = {entry["request_id"] for entry in provider.bill.entries}
    return Billed(len(billed), len(billed - there), arrived(sink))


def traffic(port: int, count: int, *, kill: bool) -> None:
    """Make requests from several clients at once; kill the worker that answers the middle one."""

    def request(number: int) -> None:
        pid = answer(port)
        if kill and number == count // 2 and pid is not None:
            os.kill(pid, signal.SIGKILL)

    with ThreadPoolExecutor(CLIENTS) as clients:
        list(clients.map(request, range(count)))


def answer(port: int) -> int | None:
    """Make a request; return the process that answered, ``None`` when none did."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=START_SECONDS)
    try:
        connection.request("GET", "/")
        said = connection.getresponse().read()
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()
    return int(said) if said.isdigit() else None
