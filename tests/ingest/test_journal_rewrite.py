"""Bodies put in the place of others: positions and everything else stay, of the old bytes nothing does."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest

from tollspan_rater.domain.clock import FixedClock
from tollspan_rater.domain.entries import Batch, NewBatch, NewCommand, NewEntry
from tollspan_rater.errors import JournalDiskError
from tollspan_rater.ingest import journal_day
from tollspan_rater.ingest.journal import Journal

DAY = 86_400 * 1_000_000_000
T0 = 1_763_000_000_000_000_000


def filled(folder: Path) -> tuple[Journal, list[bytes]]:
    """A sealed day and the current one, of bodies that cannot be compressed and of one command."""
    clock, noise = FixedClock(T0), random.Random(7)  # noqa: S311 - the same bodies every time
    journal = Journal(folder, clock)
    bodies = [noise.randbytes(noise.choice([60, 900, 9_000])) for _ in range(60)]
    for number, body in enumerate(bodies):
        if number == 30:
            clock.set(T0 + DAY)
            journal.append([NewCommand(clock.now_ns(), "acme", "me", "customer.set", {"customer": "c"})])
        entry: NewEntry = NewBatch(clock.now_ns(), "acme", "10.0.0.7", "otlp-proto", body)
        journal.append([entry])
    return journal, bodies


def found(folder: Path, bodies: list[bytes]) -> list[int]:
    """The bodies of which a part is in a file: incompressible ones lie in their zstd frame as they are."""
    files = [path.read_bytes() for path in folder.iterdir()]
    windows = [[body[at : at + 24] for at in range(0, len(body) - 24, 24)] for body in bodies]
    return [n for n, parts in enumerate(windows) if any(part in file for part in parts for file in files)]


def test_nothing_of_the_old_bytes_is_left(tmp_path: Path) -> None:
    journal, bodies = filled(tmp_path)
    before = journal.read(0, max_entries=99, max_bytes=1 << 30)
    assert found(tmp_path, bodies) == list(range(60))
    assert journal.rewrite(lambda batch: batch.body[:7] + b"x" * (batch.position * 40), thorough=False) == 60
    assert found(tmp_path, bodies) == []
    after = journal.read(0, max_entries=99, max_bytes=1 << 30)
    assert [
        replace(entry, body=entry.body[:7] + b"x" * (entry.position * 40)) if isinstance(entry, Batch) else entry
        for entry in before
    ] == after
    assert journal.append([NewBatch(T0, "acme", "s", "otlp-proto", b"more")]) == [62]
    journal.close()
    again = Journal(tmp_path, FixedClock(T0 + DAY))
    assert again.last_position == 62
    assert again.read(0, max_entries=61, max_bytes=1 << 30) == after
    again.close()


def test_only_what_differs_is_written(tmp_path: Path) -> None:
    journal, bodies = filled(tmp_path)
    sealed = journal.days()[0].path
    before = sealed.read_bytes()
    assert journal.rewrite(lambda batch: batch.body if batch.position < 60 else b"", thorough=False) == 2
    assert sealed.read_bytes() == before
    assert found(tmp_path, bodies) == list(range(58))
    journal.close()


def test_what_an_interrupted_run_left_goes_with_a_thorough_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal, bodies = filled(tmp_path)

    def cut_off(path: Path, change: journal_day.Change, *, thorough: bool) -> int:
        with journal_day.connect(path) as connection:
            for position, row in list(journal_day.rows(connection, path, *journal_day.positions(connection, path))):
                new = change(position, row)
                connection.execute(
                    "update entry set body = ?, digest = ? where position = ?",
                    (new.body, journal_day.digest(position, new), position),
                )
        connection.close()
        return 0

    with monkeypatch.context() as patch:
        patch.setattr(journal_day, "rewrite", cut_off)
        journal.rewrite(lambda _batch: b"", thorough=False)
    assert found(tmp_path, bodies), "the run that was cut off left something"
    assert journal.rewrite(lambda _batch: b"", thorough=True) == 0
    assert found(tmp_path, bodies) == []
    journal.close()


def test_a_failure_leaves_every_entry_readable(tmp_path: Path) -> None:
    journal, _ = filled(tmp_path)
    before = journal.read(0, max_entries=99, max_bytes=1 << 30)

    def fails(batch: Batch) -> bytes:
        if batch.position == 20:
            raise OSError("no space left on device")
        return b""

    with pytest.raises(JournalDiskError):
        journal.rewrite(fails, thorough=False)
    assert journal.read(0, max_entries=99, max_bytes=1 << 30) == before
    journal.close()
