"""Starting what is measured, and reading what it cost from the kernel (Linux)."""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.ingest.load import Sent
from benchmarks.ingest.spans import Load

PATIENCE_S = 600
_TICKS = os.sysconf("SC_CLK_TCK")
_ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}


@dataclass(frozen=True, slots=True)
class Server:
    """A process that takes spans at ``target`` (HOST:PORT)."""

    pid: int
    target: str

    def cpu_s(self) -> float:
        """Return the CPU seconds that it and the processes it started have used."""
        return sum(_cpu_ticks(pid) for pid in _family(self.pid)) / _TICKS


@dataclass(frozen=True, slots=True)
class RaterServer(Server):
    """A running ``tollspan serve``."""

    api: str
    token: str

    def position(self) -> int:
        """Ask a cheap question; return the journal position that its answer includes."""
        return int(json.loads(self._said("/v1/customers.list"))["as_of"])

    def gauge(self, name: str) -> float:
        """Return a gauge without labels as the rater tells Prometheus."""
        lines = self._said("/metrics").decode().splitlines()
        return next(float(line.split()[1]) for line in lines if line.startswith(f"{name} "))

    def _said(self, path: str) -> bytes:
        connection = http.client.HTTPConnection(self.api, timeout=PATIENCE_S)
        connection.sock = _connected(self.api)
        connection.request("GET", path, headers={"authorization": f"Bearer {self.token}"})
        said = connection.getresponse().read()
        connection.close()
        return said


@contextmanager
def echo(sync_to: Path | None = None) -> Iterator[Server]:
    """Run the echo server; with a path, each request is forced to the disk there before its answer."""
    command = [sys.executable, "-m", "benchmarks.ingest.echo", *([str(sync_to)] if sync_to else [])]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=_ENVIRONMENT
    ) as process:
        yield Server(process.pid, f"127.0.0.1:{process.stdout.readline().strip() if process.stdout else ''}")
        if process.stdin:
            process.stdin.close()


@contextmanager
def rater(folder: Path) -> Iterator[RaterServer]:
    """Run ``tollspan serve`` on a folder and stop it in order."""
    addresses = [f"--{door}=127.0.0.1:0" for door in ("grpc", "http", "api")]
    command = [sys.executable, "-m", "tollspan_rater", "serve", "--data", str(folder), *addresses]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=_ENVIRONMENT) as process:
        ready = process.stdout.readline() if process.stdout else ""
        if not ready.startswith("tollspan ready"):
            raise RuntimeError(f"the rater did not start: {ready!r}")
        run = json.loads((folder / "run.json").read_text())
        target = ready.partition("OTLP/gRPC ")[2].partition(",")[0]
        try:
            yield RaterServer(process.pid, target, run["api"], run["token"])
        finally:
            process.terminate()


def send(target: str, load: Load, per_second: float = 0) -> Sent:
    """Run the load generator in a process of its own."""
    fields = (load.spans, load.per_request, load.seed, load.first_ns, int(per_second))
    command = [sys.executable, "-m", "benchmarks.ingest.load", target, *(str(field) for field in fields)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=_ENVIRONMENT)
    return Sent(**json.loads(done.stdout))


def bytes_below(folder: Path) -> int:
    """Return the bytes of all files below a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _connected(address: str) -> socket.socket:
    """Connect, also while the server is still about to listen."""
    host, _, port = address.rpartition(":")
    for _ in range(100):
        try:
            return socket.create_connection((host, int(port)), timeout=PATIENCE_S)
        except ConnectionRefusedError:
            time.sleep(0.1)
    raise RuntimeError(f"nothing listens at {address}")


def _family(pid: int) -> list[int]:
    found, at = [pid], 0
    while at < len(found):
        for task in Path(f"/proc/{found[at]}/task").iterdir():
            found.extend(int(child) for child in (task / "children").read_text().split())
        at += 1
    return found


def _cpu_ticks(pid: int) -> int:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])
