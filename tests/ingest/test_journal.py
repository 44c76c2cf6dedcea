"""The journal gives every entry one position, once, and gives it back as it was."""

import sqlite3
import stat
import tempfile
from collections.abc import Iterator
from contextlib import closing
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tollspan_rater.domain.clock import FixedClock
from tollspan_rater.domain.entries import Batch, Command, Entry, NewBatch, NewCommand
from tollspan_rater.errors import (
    DayKeptError,
    FormatVersionError,
    JournalClosedError,
    JournalCorruptError,
    JournalGapError,
)
from tollspan_rater.ingest.journal import Journal

DAY_NS = 86_400 * 10**9
START = 20_778 * DAY_NS  # 2026-11-21


def batch(number: int, size: int = 10) -> NewBatch:
    return NewBatch(START + number, "acme", "collector-1", "otlp-proto", (b"%d " % number) * size)


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(START)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "journal"


@pytest.fixture
def journal(folder: Path, clock: FixedClock) -> Iterator[Journal]:
    with closing(Journal(folder, clock)) as journal:
        yield journal


def everything(journal: Journal, after: int = 0) -> list[Entry]:
    return journal.read(after, max_entries=10**6, max_bytes=10**9)


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def three_days(journal: Journal, clock: FixedClock) -> None:
    for day in range(3):
        clock.set(START + day * DAY_NS)
        journal.append([batch(day * 2), batch(day * 2 + 1)])


def test_entries_come_back_as_they_were(journal: Journal) -> None:
    body = {"name": "Zoë", "limit": 2**70, "ok": None, "rate": "0.10"}
    assert journal.append([batch(1), NewCommand(5, "acme", "cli", "customer.set", body)]) == [1, 2]
    assert everything(journal) == [
        Batch(1, START + 1, "acme", "collector-1", "otlp-proto", b"1 " * 10),
        Command(2, 5, "acme", "cli", "customer.set", body),
    ]


def test_an_empty_append_writes_nothing(journal: Journal) -> None:
    assert journal.append([]) == []
    assert journal.last_position == 0
    assert everything(journal) == []


@pytest.mark.parametrize(
    ("after", "max_entries", "max_bytes", "expected"),
    [
        (0, 2, 10**6, [1, 2]),
        (2, 10, 10**6, [3, 4, 5, 6]),
        (0, 10, 45, [1, 2]),
        (0, 10, 1, [1]),
        (6, 10, 10**6, []),
    ],
)
def test_reading_is_bounded(
    journal: Journal, clock: FixedClock, after: int, max_entries: int, max_bytes: int, expected: list[int]
) -> None:
    three_days(journal, clock)
    found = journal.read(after, max_entries=max_entries, max_bytes=max_bytes)
    assert [entry.position for entry in found] == expected


ACTS = st.one_of(
    st.tuples(st.just("append"), st.integers(1, 4)),
    st.tuples(st.just("clock"), st.integers(-3 * DAY_NS, 2 * DAY_NS)),
    st.tuples(st.just("reopen"), st.just(0)),
    st.tuples(st.just("drop"), st.just(0)),
)


@settings(max_examples=40, deadline=None)
@given(st.lists(ACTS, max_size=14))
def test_positions_go_on_whatever_happens(acts: list[tuple[str, int]]) -> None:
    with tempfile.TemporaryDirectory() as place:
        clock = FixedClock(START)
        journal = Journal(Path(place) / "journal", clock)
        written: list[bytes] = []
        for act, value in acts:
            if act == "append":
                new = [batch(len(written) + k) for k in range(value)]
                assert journal.append(new) == list(range(len(written) + 1, len(written) + value + 1))
                written += [entry.body for entry in new]
            elif act == "clock":
                clock.set(clock.now_ns() + value)
            elif act == "reopen":
                journal.close()
                journal = Journal(Path(place) / "journal", clock)
            elif len(journal.days()) > 1:
                journal.drop_day(journal.days()[0].date, journal.last_position)
            first = journal.days()[0].first if journal.days() else 1
            found = everything(journal, first - 1)
            assert [entry.position for entry in found] == list(range(first, len(written) + 1))
            assert [entry.body for entry in found] == written[first - 1 :]
            assert journal.last_position == len(written)
        journal.close()


