"""The looks at the machine and the network that checks are made of; each gives what it saw, none raises."""

from __future__ import annotations

import os
import shutil
import socket
import tempfile
import time
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Final, Protocol

import httpx

from tollspan_rater.config.model import split_address

TIMEOUT_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class Reply:
    """What an address answers; ``trouble`` says why it did not. ``date`` is what the other machine's clock said."""

    status: int = 0
    text: str = ""
    date: datetime | None = None
    trouble: str = ""


class Probe(Protocol):
    """What checks may look at beside the rater's own answers."""

    def can_listen(self, address: str) -> bool:
        """Whether nobody listens on ``HOST:PORT`` of this machine."""
        ...

    def trouble_reaching(self, host: str, port: int) -> str:
        """Say why no connection comes about; empty when one does."""
        ...

    def get(self, url: str) -> Reply:
        """Fetch an address."""
        ...

    def is_writable(self, path: Path) -> bool:
        """Whether this process may write to a folder, or make it."""
        ...

    def others_may(self, path: Path) -> bool:
        """Whether group or others may read or write a folder."""
        ...

    def free_bytes(self, path: Path) -> int:
        """Return the free bytes of the disk that holds a path, or would."""
        ...

    def fsync_seconds(self, folder: Path) -> float | None:
        """Return how long a small file took to be durable in a folder; None when the disk refused."""
        ...


class Machine:
    """The real one."""

    def can_listen(self, address: str) -> bool:
        """Try, and let go at once."""
        host, port = split_address(address)
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        with socket.socket(family) as tried:
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                tried.bind((host, port))
            except OSError:
                return False
        return True

    def trouble_reaching(self, host: str, port: int) -> str:
        """Connect, and close."""
        try:
            socket.create_connection((host, port), TIMEOUT_S).close()
        except OSError as error:
            return str(error)
        return ""

    def get(self, url: str) -> Reply:
        """Fetch without proxies."""
        try:
            said = httpx.get(url, timeout=TIMEOUT_S, trust_env=False)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return Reply(trouble=str(error))
        date = said.headers.get("Date")
        try:
            shown = None if date is None else parsedate_to_datetime(date)
        except ValueError:
            shown = None
        return Reply(said.status_code, said.text, shown)

    def is_writable(self, path: Path) -> bool:
        """Ask about the nearest folder that exists."""
        return os.access(_nearest(path), os.W_OK | os.X_OK)

    def others_may(self, path: Path) -> bool:
        """Look at the mode."""
        return bool(path.stat().st_mode & 0o077)

    def free_bytes(self, path: Path) -> int:
        """Ask about the nearest folder that exists."""
        return shutil.disk_usage(_nearest(path)).free

    def fsync_seconds(self, folder: Path) -> float | None:
        """Write a file of a page, sync it, and take it away."""
        started = time.monotonic()
        try:
            with tempfile.NamedTemporaryFile(dir=folder, prefix="doctor.") as file:
                file.write(bytes(4096))
                file.flush()
                os.fsync(file.fileno())
        except OSError:
            return None
        return time.monotonic() - started


def _nearest(path: Path) -> Path:
    there = path.absolute()
    while not there.exists():
        there = there.parent
    return there
