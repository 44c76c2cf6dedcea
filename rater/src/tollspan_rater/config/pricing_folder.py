"""Reading a pricing folder from the disk: every YAML file of it as text."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from tollspan_rater.errors import UsageError

SUFFIXES: Final = (".yaml", ".yml")
MAX_BYTES: Final = 4_100_000  # more than any file that pricing takes; what is beyond is not read


def read_folder(folder: Path) -> dict[str, str]:
    """Return the YAML files of a folder and below as ``{path within it: text}``, by path.

    Bytes that are no UTF-8 become U+FFFD, which pricing refuses with file and line; so does it refuse a file that
    is too big, of which only the beginning is read.

    Raises:
        UsageError: the folder is not there or holds none, or a file cannot be read.
    """
    if not folder.is_dir():
        raise UsageError(f"there is no folder {folder}. Give the path of one with rate cards and plans.")
    found = sorted(path for path in folder.rglob("*") if path.suffix in SUFFIXES and path.is_file())
    if not found:
        raise UsageError(f"{folder} holds no .yaml file with rate cards or plans; tollspan init writes a set to begin")
    return {path.relative_to(folder).as_posix(): _text(path) for path in found}


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(MAX_BYTES).decode("utf-8", errors="replace")
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}. Make it readable, or move it away.") from error