def test_a_new_day_has_a_new_file_and_the_finished_one_is_plain(
    journal: Journal, clock: FixedClock, folder: Path
) -> None:
    three_days(journal, clock)
    assert files(folder) == [
        "2026-11-21.sqlite",
        "2026-11-22.sqlite",
        "2026-11-23.sqlite",
        "2026-11-23.sqlite-shm",
        "2026-11-23.sqlite-wal",
    ]
    assert [(day.date.day, day.first, day.last) for day in journal.days()] == [(21, 1, 2), (22, 3, 4), (23, 5, 6)]
    assert all(day.bytes > 0 for day in journal.days())


def test_a_clock_that_goes_back_stays_in_the_newest_file(journal: Journal, clock: FixedClock) -> None:
    three_days(journal, clock)
    clock.set(START - 300 * DAY_NS)
    assert journal.append([batch(7)]) == [7]
    assert journal.days()[-1].last == 7


def test_a_day_is_sealed_later_when_a_reader_is_in_the_way(journal: Journal, clock: FixedClock, folder: Path) -> None:
    journal.append([batch(1)])
    with closing(sqlite3.connect(folder / "2026-11-21.sqlite", isolation_level=None)) as reader:
        reader.execute("begin")
        reader.execute("select count(*) from entry").fetchone()
        clock.set(START + DAY_NS)
        assert journal.append([batch(2)]) == [2]
        assert "2026-11-21.sqlite-wal" in files(folder)
    journal.close()
    with closing(Journal(folder, clock)) as again:
        assert "2026-11-21.sqlite-wal" not in files(folder)
        assert len(everything(again)) == 2


def test_files_are_private(journal: Journal, folder: Path) -> None:
    journal.append([batch(1)])
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}


def test_a_covered_day_can_be_dropped_and_what_it_held_is_named_as_gone(
    journal: Journal, clock: FixedClock, folder: Path
) -> None:
    three_days(journal, clock)
    journal.drop_day(date(2026, 11, 21), covered_by=2)
    assert "2026-11-21.sqlite" not in files(folder)
    assert [entry.position for entry in everything(journal, 2)] == [3, 4, 5, 6]
    with pytest.raises(JournalGapError, match="begins at position 3"):
        everything(journal, 1)
    assert journal.append([batch(6)]) == [7]


@pytest.mark.parametrize(
    ("day", "covered_by", "reason"),
    [
        (21, 1, "ends at position 2, the snapshot covers 1"),
        (22, 6, "2026-11-21 is older"),
        (23, 6, "current day"),
        (24, 6, "no file"),
    ],
)
def test_a_day_that_is_needed_is_kept(
    journal: Journal, clock: FixedClock, day: int, covered_by: int, reason: str
) -> None:
    three_days(journal, clock)
    with pytest.raises(DayKeptError, match=reason):
        journal.drop_day(date(2026, 11, day), covered_by)
    assert len(everything(journal)) == 6
    assert journal.append([batch(6)]) == [7]


def read_anew(folder: Path) -> list[Entry] | JournalCorruptError:
    try:
        with closing(Journal(folder, FixedClock(START))) as journal:
            return everything(journal)
    except JournalCorruptError as error:
        return error


