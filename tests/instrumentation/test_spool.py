"""What lies in the files is read again, byte by byte, by this process or the next; damage costs only what it hit."""

from __future__ import annotations

import fcntl
import os
import stat
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tollspan import sender as sending
from tollspan import settings
from tollspan.frame import SPAN, Frame, framed, read_frames
from tollspan.process import Identity
from tollspan.record import UnitRecord
from tollspan.segment import Segment
from tollspan.sender import Sender
from tollspan.spool import Limits, Spool
from tollspan.variables import SPOOL_BYTES

PAYLOADS = st.lists(st.binary(max_size=40) | st.just(framed(Frame(SPAN, b"inside"))), max_size=8)


def frame(number: int) -> Frame:
    return Frame(SPAN, b"record %d" % number)


def frames(*numbers: int) -> list[Frame]:
    return [frame(number) for number in numbers]


def spool_in(folder: Path, **limits: int) -> Spool:
    return Spool((folder,), b"resource", Limits(**limits))


def drained(spool: Spool, most: int = 512) -> list[Frame]:
    found: list[Frame] = []
    while (batch := spool.read(most)) is not None:
        found += batch.frames
        batch.source.acknowledge(batch.end)
    return found


def files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.spool"))


# --- frames -----------------------------------------------------------------------------------


@given(PAYLOADS, st.integers(1, 9))
def test_frames_come_back_in_pieces_of_any_number(payloads: list[bytes], most: int) -> None:
    data, found = b"".join(framed(Frame(SPAN, payload)) for payload in payloads), []
    while data:
        read = read_frames(data, most, complete=True)
        assert (len(read.frames), read.damaged) == (min(most, len(payloads) - len(found)), 0)
        found += [item.payload for item in read.frames]
        data = data[read.size :]
    assert found == payloads


@given(PAYLOADS, st.integers(0, 500))
def test_a_file_that_ends_anywhere_gives_what_is_whole_before(payloads: list[bytes], end: int) -> None:
    whole = [framed(Frame(SPAN, payload)) for payload in payloads]
    data = b"".join(whole)[:end]
    kept = [item for number, item in enumerate(whole) if len(b"".join(whole[: number + 1])) <= end]
    waiting = read_frames(data, 99, complete=False)
    assert [framed(item) for item in waiting.frames] == kept
    assert (waiting.size, waiting.damaged) == (len(b"".join(kept)), 0)


@given(st.integers(0, 200), st.binary(min_size=1, max_size=30))
def test_damage_costs_only_the_frames_that_it_hit(at: int, noise: bytes) -> None:
    whole = [framed(frame(number)) for number in range(10)]
    data = b"".join(whole)
    hurt = data[:at] + noise + data[at + len(noise) :]
    size = len(whole[0])
    untouched = [frame(number) for number in range(10) if (number + 1) * size <= at or number * size >= at + len(noise)]
    read = read_frames(hurt, 99, complete=True)
    assert [item for item in read.frames if item in frames(*range(10))] == [
        item for item in frames(*range(10)) if item in read.frames
    ]
    assert set(untouched) <= set(read.frames)
    assert read.size == len(hurt)
    assert read.damaged or hurt == data


# --- one process ------------------------------------------------------------------------------


def test_records_are_read_in_order_and_the_file_goes_with_the_last(tmp_path: Path) -> None:
    spool = spool_in(tmp_path)
    assert all(spool.append(framed(frame(number))) for number in range(5))
    batch = spool.read(2)
    assert batch is not None
    assert (batch.frames, batch.resource, batch.own) == (tuple(frames(0, 1)), b"resource", True)
    assert spool.read(2) == batch  # until it is acknowledged
    assert drained(spool) == frames(0, 1, 2, 3, 4)
    assert len(files(tmp_path)) == 1
    spool.close()
    assert files(tmp_path) == []


def test_files_are_the_owners_alone(tmp_path: Path) -> None:
    folder = tmp_path / "spool"
    spool = spool_in(folder)
    spool.append(framed(frame(1)))
    assert [stat.S_IMODE(path.stat().st_mode) for path in (folder, *files(folder))] == [0o700, 0o600]
    spool.close()


