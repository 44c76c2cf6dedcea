"""What the README has people copy is there afterwards."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path

import pytest
from tests.docs.pages import ROOT, page

COPIES = [shlex.split(line.removeprefix("$ ")) for line in page("README.md").splitlines() if line.startswith("$ cp ")]


@pytest.mark.parametrize("command", COPIES, ids=" ".join)
def test_a_copy_is_a_folder_of_its_own(command: list[str], tmp_path: Path) -> None:
    copy = tmp_path / command[-1]
    subprocess.run([*command[:-1], str(copy)], cwd=ROOT, check=True)
    assert copy.is_dir()
    assert not copy.is_symlink()
