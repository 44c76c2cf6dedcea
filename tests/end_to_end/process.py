"""A real rater as a child process: start it, kill it, ask it, read all that it left on the disk."""

from __future__ import annotations

import os
import resource
import secrets
import select
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import httpx
from tests.child import Child
from tests.collector.process import REPOSITORY, free_ports

from tollspan_rater.api.access import TENANT_HEADER
from tollspan_rater.api.client import HttpDoor
from tollspan_rater.api.keys import new_key
from tollspan_rater.query.answer import Answer
from tollspan_rater.store.folder import Folder
from tollspan_rater.store.run_file import RunFile, read_run_file

TOLLSPAN = (str(Path(sys.executable).with_name("tollspan")),)
START_SECONDS = 60.0
PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.02, 0.2


def environment(**more: str) -> dict[str, str]:
    """Return this process's environment without settings of tollspan, with some added."""
    return {name: value for name, value in os.environ.items() if not name.startswith("TOLLSPAN_")} | more


def run(command: Sequence[str], **more: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end from the repository's root and return what it wrote."""
    return subprocess.run(
        command, env=environment(**more), cwd=REPOSITORY, capture_output=True, text=True, timeout=120, check=False
    )


def example_prices() -> dict[str, str]:
    """Return the example cards and plans as the command ``pricing.apply`` takes them."""
    folder = REPOSITORY / "examples" / "pricing"
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*.yaml")}


def wait_until(done: Callable[[], bool], what: str, seconds: float = 30.0) -> None:
    """Return as soon as ``done()`` holds; fail with ``what`` when it does not within the time."""
    deadline, pause = time.monotonic() + seconds, PAUSE_SECONDS
    while not done():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(pause)
        pause = min(2 * pause, LONGEST_PAUSE_SECONDS)  # whoever is asked all the time gets nothing done


class RaterProcess(Child):
    """``tollspan serve`` on a data folder; addresses stay the same over ``kill`` and ``start``.

    ``settings`` are configuration variables, ``program`` is what stands before the command's words.
    """

    def __init__(self, data: Path, *, program: Sequence[str] = TOLLSPAN, **settings: str) -> None:
        super().__init__(data.with_name(f"{data.name}.log"))
        self.data = data
        self.grpc, self.http, self.api = (f"127.0.0.1:{port}" for port in free_ports(3))
        self._command = [*program, "--data", str(data), "serve"]
        for door in ("grpc", "http", "api"):
            self._command += [f"--{door}", getattr(self, door)]
        self._settings = settings

    def start(self) -> Self:
        """Start and return when the ready line is there."""
        with self.log_file.open("ab") as log:
            self._process = subprocess.Popen(
                self._command, stdout=subprocess.PIPE, stderr=log, env=environment(**self._settings), cwd=REPOSITORY
            )
        assert self._process.stdout is not None
        readable, _, _ = select.select([self._process.stdout], [], [], START_SECONDS)
        line = self._process.stdout.readline() if readable else b""
        if not line.startswith(b"tollspan ready: "):
            self.kill()
            raise AssertionError(f"no ready line but {line!r}:\n{self.log()}")
        return self

    def limit_files(self, most_bytes: int) -> None:
        """Let no file of the running process grow beyond a size, as a full disk does."""
        _, hard = resource.prlimit(self.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(self.pid, resource.RLIMIT_FSIZE, (most_bytes, hard))

    def run_file(self) -> RunFile:
        """Return what ``run.json`` says."""
        found = read_run_file(Folder(self.data))
        assert found is not None
        return found

    def ask(self, question: str, *, tenant: str = "default", **params: str) -> Answer:
        """Ask a question as a local command does."""
        with HttpDoor.of(self.run_file()) as door:
            return door.ask(question, params, tenant=tenant)

    def execute(self, kind: str, body: Mapping[str, Any], *, tenant: str = "default") -> Mapping[str, Any]:
        """Send a command as the local CLI does."""
        with HttpDoor.of(self.run_file()) as door:
            return door.execute(kind, body, tenant=tenant, actor="test").body

    def new_key(self, *scopes: str, tenant: str = "default", customer: str | None = None) -> str:
        """Make a key and return its token."""
        made = new_key(secrets.token_bytes, scopes=scopes, customer=customer)
        self.execute("key.create", made.body, tenant=tenant)
        return made.token

    def get(self, path: str, token: str, params: Mapping[str, str], tenant: str | None = None) -> httpx.Response:
        """Ask over HTTP with a key, as another program does; ``tenant`` claims to be of that one."""
        headers = {"Authorization": f"Bearer {token}"} | ({TENANT_HEADER: tenant} if tenant else {})
        url = f"http://{self.api}{path}"
        return httpx.get(url, params=dict(params), headers=headers, timeout=30, trust_env=False)

    def assert_audit_holds(self, tenant: str = "default") -> None:
        """Count again from the journal's bytes; every equation must hold."""
        answer = self.ask("audit", tenant=tenant, full="true")
        assert answer.ok, [row for row in answer.rows if not row["holds"]]

    def fates(self, trace_id: str, tenant: str = "default") -> list[str]:
        """Return the fate of each piece of a trace, in the order of arrival."""
        rows = self.ask("explain", id=trace_id, tenant=tenant).rows
        return [str(row["value"]) for row in rows if str(row["what"]).startswith("fate of piece")]

    def calls(self, tenant: str = "default", **params: str) -> list[dict[str, Any]]:
        """Return the rows of ``calls``."""
        return [dict(row) for row in self.ask("calls", tenant=tenant, limit="100000", **params).rows]

    def wait_for_calls(self, count: int, seconds: float = 60.0, tenant: str = "default") -> list[dict[str, Any]]:
        """Return the calls as soon as there are so many."""
        wait_until(lambda: len(self.calls(tenant)) >= count, f"{count} calls", seconds)
        return self.calls(tenant)


@contextmanager
def serving(rater: RaterProcess) -> Iterator[RaterProcess]:
    """Start a rater for the length of a ``with`` block; nothing is left running after it."""
    rater.start()
    try:
        yield rater
    finally:
        rater.kill()
