"""Folders that are there whole or not at all, and what the batches in a folder hold."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from os import O_RDONLY, close, fsync
from os import open as opened
from pathlib import Path
from typing import Any, Final

MANIFEST: Final = "manifest.json"


def write_folder(path: Path, files: Mapping[str, bytes], unfinished: Path | None = None) -> None:
    """Write a new folder of files so that a crash at any moment leaves all of it, durable, or nothing under its name.

    Args:
        path: the folder, which is not there yet or empty.
        files: their contents by name.
        unfinished: where it is made until it is whole, beside it; what a crash left there is removed.

    Raises:
        OSError: the disk refused; if it did so after the last step, the folder is there.
    """
    unfinished = unfinished or path.with_name(f".{path.name}.new")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    for name, content in files.items():
        with (unfinished / name).open("xb") as file:
            file.write(content)
            file.flush()
            fsync(file.fileno())
    _sync(unfinished)
    unfinished.rename(path)
    _sync(path.parent)


def _sync(folder: Path) -> None:
    handle = opened(folder, O_RDONLY)
    try:
        fsync(handle)
    finally:
        close(handle)


class Batches:
    """The batches of one export in a folder: each is a folder with one file and its manifest, which names its items.

    Only manifests say what was handed over: a receiver may take the files away, but leaves the manifests.
    """

    def __init__(self, folder: Path, export: str) -> None:
        self._folder, self._export = folder, export
        self._unfinished = folder / f".{export}.new"
        self._manifests: dict[str, Mapping[str, Any]] = {}
        self._holding: dict[str, str] = {}

    def holding(self) -> Mapping[str, str]:
        """Return the name of the batch that holds each item, as far as anything is written.

        Raises:
            OSError: the disk refused, or the folder is not there: nobody knows what was in it.
            ValueError: a manifest is not one.
        """
        self._refresh()
        return self._holding

    def write(self, batch: str, file: str, content: bytes, manifest: Mapping[str, Any]) -> None:
        """Write a batch, whole and durable.

        Raises:
            OSError: the disk refused; :meth:`holding` tells whether the batch is there all the same.
        """
        said = (json.dumps(manifest, indent=2, ensure_ascii=False) + "\n").encode()
        write_folder(self._folder / batch, {file: content, MANIFEST: said}, self._unfinished)

    def names(self) -> set[str]:
        """Return the names of the batches.

        Raises:
            OSError, ValueError: as :meth:`holding`.
        """
        self._refresh()
        return set(self._manifests)

    def content(self, batch: str) -> bytes | None:
        """Return the bytes of a batch's file, ``None`` when it was taken away.

        Raises:
            OSError: the disk refused.
        """
        path = self._folder / batch / str(self._manifests[batch]["file"])
        return path.read_bytes() if path.exists() else None

    def _refresh(self) -> None:
        if not self._folder.is_dir():
            raise FileNotFoundError(f"{self._folder} is not there: make it, or mount its disk")
        for path in sorted(self._folder.glob(f"*/{MANIFEST}")):
            batch = path.parent.name
            if batch in self._manifests or batch.startswith("."):
                continue
            said = json.loads(path.read_bytes())
            if isinstance(said, dict) and said.get("export") == self._export:
                self._manifests[batch] = said
                self._holding.update(dict.fromkeys(said["items"], batch))
