"""What applications lost on the way is listed by `tollspan audit --sender`, and nothing else is."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.end_to_end.process import REPOSITORY, TOLLSPAN, RaterProcess, environment, run

from tollspan_rater.demo.provider import FakeProvider

PRELUDE = """
import os, signal, sys, threading, time, requests, tollspan
from tollspan.segment import Segment
tollspan.install()
def call(model="gpt-4o"):
    url = os.environ["PROVIDER"] + "/v1/chat/completions"
    return requests.post(url, json={"model": model, "messages": [{"role": "user", "content": "hi"}]}, timeout=30)
def die_at_write(number, write=Segment.write):
    written = []
    def dying(segment, data):
        written.append(1)
        if len(written) == number:
            os.kill(os.getpid(), signal.SIGKILL)
        return write(segment, data)
    Segment.write = dying
"""
STATS = """
from dataclasses import asdict
import json
assert tollspan.flush(30)
print(json.dumps(asdict(tollspan.stats())))
"""
DIE = "os.kill(os.getpid(), signal.SIGKILL)"
TOGETHER = f"""
call()
together = threading.Barrier(3)
def emit(runtime, record):
    together.wait()
    {DIE}
tollspan.runtime.Runtime.emit = emit
for _ in range(3): threading.Thread(target=call).start()
signal.pause()
"""
UNANSWERED = f"""
call()
import urllib3
def answer(connection, **_options):
    {DIE}
urllib3.connection.HTTPConnection.getresponse = answer
call()
"""
# The program, how many of its records arrive, what is listed as lost.
KILLED: dict[str, tuple[str, int, list[str]]] = {
    "before the third write": ("die_at_write(3)\nfor _ in range(5): call()", 2, ["3"]),
    "before the first write": ("die_at_write(1)\ncall()", 0, ["1"]),
    "with three calls before their write": (TOGETHER, 1, ["2-4"]),
    "before the provider has answered": (UNANSWERED, 1, ["2"]),
    "behind the last call": (f"for _ in range(3): call()\n{DIE}", 3, []),
}


@pytest.fixture(scope="module")
def rater(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RaterProcess]:
    process = RaterProcess(tmp_path_factory.mktemp("rater") / "data").start()
    yield process
    process.kill()


@pytest.fixture(scope="module")
def provider() -> Iterator[FakeProvider]:
    with FakeProvider(seed=1) as found:
        yield found


@pytest.fixture(scope="module", autouse=True)
def first(rater: RaterProcess, provider: FakeProvider, tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    """What a first process says of itself, which ends in order."""
    done = start("for _ in range(4): call()\n" + STATS, rater, provider, tmp_path_factory.mktemp("spool") / "own")
    return dict(json.loads(done.stdout))


def test_the_counts_of_stats_are_those_of_the_rater(first: dict[str, object], rater: RaterProcess) -> None:
    assert (first["recorded"], first["exported"], first["queued"], first["dropped"]) == (4, 4, 0, 0)
    (row,) = rater.ask("audit", sender=str(first["process_id"])).rows
    assert (row["highest_seq"], row["received"], row["gaps"]) == (first["recorded"], first["exported"], [])


def test_the_command_lists_gaps_and_ends_with_1(rater: RaterProcess, provider: FakeProvider, tmp_path: Path) -> None:
    start(KILLED["before the third write"][0], rater, provider, tmp_path / "spool")
    start(STATS, rater, provider, tmp_path / "spool")
    done = run([*TOLLSPAN, "--data", str(rater.data), "audit", "--sender", "127.0.0.1"])
    assert done.returncode == 1
    assert "records never reached us" in done.stdout


def start(program: str, rater: RaterProcess, provider: FakeProvider, spool: Path) -> subprocess.CompletedProcess[str]:
    own = {"TOLLSPAN_OTLP_ENDPOINT": f"http://{rater.http}", "TOLLSPAN_SPOOL_DIR": str(spool)}
    return subprocess.run(
        [sys.executable, "-c", PRELUDE + program],
        env=environment(PROVIDER=provider.url, **own),
        cwd=REPOSITORY, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("kill", KILLED)
def test_a_kill_leaves_a_gap_where_something_was_lost(
    kill: str, rater: RaterProcess, provider: FakeProvider, tmp_path: Path
) -> None:
    program, received, gaps = KILLED[kill]
    before = {row["process_id"] for row in rater.ask("audit", sender="127.0.0.1").rows}
    done = start(program, rater, provider, tmp_path / "spool")
    assert done.returncode == -signal.SIGKILL, done.stderr
    stats = json.loads(start(STATS, rater, provider, tmp_path / "spool").stdout)
    assert (stats["adopted"], stats["damaged"]) == (received, 0)
    audit = rater.ask("audit", sender="127.0.0.1")
    (row,) = [row for row in audit.rows if row["process_id"] not in before]
    assert (row["received"], row["gaps"]) == (received, gaps)
    assert not list(tmp_path.rglob("*.spool"))
    rater.assert_audit_holds()
