"""What docker-compose.yml needs before its first start: keys, a password, and the customers of the example.

What is there already stays: at later starts the rater owns the data folder, and nothing is asked of it.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import subprocess
from pathlib import Path
from typing import Final

READABLE: Final = 0o444  # by every user of the containers that a volume is mounted into
PASSWORD_BYTES: Final = 24


def main() -> None:
    """Make what is missing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ingest-key", type=Path, required=True, help="where the Collector reads its key")
    parser.add_argument("--query-key", type=Path, required=True, help="where Prometheus and Grafana read theirs")
    parser.add_argument("--password", type=Path, required=True, help="where Grafana reads its administrator's password")
    parser.add_argument("--customers", type=Path, required=True, help="CSV of customers with their plans")
    paths = parser.parse_args()
    if not paths.password.exists():
        keep(paths.password, secrets.token_urlsafe(PASSWORD_BYTES))
    if not paths.ingest_key.exists():
        tollspan("customers", "import", str(paths.customers))
        keep(paths.ingest_key, new_key("ingest"))
    if not paths.query_key.exists():
        keep(paths.query_key, new_key("query"))


def new_key(scope: str) -> str:
    """Return a new key of the rater that may do one thing."""
    [made] = json.loads(tollspan("keys", "create", "--scope", scope, "--label", f"compose, {scope}"))
    return str(made["key"])


def tollspan(*words: str) -> str:
    """Run a command of tollspan and return what it prints; its errors go to this program's own.

    Raises:
        subprocess.CalledProcessError: it failed.
    """
    return subprocess.run(  # noqa: S603 - our own command with our own words
        ["tollspan", *words, "--format", "json"],  # noqa: S607 - the image's PATH begins with it
        stdout=subprocess.PIPE, text=True, check=True,
    ).stdout  # fmt: skip


def keep(path: Path, secret: str) -> None:
    """Write a secret without a line's end, whole or not at all."""
    unfinished = path.with_name(f"{path.name}.new")
    unfinished.unlink(missing_ok=True)
    with os.fdopen(os.open(unfinished, os.O_CREAT | os.O_EXCL | os.O_WRONLY, READABLE), "w") as file:
        file.write(secret)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)


if __name__ == "__main__":
    main()
