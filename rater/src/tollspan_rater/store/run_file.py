"""``run.json``: how a command finds the server that owns a data folder."""

from __future__ import annotations

import contextlib
import json
import os
from dataclasses import asdict, dataclass, field
from ipaddress import ip_address
from typing import Final

from tollspan_rater.config.model import split_address
from tollspan_rater.store.folder import Folder, replace_file

_EVERY: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - what a server listens on, not where one is opened


@dataclass(frozen=True, slots=True)
class RunFile:
    """The server on a folder: its process, the address of its API, its local token, which opens every scope.

    ``certificate`` is the PEM certificate that the API shows, None without TLS. ``started_ns`` is when it came up.
    """

    pid: int
    api: str
    token: str = field(repr=False)
    started_ns: int = 0
    certificate: str | None = None

    @property
    def url(self) -> str:
        """Where this machine reaches the API, also when it listens on every address."""
        host, port = split_address(self.api)
        host = _EVERY.get(host, host)
        scheme = "http" if self.certificate is None else "https"
        return f"{scheme}://[{host}]:{port}" if _is_v6(host) else f"{scheme}://{host}:{port}"


def write_run_file(folder: Folder, run: RunFile) -> None:
    """Tell local commands where the owner answers; the file is readable by the current user only."""
    replace_file(folder.run_file, json.dumps(asdict(run)).encode())


def read_run_file(folder: Folder) -> RunFile | None:
    """Return what the file says, or ``None`` when there is none, a crash left it unreadable, or its process is gone.

    Process numbers come again: whoever uses the address asks there whether that very process answers.
    """
    try:
        said = json.loads(folder.run_file.read_text(encoding="utf-8"))
        shown = said.get("certificate")
        certificate = None if shown is None else str(shown)
        started = int(said.get("started_ns", 0))
        found = RunFile(int(said["pid"]), str(said["api"]), str(said["token"]), started, certificate)
        split_address(found.api)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return found if _is_alive(found.pid) else None


def remove_run_file(folder: Folder) -> None:
    """Take the address away when the owner stops."""
    folder.run_file.unlink(missing_ok=True)


def _is_alive(pid: int) -> bool:
    try:
        with contextlib.suppress(PermissionError):
            os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    return True


def _is_v6(host: str) -> bool:
    try:
        return ip_address(host).version == 6  # noqa: PLR2004 - the IP version
    except ValueError:
        return False
