"""A real rater as a child process that can be killed and started again on the same folder and ports."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.collector.process import free_ports

READY_S = 60.0
STOP_S = 30.0
PRODUCT = ("-m", "tollspan_rater", "serve")


class RaterProcess:
    """A rater on ``folder``; folder and ports stay the same over ``kill`` and ``start``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ports = free_ports(3)
        self.grpc = f"127.0.0.1:{self.ports[0]}"
        self._log = folder.with_name(f"{folder.name}.log")
        self._process: subprocess.Popen[bytes] | None = None
        self._started = 0.0
        self._read = 0

    @property
    def pid(self) -> int:
        """The running process."""
        return self._running.pid

    @property
    def log(self) -> str:
        """Everything that all starts wrote to stdout and stderr."""
        return self._log.read_text(errors="replace") if self._log.exists() else ""

    @property
    def was_ready(self) -> bool:
        """Whether it has said since its last start that it is ready."""
        with self._log.open("rb") as log:
            log.seek(self._read)
            return b"tollspan ready" in log.read()

    def start(
        self,
        *arguments: str,
        entry: Sequence[str] = PRODUCT,
        environment: Mapping[str, str] | None = None,
        prefix: Sequence[str] = (),
    ) -> None:
        """Start it, without waiting.

        ``entry`` is what Python runs: ``tollspan serve`` itself, or ``tests.crash.serve``; ``environment`` adds to the
        variables; ``prefix`` is a command that runs it, such as strace.
        """
        addresses = zip(("--grpc", "--http", "--api"), self.ports, strict=True)
        options = [part for name, port in addresses for part in (name, f"127.0.0.1:{port}")]
        known = {name: value for name, value in os.environ.items() if not name.startswith("TOLLSPAN_")}
        self._read = self._log.stat().st_size if self._log.exists() else 0
        self._started = time.monotonic()
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [*prefix, sys.executable, *entry, *arguments, *options, "--data", str(self.folder)],
                stdout=log,
                stderr=log,
                env={**known, **(environment or {})},
            )

    def wait_ready(self, seconds: float = READY_S) -> float | None:
        """Return after how many seconds it was ready; None when it ended before that."""
        while time.monotonic() - self._started < seconds:
            if self.was_ready:
                return time.monotonic() - self._started
            if self.wait_dead(0.02) is not None:
                return None
        raise TimeoutError(f"not ready in {seconds} s:\n{self.log}")

    def wait_dead(self, seconds: float) -> int | None:
        """Return its exit code (negative: the signal), None when it still runs after some seconds."""
        try:
            return self._running.wait(seconds)
        except subprocess.TimeoutExpired:
            return None

    def kill(self) -> None:
        """End it by SIGKILL, if it runs."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def stop(self) -> int:
        """End it by SIGTERM and return its exit code."""
        self._running.send_signal(signal.SIGTERM)
        return self._running.wait(STOP_S)

    @property
    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise RuntimeError("call start() first")
        return self._process