def test_a_flipped_bit_in_an_entry_is_seen_or_harmless(journal: Journal, clock: FixedClock, folder: Path) -> None:
    three_days(journal, clock)
    expected = everything(journal)
    journal.close()
    path = folder / "2026-11-21.sqlite"
    whole = path.read_bytes()
    start = whole.rindex(b"acme") - 30
    outcomes = []
    for offset in range(start, start + 120):
        damaged = bytearray(whole)
        damaged[offset] ^= 1 << offset % 8
        path.write_bytes(damaged)
        outcomes.append(read_anew(folder))
    errors = [outcome for outcome in outcomes if isinstance(outcome, JournalCorruptError)]
    assert all(outcome == expected for outcome in outcomes if not isinstance(outcome, JournalCorruptError))
    assert all(str(path) in str(error) and "restore this file from a backup" in str(error) for error in errors)
    assert {error.position for error in errors} >= {1, 2}
    assert len(errors) > 80


@pytest.mark.parametrize("position", [3, 4, 5, 6])
def test_a_missing_entry_is_seen(journal: Journal, clock: FixedClock, folder: Path, position: int) -> None:
    three_days(journal, clock)
    with closing(sqlite3.connect(folder / f"2026-11-2{1 + (position - 1) // 2}.sqlite", isolation_level=None)) as db:
        db.execute("delete from entry where position = ?", (position,))
    with pytest.raises(JournalCorruptError, match=f"position {position}"):
        everything(journal)


def test_a_missing_day_in_the_middle_is_refused(journal: Journal, clock: FixedClock, folder: Path) -> None:
    three_days(journal, clock)
    journal.close()
    (folder / "2026-11-22.sqlite").unlink()
    with pytest.raises(JournalCorruptError, match="continues position 4, but the file before ends at 2"):
        Journal(folder, clock)


def test_a_reader_ahead_of_the_journal_is_refused(journal: Journal) -> None:
    journal.append([batch(1)])
    with pytest.raises(JournalCorruptError, match="ahead of the journal, which ends at 1"):
        everything(journal, 2)


def test_a_newer_format_is_refused_and_left_alone(journal: Journal, clock: FixedClock, folder: Path) -> None:
    journal.append([batch(1)])
    journal.close()
    path = folder / "2026-11-21.sqlite"
    with closing(sqlite3.connect(path)) as db:
        db.execute("pragma user_version = 2")
    with pytest.raises(FormatVersionError, match="format 2, this release knows up to 1"):
        Journal(folder, clock)


@pytest.mark.parametrize("content", [b"not a database" * 100, b""])
def test_another_file_is_refused(folder: Path, clock: FixedClock, content: bytes) -> None:
    folder.mkdir()
    (folder / "2026-11-21.sqlite").write_bytes(content)
    with pytest.raises(JournalCorruptError):
        Journal(folder, clock)


def test_what_a_crash_left_is_swept(folder: Path, clock: FixedClock) -> None:
    folder.mkdir()
    for name in ("2026-11-21.sqlite.new", "2026-11-21.sqlite.new-journal", "2026-11-20.sqlite-wal"):
        (folder / name).write_bytes(b"left")
    with closing(Journal(folder, clock)) as journal:
        assert files(folder) == []
        assert journal.append([batch(1)]) == [1]


def test_a_closed_journal_refuses(journal: Journal) -> None:
    journal.append([batch(1)])
    journal.close()
    with pytest.raises(JournalClosedError):
        journal.append([batch(2)])
    with pytest.raises(JournalClosedError):
        everything(journal)


def test_an_entry_that_cannot_be_written_costs_its_neighbours_nothing(journal: Journal) -> None:
    with pytest.raises(UnicodeEncodeError):
        journal.append([NewBatch(1, "acme", "\ud800", "otlp-proto", b"")])
    with pytest.raises(OverflowError):
        journal.append([batch(1), NewBatch(2**63, "acme", "collector", "otlp-proto", b"")])
    assert journal.append([batch(1)]) == [1]
    assert len(everything(journal)) == 1


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="open handles are counted in /proc")
def test_no_handle_is_left_open(journal: Journal, clock: FixedClock) -> None:
    handles = Path("/proc/self/fd")
    before = len(list(handles.iterdir()))
    three_days(journal, clock)
    everything(journal)
    journal.close()
    assert len(list(handles.iterdir())) <= before
