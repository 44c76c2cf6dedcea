"""Runs a stack's script in its environment: no way out of the machine, a limit in time, a line for each case."""

from __future__ import annotations

import os
import subprocess
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from conformance.environment import REPOSITORY, Environment
from conformance.stack import Stack

MOST_S = 300.0
NOWHERE = "http://127.0.0.1:9"  # the discard port: whatever is not on loopback fails at once
LAST_LINES = 3
_PASSED_ON = ("PATH", "HOME", "LANG", "TMPDIR")


@dataclass(slots=True)
class Ran:
    """What became of a script: its cases in order with what they said, and why it ended early (or "")."""

    cases: dict[str, str] = field(default_factory=dict)
    failure: str = ""


def run(
    stack: Stack,
    environment: Environment,
    *,
    provider: str,
    otlp: str,
    only: str,
    on_case: Callable[[str], None],
    most_s: float = MOST_S,
) -> Ran:
    """Run a stack; ``provider`` and ``otlp`` are addresses, ``on_case`` hears of each case that is over."""
    settings = {
        "CONFORMANCE_STACK": stack.name,
        "CONFORMANCE_PROVIDER": provider,
        "CONFORMANCE_OTLP": f"{otlp}/{stack.name}",
        "CONFORMANCE_ONLY": only,
        "NO_PROXY": "127.0.0.1,localhost",
        "no_proxy": "127.0.0.1,localhost",
        "HTTP_PROXY": NOWHERE,
        "HTTPS_PROXY": NOWHERE,
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    ran = Ran()
    with tempfile.TemporaryFile("w+") as complaints, subprocess.Popen(
        environment.command,
        cwd=REPOSITORY,
        env={name: os.environ[name] for name in _PASSED_ON if name in os.environ} | settings,
        stdout=subprocess.PIPE,
        stderr=complaints,
        text=True,
    ) as process:  # fmt: skip
        limit = threading.Timer(most_s, process.kill)
        limit.start()
        for line in process.stdout or ():
            name, tab, said = line.rstrip("\n").partition("\t")
            if tab:
                ran.cases[name] = said
                on_case(name)
        process.wait()
        limit.cancel()
        if process.returncode:
            complaints.seek(0)
            last = [text.strip() for text in complaints.read().splitlines() if text.strip()][-LAST_LINES:]
            ran.failure = f"exit code {process.returncode}: {' | '.join(last)}"[:500]
    return ran
