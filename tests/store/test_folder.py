"""One process owns a folder; others are told who."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tollspan_rater.errors import FolderBusyError, FolderError
from tollspan_rater.store.folder import Folder, replace_file
from tollspan_rater.store.run_file import RunFile, read_run_file, remove_run_file, write_run_file

OWNER = """
import sys
from pathlib import Path
from tollspan_rater.store.folder import Folder
with Folder(Path(sys.argv[1])).lock("tollspan serve"):
    print("owned", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    folder = Folder(tmp_path / "data")
    folder.create()
    return folder


class Sleeps(list[float]):
    def __call__(self, seconds: float) -> None:
        self.append(seconds)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_all_parts_are_private(folder: Folder) -> None:
    folder.journal.chmod(0o755)
    folder.create()
    assert {mode(part) for part in (folder.path, folder.journal, folder.store, folder.snapshots)} == {0o700}


def test_a_second_owner_waits_and_is_told_who_the_first_is(folder: Folder) -> None:
    sleeps = Sleeps()
    with (
        folder.lock("tollspan serve"),
        pytest.raises(FolderBusyError, match=rf"process {os.getpid()} \(tollspan serve\)"),
        folder.lock("tollspan import", sleep=sleeps),
    ):
        pass
    assert sum(sleeps) == pytest.approx(10)
    with folder.lock("tollspan import", sleep=sleeps), pytest.raises(FolderBusyError, match="tollspan import"):
        folder.lock("tollspan usage", wait_s=0, sleep=sleeps).__enter__()
    assert mode(folder.lock_file) == 0o600


def test_a_waiting_process_gets_the_folder_when_it_is_free(folder: Folder) -> None:
    first = folder.lock("tollspan serve")
    first.__enter__()
    with folder.lock("tollspan import", sleep=lambda _: first.__exit__(None, None, None)):
        assert "tollspan import" in folder.lock_file.read_text()


def test_the_lock_and_the_address_end_with_a_killed_process(folder: Folder) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", OWNER, folder.path], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as owner:
        assert owner.stdout
        assert owner.stdout.readline() == b"owned\n"
        info = RunFile(owner.pid, "127.0.0.1:8080", "token", 1)
        write_run_file(folder, info)
        assert read_run_file(folder) == info
        with pytest.raises(FolderBusyError, match=f"process {owner.pid} "):
            folder.lock("tollspan import", wait_s=0).__enter__()
        owner.kill()
        owner.wait(10)
    assert read_run_file(folder) is None
    with folder.lock("tollspan import", wait_s=0):
        pass


def test_the_address_is_private_and_goes_away(folder: Folder) -> None:
    info = RunFile(os.getpid(), "127.0.0.1:8080", "token", 1)
    assert read_run_file(folder) is None
    with folder.lock("tollspan serve"):
        write_run_file(folder, info)
        assert mode(folder.run_file) == 0o600
        assert read_run_file(folder) == info
        remove_run_file(folder)
        remove_run_file(folder)
        assert read_run_file(folder) is None


@pytest.mark.parametrize("content", [b"", b"[]", b'{"pid": 1}', b"\xff", b'{"pid": 1, "api": "x", "token": "t"}'])
def test_a_damaged_address_counts_as_none(folder: Folder, content: bytes) -> None:
    folder.run_file.write_bytes(content)
    assert read_run_file(folder) is None


def test_a_cut_off_restore_is_refused(folder: Folder) -> None:
    folder.unfinished_restore.mkdir()
    with pytest.raises(FolderError, match="restore was cut off"):
        folder.create()


def test_replacing_a_file_survives_what_a_crash_left(tmp_path: Path) -> None:
    (tmp_path / "x.new").write_bytes(b"left")
    replace_file(tmp_path / "x", b"whole")
    assert (tmp_path / "x").read_bytes() == b"whole"
    assert [path.name for path in tmp_path.iterdir()] == ["x"]
