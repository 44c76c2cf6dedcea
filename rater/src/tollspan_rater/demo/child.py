"""``tollspan serve`` as a child process: started, killed on purpose, started again on the same folder and ports."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from contextlib import ExitStack
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import IO, Final, Self

from tollspan_rater.api.client import HttpDoor
from tollspan_rater.errors import DemoError
from tollspan_rater.store.folder import Folder
from tollspan_rater.store.run_file import read_run_file

READY: Final = "tollspan ready:"
READY_S: Final = 180.0  # longer than a first start takes on a busy machine; one that ended is noticed at once
STOP_S: Final = 15.0
LOG_FILE: Final = "serve.log"
_TAIL: Final = 2_000


class Server:
    """The rater on a data folder, as a child of this process; a context manager that leaves none behind.

    Ports are taken on loopback when it is made and stay the same through every start, as senders expect. What it
    writes to stderr goes to ``serve.log`` in the folder.
    """

    def __init__(self, data: Path) -> None:
        self.data = data
        self._ports = _free_ports(3)
        self._process: subprocess.Popen[str] | None = None

    @property
    def otlp_url(self) -> str:
        """Return the base address of OTLP/HTTP."""
        return f"http://127.0.0.1:{self._ports[1]}"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> float:
        """Start it, wait for its ready line, and return how many seconds that took.

        Raises:
            DemoError: it ended, or was not ready in time.
        """
        begun = monotonic()
        grpc, http, api = (f"127.0.0.1:{port}" for port in self._ports)
        command = [sys.executable, "-m", "tollspan_rater", "serve", "--data", str(self.data)]
        command += ["--grpc", grpc, "--http", http, "--api", api]
        with (self.data / LOG_FILE).open("a", encoding="utf-8") as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own command line, no shell
                command, cwd=self.data, env=_environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                stderr=log, text=True,
            )  # fmt: skip
        ready = threading.Event()
        threading.Thread(target=_watch, args=(self._process.stdout, ready), daemon=True).start()
        while not ready.wait(0.05):
            if self._process.poll() is not None:
                raise DemoError(f"the server did not become ready: {self._last_words()}")
            if monotonic() - begun > READY_S:
                late = f"the server was not ready after {READY_S:g} s; is the machine busy? Try again when it is not"
                raise DemoError(f"{late}. {self._last_words()}")
        return monotonic() - begun

    def kill(self) -> None:
        """End it with SIGKILL: nothing is flushed, nothing is said."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """End it as an operator would, with SIGTERM; the kill comes only when it does not listen."""
        self._end(signal.SIGTERM)

    def door(self) -> HttpDoor:
        """Return the door to its questions and commands.

        Raises:
            DemoError: it wrote no ``run.json``.
        """
        found = read_run_file(Folder(self.data))
        if found is None:
            raise DemoError(f"the server left no run.json in {self.data}. {self._last_words()}")
        return HttpDoor.of(found)

    def _end(self, how: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(how)
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _last_words(self) -> str:
        text = (self.data / LOG_FILE).read_text(encoding="utf-8", errors="replace")[-_TAIL:].strip()
        return text or f"it said nothing in {self.data / LOG_FILE}"


def _watch(output: IO[str] | None, ready: threading.Event) -> None:
    """Read the child's output to its end, so that it never waits for a reader; note the ready line."""
    with ExitStack() as closing:
        for line in closing.enter_context(output) if output is not None else ():
            if line.startswith(READY):
                ready.set()


def _environment() -> dict[str, str]:
    """Return the environment without settings of the caller's own tollspan."""
    return {name: value for name, value in os.environ.items() if not name.startswith("TOLLSPAN_")}


def _free_ports(count: int) -> list[int]:
    """Return loopback ports that nobody listens on now."""
    with ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [int(one.getsockname()[1]) for one in sockets]