def test_a_large_file_is_followed_by_another_and_deleted_when_it_has_arrived(tmp_path: Path) -> None:
    spool = spool_in(tmp_path, segment_bytes=100)
    for number in range(20):
        spool.append(framed(frame(number)))
    assert len(files(tmp_path)) > 3
    assert sorted(drained(spool)) == sorted(frames(*range(20)))
    assert len(files(tmp_path)) == 1
    spool.close()


def test_many_threads_write_and_one_reads(tmp_path: Path) -> None:
    spool = spool_in(tmp_path, segment_bytes=5_000)
    numbers = [range(start, start + 300) for start in range(0, 2_400, 300)]
    threads = [
        threading.Thread(target=lambda of=mine: [spool.append(framed(frame(number))) for number in of])
        for mine in numbers
    ]
    for thread in threads:
        thread.start()
    found: list[Frame] = []
    while any(thread.is_alive() for thread in threads):
        found += drained(spool, 7)
    found += drained(spool)
    assert sorted(found) == sorted(frames(*range(2_400)))
    spool.close()
    assert files(tmp_path) == []


def in_mid_write(monkeypatch: pytest.MonkeyPatch, meanwhile: Any) -> None:
    """Let something happen while a thread is about to write its first record."""
    real = Segment.write

    def write(segment: Segment, data: bytes) -> bool:
        monkeypatch.setattr(Segment, "write", real)
        meanwhile(segment)
        return segment.write(data)

    monkeypatch.setattr(Segment, "write", write)


def test_a_full_file_stays_until_its_last_writer_has_left_it(tmp_path: Path, monkeypatch: Any) -> None:
    spool = spool_in(tmp_path, segment_bytes=60)

    def fill(_segment: Segment) -> None:
        for number in range(3):
            assert spool.append(framed(frame(number)))
        assert sorted(drained(spool)) == frames(0, 1, 2)

    in_mid_write(monkeypatch, fill)
    assert spool.append(framed(frame(9)))
    assert drained(spool) == frames(9)
    spool.close()
    assert files(tmp_path) == []


def test_the_last_writer_unlocks_a_file_that_was_closed_meanwhile(tmp_path: Path, monkeypatch: Any) -> None:
    spool, following = spool_in(tmp_path), spool_in(tmp_path)
    in_mid_write(monkeypatch, lambda _segment: spool.close())
    assert spool.append(framed(frame(1)))
    assert following.adopt()
    assert drained(following) == frames(1)


def test_a_new_file_that_was_taken_for_abandoned_is_not_written_to(tmp_path: Path, monkeypatch: Any) -> None:
    real = fcntl.flock

    def late(descriptor: int, how: int) -> None:
        monkeypatch.setattr(fcntl, "flock", real)
        other = spool_in(tmp_path)
        other.adopt()
        assert drained(other) == []
        real(descriptor, how)

    monkeypatch.setattr(fcntl, "flock", late)
    spool = spool_in(tmp_path)
    assert spool.append(framed(frame(1)))
    spool.close()
    assert len(files(tmp_path)) == 1


# --- the process after it ---------------------------------------------------------------------


def test_what_is_left_is_adopted_from_the_mark_with_its_resource(tmp_path: Path) -> None:
    first = Spool((tmp_path,), b"first service")
    for number in range(4):
        first.append(framed(frame(number)))
    batch = first.read(3)
    assert batch is not None
    batch.source.acknowledge(batch.end)
    second = spool_in(tmp_path)
    assert not second.adopt()  # it is still locked
    first.close()
    assert second.adopt()
    left = second.read(9)
    assert left is not None
    assert (left.frames, left.resource, left.own) == ((frame(3),), b"first service", False)
    assert drained(second) == frames(3)
    assert files(tmp_path) == []


