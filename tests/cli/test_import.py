"""Watching a file being read changes nothing of what is read."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest

from tollspan_rater.cli.import_ import _watched


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("terminal", [True, False])
def test_a_bar_on_a_terminal_hands_on_every_byte(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, terminal: bool
) -> None:
    data = bytes(range(256)) * 1000
    path = tmp_path / "spans[red].jsonl"
    path.write_bytes(data)
    err = Terminal() if terminal else io.StringIO()
    monkeypatch.setattr(sys, "stderr", err)
    with _watched(str(path)) as stream:
        assert stream.read(10) + stream.read() == data
    assert ("100%" in err.getvalue()) == terminal
