"""A program under test as a child process: its log, and the ways in which it ends."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path

STOP_SECONDS = 20.0


class Child:
    """What every child process of a test has in common; whoever starts it sets ``_process``.

    ``log_file`` takes what the program writes.
    """

    def __init__(self, log_file: Path) -> None:
        self.log_file = log_file
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The process; fails when it is not running."""
        assert self._process is not None
        return self._process.pid

    def kill(self) -> None:
        """End it by SIGKILL, as a crash does."""
        self._end(signal.SIGKILL)

    def stop(self) -> int:
        """End it by SIGTERM and return its exit code."""
        return self._end(signal.SIGTERM)

    def log(self) -> str:
        """Return all that it wrote to its log so far."""
        return self.log_file.read_text(errors="replace")

    def _end(self, how: signal.Signals) -> int:
        if self._process is None:
            return 0
        process, self._process = self._process, None
        process.send_signal(how)
        try:
            return process.wait(STOP_SECONDS)
        finally:
            process.kill()
            process.wait()
            if process.stdout is not None:
                process.stdout.close()
