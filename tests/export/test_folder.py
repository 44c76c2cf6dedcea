"""A folder of files is there whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.export.network import KilledError
from tollspan_rater.export.files import folder
from tollspan_rater.export.files.folder import write_folder

FILES = {"a.csv": b"1", "manifest.json": b"{}"}
STEPS = 5  # two files, the folder, its name; and one more that never comes


@pytest.mark.parametrize("step", range(1, STEPS + 1))
@pytest.mark.parametrize("error", [KilledError, OSError])
def test_whatever_ends_it_leaves_all_or_nothing(
    step: int, error: type[BaseException], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[int] = []

    def sync(handle: int) -> None:
        synced.append(handle)
        if len(synced) == step:
            raise error

    monkeypatch.setattr(folder, "fsync", sync)
    out = tmp_path / "below" / "out"
    try:
        write_folder(out, FILES)
    except error:
        assert step < STEPS
    named = {path.name: path.read_bytes() for path in out.iterdir()} if out.exists() else {}
    assert named == (FILES if step > 3 else {})
    assert len(synced) == min(step, STEPS - 1)
    monkeypatch.setattr(folder, "fsync", lambda _handle: None)
    write_folder(tmp_path / "below" / "next", FILES, tmp_path / "below" / ".out.new")
    assert [path.name for path in (tmp_path / "below").iterdir() if path.name.startswith(".")] == []


def test_what_is_there_is_not_touched(tmp_path: Path) -> None:
    write_folder(tmp_path / "out", FILES)
    with pytest.raises(OSError, match="out"):
        write_folder(tmp_path / "out", {"a.csv": b"2"})
    assert (tmp_path / "out" / "a.csv").read_bytes() == b"1"
