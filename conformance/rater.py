"""A real rater for the length of a run."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tollspan_rater.api.client import HttpDoor
from tollspan_rater.store.folder import Folder
from tollspan_rater.store.run_file import read_run_file

STOP_S, CATCH_UP_S, PAUSE_S = 30.0, 60.0, 0.1
TENANT = "default"


@dataclass(frozen=True, slots=True)
class Rater:
    """A running ``tollspan serve``: where it takes OTLP/HTTP, and its folder."""

    otlp_url: str
    data: Path

    def calls(self, batches: int) -> list[dict[str, Any]]:
        """Return the rows of ``tollspan calls`` once so many requests of spans are part of the answer."""
        deadline = time.monotonic() + CATCH_UP_S
        run = read_run_file(Folder(self.data))
        if run is None:
            raise RuntimeError("the rater is not running any more")
        with HttpDoor.of(run) as door:
            while True:
                answer = door.ask("calls", {"limit": "100000"}, tenant=TENANT)
                if answer.as_of >= batches:
                    return [dict(row) for row in answer.rows]
                if time.monotonic() > deadline:
                    raise RuntimeError(f"the rater is at position {answer.as_of}, not at {batches}")
                time.sleep(PAUSE_S)


@contextmanager
def serving(folder: Path) -> Iterator[Rater]:
    """Run ``tollspan serve`` on a folder and stop it in order."""
    doors = [f"--{door}=127.0.0.1:0" for door in ("grpc", "http", "api")]
    command = [sys.executable, "-m", "tollspan_rater", "--data", str(folder), "serve", *doors]
    with (folder.with_suffix(".log")).open("wb") as log, subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=log, text=True
    ) as process:  # fmt: skip
        ready = process.stdout.readline() if process.stdout else ""
        found = re.search(r"OTLP/HTTP (\S+?),", ready)
        if found is None:
            process.terminate()
            raise RuntimeError(f"the rater did not start: {ready!r}, see {log.name}")
        try:
            yield Rater(f"http://{found[1]}", folder)
        finally:
            process.terminate()
            process.wait(STOP_S)
