"""Faults of the disk, made by a small library that is loaded before the C library (``faulty_disk.c``)."""

from __future__ import annotations

import errno
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

SOURCE = Path(__file__).with_name("faulty_disk.c")


@dataclass(frozen=True, slots=True)
class Fault:
    """The calls ``first`` to ``last`` of a kind on a file that fail, or (``kill``) in which the process ends.

    ``file`` is the end of the path, ``call`` write or sync, ``how`` an error's name or ``kill``.
    """

    file: str
    call: str
    first: int
    last: int
    how: str

    def __str__(self) -> str:
        return f"{self.how} on {self.call} {self.first}-{self.last} of {self.file}"

    def environment(self, library: Path, log: Path) -> Mapping[str, str]:
        """Return the variables of a process that is to have this fault; ``log`` gets a byte for each failed call."""
        how = self.how if self.how == "kill" else str(getattr(errno, self.how))
        return {
            "LD_PRELOAD": str(library),
            "FAULT_FILE": self.file,
            "FAULT_CALL": self.call,
            "FAULT_FIRST": str(self.first),
            "FAULT_LAST": str(self.last),
            "FAULT_HOW": how,
            "FAULT_LOG": str(log),
        }


def build(folder: Path) -> Path | None:
    """Compile the library into a folder; None where there is no compiler."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        return None
    library = folder / "faulty_disk.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", library, SOURCE, "-ldl"], check=True)
    return library
