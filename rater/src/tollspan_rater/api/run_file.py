"""``run.json``: how a command finds the server that owns a data folder."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import Final

from tollspan_rater.config.model import split_address

RUN_FILE: Final = "run.json"
_EVERY: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - what a server listens on, not where one is opened


@dataclass(frozen=True, slots=True)
class RunFile:
    """The server on a folder: its process, the address of its API, its local token, which opens every scope."""

    pid: int
    api: str
    token: str = field(repr=False)

    @property
    def url(self) -> str:
        """Where this machine reaches the API, also when it listens on every address."""
        host, port = split_address(self.api)
        host = _EVERY.get(host, host)
        return f"http://[{host}]:{port}" if _is_v6(host) else f"http://{host}:{port}"


def read_run_file(folder: Path) -> RunFile | None:
    """Return what the file says, or ``None`` when there is none or a crash left it unreadable."""
    try:
        said = json.loads((folder / RUN_FILE).read_text(encoding="utf-8"))
        found = RunFile(int(said["pid"]), str(said["api"]), str(said["token"]))
        split_address(found.api)
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return found


def _is_v6(host: str) -> bool:
    try:
        return ip_address(host).version == 6  # noqa: PLR2004 - the IP version
    except ValueError:
        return False