@pytest.mark.parametrize(
    ("damage", "arrive"),
    [
        (lambda data: data[:-5], [0, 1]),  # killed while it wrote
        (lambda data: data + b"\xf5tsS\0\0\0\x09half", [0, 1, 2]),
        (lambda data: data.replace(b"record 1", b"rekord 1"), [0, 2]),
        (lambda data: data[:40] + b"\0" * (len(data) - 40), []),  # a power cut: the length is there, the bytes are not
        (lambda data: data[:8] + b"\xff" * 8 + data[16:], [0, 1, 2]),  # a mark that cannot be
        (lambda data: data[:10], []),
        (lambda _data: b"", []),
    ],
    ids=["torn", "a beginning", "a changed byte", "zeros", "mark", "header", "empty"],
)
def test_a_damaged_file_is_adopted_for_what_is_whole(tmp_path: Path, damage: Any, arrive: list[int]) -> None:
    left = spool_in(tmp_path)
    for number in range(3):
        left.append(framed(frame(number)))
    left.close()
    (path,) = files(tmp_path)
    path.write_bytes(damage(path.read_bytes()))
    spool = spool_in(tmp_path)
    spool.adopt()
    assert drained(spool) == frames(*arrive)
    assert files(tmp_path) == []


def test_a_file_of_another_format_stays_for_whoever_knows_it(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    (tmp_path / "x.spool").write_bytes(b"tollspn9" + b"\0" * 99)
    assert not spool_in(tmp_path).adopt()
    assert len(files(tmp_path)) == 1


def test_only_one_of_two_processes_adopts_a_file(tmp_path: Path) -> None:
    left = spool_in(tmp_path)
    left.append(framed(frame(1)))
    left.close()
    other = (
        "import sys; from pathlib import Path; from tollspan.spool import Spool;"
        "spool = Spool((Path(sys.argv[1]),), b''); print(spool.adopt(), flush=True); sys.stdin.read()"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", other, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "True\n"
    spool = spool_in(tmp_path)
    assert not spool.adopt()
    process.kill()
    process.communicate()
    assert spool.adopt()
    assert drained(spool) == frames(1)


# --- where it cannot be written ---------------------------------------------------------------


def test_past_the_cap_nothing_is_written_until_there_is_room_again(tmp_path: Path, caplog: Any) -> None:
    now = [0.0]
    spool = Spool((tmp_path,), b"", Limits(folder_bytes=450, segment_bytes=100), lambda: now[0])
    written = [number for number in range(99) if spool.append(framed(frame(number)))]
    assert 10 < len(written) < 40
    assert "has its 450 bytes" in spool.problem
    assert len([text for text in caplog.messages if "lost if the process is killed" in text]) == 1
    assert sorted(drained(spool)) == sorted(frames(*written))
    assert not spool.append(framed(frame(1)))  # not tried again at each record
    now[0] = 1.5
    assert spool.append(framed(frame(1)))
    assert spool.problem == ""
    spool.close()


@pytest.mark.parametrize("hinder", ["a file", "others may write"])
def test_a_folder_that_cannot_be_used_is_followed_by_the_next(tmp_path: Path, hinder: str) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    if hinder == "a file":
        first.write_text("")
    else:
        first.mkdir()
        first.chmod(0o777)
    spool = Spool((first, second), b"")
    assert spool.append(framed(frame(1)))
    assert len(files(second)) == 1
    spool.close()


def test_without_a_folder_records_wait_in_memory_and_stats_say_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    sender = Sender(lambda _body: (200, b""), {}, Spool((tmp_path / "file",), b""))
    sender.put(UnitRecord(Identity("r", "ab" * 16, "cd" * 8), "p", 1, 1_000, "page", "1"))
    assert "file" in sender.stats().problem
    assert sender.flush(5)
    assert (sender.stats().exported, sender.stats().dropped) == (1, 0)
    sender.close(1)


def test_a_full_disk_in_mid_write_leaves_a_place_that_is_skipped(tmp_path: Path, monkeypatch: Any) -> None:
    spool = spool_in(tmp_path)
    spool.append(framed(frame(0)))
    real = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: real(descriptor, data[:9]))
    assert not spool.append(framed(frame(1)))
    monkeypatch.undo()
    assert spool.append(framed(frame(2)))
    assert drained(spool) == frames(0, 2)
    spool.close()


# --- the sender over it -----------------------------------------------------------------------


def test_a_resend_is_the_same_bytes_also_by_the_next_process(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(sending, "FIRST_BACKOFF_SECONDS", 0.001)
    bodies: list[bytes] = []

    def post(status: int) -> Any:
        return lambda body: (bodies.append(body), (status, b""))[1]

    first = Sender(post(503), {"service.name": "shop"}, spool_in(tmp_path))
    first.put(UnitRecord(Identity("r", "ab" * 16, "cd" * 8), "p", 1, 1_000, "page", "1"))
    first.close(0.05)
    second = Sender(post(200), {"service.name": "another"}, Spool((tmp_path,), b""))
    assert second.flush(5)
    assert len(bodies) > 1
    second_stats = second.stats()
    second.close(1)
    assert (second_stats.adopted, second_stats.exported, second_stats.recorded) == (1, 0, 0)


def test_a_record_after_the_end_waits_for_the_next_process(tmp_path: Path) -> None:
    sender = Sender(lambda _body: (200, b""), {}, spool_in(tmp_path))
    sender.close(0)
    sender.put(UnitRecord(Identity("r", "ab" * 16, "cd" * 8), "p", 1, 1_000, "page", "1"))
    assert (sender.stats().dropped, sender.stats().queued) == (0, 1)
    spool = spool_in(tmp_path)
    assert spool.adopt()
    spool.close()


def test_a_flush_does_not_wait_for_the_next_try(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(sending, "FIRST_BACKOFF_SECONDS", 60)
    tried, answers = threading.Event(), [503]

    def post(_body: bytes) -> tuple[int, bytes]:
        tried.set()
        return (answers.pop() if answers else 200), b""

    sender = Sender(post, {}, spool_in(tmp_path))
    sender.put(UnitRecord(Identity("r", "ab" * 16, "cd" * 8), "p", 1, 1_000, "page", "1"))
    assert tried.wait(20)
    assert sender.flush(20)
    sender.close(1)


def test_files_are_synced_by_the_sending_thread_and_not_more_often_than_said(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(sending, "FIRST_BACKOFF_SECONDS", 0.001)
    monkeypatch.setattr(sending, "MAX_BACKOFF_SECONDS", 0.001)
    monkeypatch.setattr(sending, "SYNC_SECONDS", 60)
    synced: list[str] = []
    monkeypatch.setattr(os, "fsync", lambda _descriptor: synced.append(threading.current_thread().name))
    answers = [503] * 5
    sender = Sender(lambda _body: (answers.pop() if answers else 200, b""), {}, spool_in(tmp_path))
    sender.put(UnitRecord(Identity("r", "ab" * 16, "cd" * 8), "p", 1, 1_000, "page", "1"))
    assert sender.flush(5)
    sender.close(1)
    assert synced == ["tollspan-sender"] * 2  # the file and, for its name, the folder


# --- settings ---------------------------------------------------------------------------------

BASE = {"TOLLSPAN_OTLP_ENDPOINT": "http://c:4318"}


def folders(**more: str) -> list[str]:
    found = settings.resolve({**BASE, **more})
    assert found is not None
    return [str(path) for path in found.spool]


@pytest.mark.parametrize(
    ("environ", "parents"),
    [
        ({"TOLLSPAN_SPOOL_DIR": "/var/spool/x", "HOME": "/h/a"}, ["/var/spool/x"]),
        ({"TOLLSPAN_SPOOL_DIR": "", "HOME": "/h/a"}, []),
        ({"HOME": "/h/a"}, ["/h/a/.local/state/tollspan", "/tmp"]),
        ({"HOME": "/h/a", "XDG_STATE_HOME": "/s", "TMPDIR": "/t"}, ["/s/tollspan", "/t"]),
        ({}, ["/tmp"]),
    ],
)
def test_folders_by_environment(environ: dict[str, str], parents: list[str]) -> None:
    assert [str(Path(folder).parent) for folder in folders(**environ)] == parents


def test_another_endpoint_or_token_has_a_folder_of_its_own() -> None:
    places = [
        folders(),
        folders(TOLLSPAN_OTLP_HEADERS="authorization=a"),
        folders(TOLLSPAN_OTLP_HEADERS="authorization=b"),
        folders(TOLLSPAN_OTLP_ENDPOINT="http://d:4318"),
    ]
    assert len({tuple(place) for place in places}) == 4
    assert folders() == folders()


@pytest.mark.parametrize(("given", "size"), [("1000", 1000), ("", SPOOL_BYTES), ("1 GB", SPOOL_BYTES)])
def test_the_cap_by_environment(given: str, size: int) -> None:
    found = settings.resolve({**BASE, "TOLLSPAN_SPOOL_MAX_BYTES": given})
    assert found is not None
    assert found.spool_bytes == size
