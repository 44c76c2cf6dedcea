"""``run.json``: how a command finds the server that owns a data folder."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

RUN_FILE: Final = "run.json"


@dataclass(frozen=True, slots=True)
class RunFile:
    """The server on a folder: its process, the URL of its API on this machine, its local token.

    The token opens every scope; the file is readable by its owner only.
    """

    pid: int
    url: str
    token: str = field(repr=False)

    def write(self, folder: Path) -> None:
        """Put the file in place in one step, with mode 0600 from its first byte on."""
        draft = folder / f"{RUN_FILE}.{self.pid}"
        draft.unlink(missing_ok=True)
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            json.dump(asdict(self), file)
        draft.replace(folder / RUN_FILE)


def read_run_file(folder: Path) -> RunFile | None:
    """Return what the file says, or ``None`` when there is none or a crash left it unreadable."""
    try:
        said = json.loads((folder / RUN_FILE).read_text(encoding="utf-8"))
        return RunFile(int(said["pid"]), str(said["url"]), str(said["token"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def remove_run_file(folder: Path, pid: int) -> None:
    """Take the file away at a clean stop, if it is still that of process ``pid``."""
    found = read_run_file(folder)
    if found is not None and found.pid == pid:
        (folder / RUN_FILE).unlink(missing_ok=True)
