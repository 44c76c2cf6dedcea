"""A sorted run: the 64-bit keys of some rows in ascending order, searched by halving."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

_MAGIC: Final = b"tskeys1\n"  # 8 bytes, so that the keys behind it stay aligned
_KEY_BYTES, _ROW_BYTES = 8, 4


@dataclass(frozen=True, slots=True)
class KeyRun:
    """Keys (int64, ascending), and for each of them its row (int32), counted from ``first_row``; no key is NULL."""

    first_row: int
    keys: pa.Array
    rows: pa.Array

    def __len__(self) -> int:
        return len(self.keys)

    def present(self, wanted: pa.Array) -> list[int]:
        """Return those of some keys that the run holds."""
        left, right = self._bounds(wanted)
        held = pc.less(left, right)
        present: list[int] = wanted.filter(held).to_pylist() if held.true_count else []
        return present

    def rows_with(self, wanted: pa.Array) -> list[int]:
        """Return the rows that have any of some distinct keys, in no order, as numbered in the table."""
        left, right = self._bounds(wanted)
        held = pc.less(left, right)
        if not held.true_count:
            return []
        bounds = zip(left.filter(held).to_pylist(), right.filter(held).to_pylist(), strict=True)
        return [
            self.first_row + row for start, end in bounds for row in self.rows.slice(start, end - start).to_pylist()
        ]

    def _bounds(self, wanted: pa.Array) -> tuple[pa.Array, pa.Array]:
        return pc.search_sorted(self.keys, wanted, side="left"), pc.search_sorted(self.keys, wanted, side="right")


def sorted_run(first_row: int, keys: pa.Array, rows: pa.Array) -> KeyRun:
    """Return the run of some keys and rows in any order; rows whose key is NULL are left out."""
    if keys.null_count:
        keys, rows = keys.drop_null(), rows.filter(keys.is_valid())
    order = pc.sort_indices(keys)
    return KeyRun(first_row, keys.take(order), rows.take(order))


def merged(runs: Sequence[KeyRun]) -> KeyRun:
    """Return one run of everything in several, which count their rows from the same one."""
    if len(runs) == 1:
        return runs[0]
    keys, rows = pa.concat_arrays([run.keys for run in runs]), pa.concat_arrays([run.rows for run in runs])
    return sorted_run(runs[0].first_row, keys, rows)


def write(run: KeyRun, path: Path) -> None:
    """Write a run into a file that appears whole; it is not flushed, for it proves itself before it is used."""
    aside = path.with_name(path.name + ".new")
    with aside.open("wb") as file:
        file.write(_MAGIC)
        for column, width in ((run.keys, _KEY_BYTES), (run.rows, _ROW_BYTES)):
            file.write(column.buffers()[1].slice(column.offset * width, len(column) * width))
    aside.replace(path)


def read(path: Path, first_row: int) -> KeyRun | None:
    """Read a run into memory; None when there is no file, it cannot be read, or it is none that :func:`write` wrote."""
    try:
        run = _parsed(pa.py_buffer(path.read_bytes()), first_row)
    except OSError:
        return None
    if run is None or pc.any(pc.less(run.keys.slice(1), run.keys.slice(0, max(len(run) - 1, 0)))).as_py():
        return None
    return run


def mapped(path: Path, first_row: int) -> KeyRun | None:
    """Give a run that stays in its file, of which memory holds what is searched; None as in :func:`read`."""
    try:
        with pa.memory_map(os.fspath(path)) as file:
            return _parsed(file.read_buffer(), first_row)
    except OSError:
        return None


def _parsed(content: pa.Buffer, first_row: int) -> KeyRun | None:
    count, rest = divmod(content.size - len(_MAGIC), _KEY_BYTES + _ROW_BYTES)
    if rest or content.slice(0, len(_MAGIC)).to_pybytes() != _MAGIC:
        return None
    keys = content.slice(len(_MAGIC), count * _KEY_BYTES)
    rows = content.slice(len(_MAGIC) + count * _KEY_BYTES)
    return KeyRun(
        first_row,
        pa.Array.from_buffers(pa.int64(), count, [None, keys]),
        pa.Array.from_buffers(pa.int32(), count, [None, rows]),
    )
