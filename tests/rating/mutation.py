"""Applies one fault to a copy of the engine and asks whether the comparison of random bills notices it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import tollspan_rater
from tests.rating.compare import DIFFERS
from tollspan import semconv

PACKAGE: Final = Path(tollspan_rater.__file__).parent
REPOSITORY: Final = Path(__file__).parents[2]
ROOMS: Final = ("domain", "pricing", "rating", "credit", "config")


@dataclass(frozen=True, slots=True)
class Mutation:
    """One fault: in ``file`` the text ``old``, which stands there exactly once, becomes ``new``."""

    name: str
    file: str
    old: str
    new: str


def mutated(mutation: Mutation, folder: Path) -> None:
    """Write a copy of the engine's rooms with the fault into a folder."""
    copy = folder / "tollspan_rater"
    for room in ROOMS:
        shutil.copytree(PACKAGE / room, copy / room)  # with what is compiled: it stays valid for all files but one
    for path in PACKAGE.glob("*.py"):
        shutil.copy(path, copy)
    names = folder / "tollspan"  # the engine needs its names only, and no instrumentation to be started with them
    names.mkdir()
    (names / "__init__.py").touch()
    shutil.copy(str(semconv.__file__), names)
    target = copy / mutation.file
    text = target.read_text(encoding="utf-8")
    assert text.count(mutation.old) == 1, f"{mutation.name}: {mutation.file} has {mutation.old!r} not exactly once"
    target.write_text(text.replace(mutation.old, mutation.new), encoding="utf-8")


def caught(mutation: Mutation, seeds: range) -> str | None:
    """Return the first difference that the fault makes in the bills of these seeds, ``None`` if it makes none."""
    with tempfile.TemporaryDirectory() as folder:
        mutated(mutation, Path(folder))
        command = [sys.executable, "-m", "tests.rating.compare", str(seeds.start), str(seeds.stop), folder]
        path = os.pathsep.join([folder, str(REPOSITORY)])
        environment = {**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"}
        done = subprocess.run(
            command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, timeout=600, check=False
        )
    if done.returncode == DIFFERS:
        return done.stdout.strip()
    assert done.returncode == 0, done.stderr
    return None
