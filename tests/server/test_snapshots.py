"""Snapshots stand for journal days: nothing changes when the days go, and only covered days go."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from tests.server.conftest import DAY, SECOND, T0, Bench, call
from tollspan_rater.errors import DayKeptError, UsageError
from tollspan_rater.server.upkeep import HOUR_NS, Upkeep
from tollspan_rater.store import snapshot


def three_days(bench: Bench) -> None:
    for number, now in enumerate(bench.days(count=3), 1):
        bench.send(call(number, start_ns=now - SECOND))
        bench.send(call(number + 10, start_ns=now - SECOND))
    bench.clock.set(bench.clock.now_ns() - DAY)


def test_days_go_and_every_answer_stays(bench: Bench) -> None:
    three_days(bench)
    before, usage = bench.digests(), bench.usage()
    receipt = bench.execute("snapshot")
    assert receipt.body["days_dropped"] == ["2026-11-18", "2026-11-19"]
    assert len(bench.rater.journal.days()) == 1
    assert bench.execute("rebuild").body["same"]
    assert (bench.digests(), bench.usage()) == (before, usage)
    assert bench.ask("audit").ok
    full = bench.ask("audit", full="true")
    assert full.ok, full.rows
    gone = next(row for row in full.rows if str(row["equation"]).startswith("positions no longer"))
    assert "positions 1 to 4 left with their days" in str(gone["terms"])


def test_the_journal_stays_when_asked(bench: Bench) -> None:
    three_days(bench)
    assert bench.execute("snapshot", keep_journal=True).body["days_dropped"] == []
    assert len(bench.rater.journal.days()) == 3


def test_days_that_left_without_a_snapshot_are_a_difference(bench: Bench) -> None:
    three_days(bench)
    taken = bench.execute("snapshot")
    folder = bench.folder.snapshots / taken.body["snapshot"]
    folder.rename(bench.folder.path / "elsewhere")
    assert not bench.ask("audit", full="true").ok


def test_copies_of_what_left_are_copies(bench: Bench) -> None:
    three_days(bench)
    bench.execute("snapshot")
    bench.send(call(1))
    bench.send(call(11, start_ns=T0 + 59 * SECOND))
    assert bench.fates() == {"conflict": 1, "duplicate": 1, "stored": 6}
    assert bench.ask("audit", full="true").ok


def test_a_missing_store_comes_back_from_snapshot_and_journal(bench: Bench) -> None:
    three_days(bench)
    bench.execute("snapshot")
    bench.send(call(7))
    before = bench.digests()
    bench.close()
    for path in bench.folder.store.iterdir():
        path.unlink()
    (bench.folder.store / "tollspan.duckdb.wal").write_bytes(b"of a file that is gone")
    assert bench.digests() == before


def test_only_the_newest_are_kept_and_only_while_the_newest_is_whole(bench: Bench) -> None:
    for number in range(1, 4):
        bench.send(call(number))
        last = bench.execute("snapshot")
    assert [path.name for path in sorted(bench.folder.snapshots.iterdir())] == ["000000000002", "000000000003"]
    assert last.body["snapshots_removed"] == ["000000000001"]
    (bench.folder.snapshots / "000000000003/legs.parquet").write_bytes(b"")
    with pytest.raises(UsageError, match="differs from its manifest"):
        snapshot.prune(bench.folder.snapshots, 1)
    assert len(list(bench.folder.snapshots.iterdir())) == 2


def test_what_a_crash_left_of_a_snapshot_goes(bench: Bench) -> None:
    bench.send(call(1))
    (bench.folder.snapshots / "000000000009.new").mkdir()
    bench.execute("snapshot")
    assert [path.name for path in bench.folder.snapshots.iterdir()] == ["000000000001"]


def test_the_current_day_never_goes(bench: Bench) -> None:
    bench.send(call(1))
    assert bench.execute("snapshot").body["days_dropped"] == []
    day = bench.rater.journal.days()[0]
    with pytest.raises(DayKeptError):
        bench.rater.journal.drop_day(day.date, covered_by=day.last)


def test_a_server_takes_snapshots_in_their_time(bench: Bench) -> None:
    bench.flags["snapshots.every_hours"] = 24
    upkeep = Upkeep(bench.rater)
    assert not upkeep.step(), "an empty folder needs none"
    taken, days = [], []
    for hour in range(0, 24 * 4, 6):
        if hour % 12 == 0:
            bench.send(call(hour + 1, start_ns=bench.clock.now_ns()))
        if upkeep.step():
            taken.append(hour)
        days.append(len(bench.rater.journal.days()))
        bench.clock.set(bench.clock.now_ns() + 6 * HOUR_NS)
    assert taken == [24, 48, 72]
    assert max(days) == 2, "days covered by the older of two snapshots went"
    assert bench.ask("audit", full="true").ok
    before = bench.digests()
    assert bench.execute("rebuild").body["same"]
    assert bench.digests() == before


def test_nothing_new_needs_no_snapshot(bench: Bench) -> None:
    bench.send(call(1))
    bench.clock.set(bench.clock.now_ns() + 25 * HOUR_NS)
    upkeep = Upkeep(bench.rater)
    assert upkeep.step()
    bench.clock.set(bench.clock.now_ns() + 50 * HOUR_NS)
    assert not upkeep.step()


def test_zero_hours_take_none(bench: Bench) -> None:
    bench.flags["snapshots.every_hours"] = 0
    bench.send(call(1))
    bench.clock.set(bench.clock.now_ns() + 500 * DAY)
    assert not Upkeep(bench.rater).step()


def test_a_snapshot_that_fails_is_tried_again_in_an_hour(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    bench.send(call(1))
    bench.clock.set(bench.clock.now_ns() + 25 * HOUR_NS)
    upkeep = Upkeep(bench.rater)
    in_the_way = bench.folder.snapshots / "000000000001.new"
    in_the_way.write_bytes(b"")
    with caplog.at_level(logging.ERROR, "tollspan"):
        assert not upkeep.step()
    assert "no snapshot could be taken" in caplog.text
    in_the_way.unlink()
    assert not upkeep.step()
    bench.clock.set(bench.clock.now_ns() + HOUR_NS)
    assert upkeep.step()


def test_a_manifest_tells_when_it_was_taken(bench: Bench, tmp_path: Path) -> None:
    bench.send(call(1))
    bench.execute("snapshot")
    found = snapshot.latest(bench.folder.snapshots)
    assert found is not None
    assert found.taken_ns == bench.clock.now_ns()
    assert snapshot.latest(tmp_path / "none") is None
