"""The store's disk is full, breaks, or the process ends in the middle of a write: nothing is lost or doubled."""

import signal
import threading
import time
from pathlib import Path

import duckdb
import pytest

from tests.crash.fault import Fault, build
from tests.crash.memory import Entries, PlainNames
from tests.crash.process import RaterProcess
from tests.crash.traffic import SPANS_A_REQUEST, Sender, request
from tests.crash.verdict import judge
from tests.crash.windows import ENTRY
from tollspan_rater.domain.entries import Batch
from tollspan_rater.errors import StoreDeadError
from tollspan_rater.pipeline.subjects import Subjects
from tollspan_rater.pipeline.writer import Writer
from tollspan_rater.server.meaning import MEANING, reader
from tollspan_rater.store.database import Database
from tollspan_rater.store.tables import table

STRUCK_S = 40.0
LIVES_ON_S = 1.2  # longer than the writer waits before it reopens the store
FAULTS = [
    Fault(".duckdb.wal", "write", 3, 6, "ENOSPC"),
    Fault(".duckdb.wal", "sync", 2, 2, "EIO"),
    Fault(".duckdb.wal", "write", 5, 5, "kill"),
    Fault(".duckdb", "write", 2, 3, "EIO"),
    Fault(".duckdb", "sync", 3, 3, "EIO"),
    Fault(".duckdb", "write", 4, 4, "kill"),
]


def strike(rater: RaterProcess, fault: Fault, library: Path, log: Path) -> None:
    """Run a rater with a fault until all of it has struck, and a little longer; end it as the fault wants it.

    A rater that is ready lives on through errors; one that still starts may end, and say why.
    """
    rater.start("--care", "checkpoint", entry=ENTRY, environment=fault.environment(library, log))
    until = time.monotonic() + STRUCK_S
    while not log.exists() or log.stat().st_size < fault.last - fault.first + 1:
        assert time.monotonic() < until, f"{fault} did not strike:\n{rater.log[-2000:]}"
        if rater.wait_dead(0.05) is not None:
            break
    if fault.how == "kill":
        assert rater.wait_dead(STRUCK_S) == -signal.SIGKILL
    else:
        assert rater.wait_dead(LIVES_ON_S) is None or not rater.was_ready, f"{fault} ended it:\n{rater.log[-2000:]}"
        rater.kill()


def test_a_failing_disk_of_the_store_costs_nothing(tmp_path: Path) -> None:
    library = build(tmp_path)
    if library is None:
        pytest.skip("no C compiler: faults of the store's disk are NOT tested")
    rater = RaterProcess(tmp_path / "data")
    sender = Sender(rater.grpc, 7)
    sender.start()
    try:
        for number, fault in enumerate(FAULTS):
            strike(rater, fault, library, tmp_path / f"struck-{number}")
        rater.start()
        rater.wait_ready()
        log = sender.stop()
        assert rater.stop() == 0
        verdict = judge(rater.folder, log)
    finally:
        sender.give_up()
        rater.kill()
    assert verdict.holds, verdict
    assert verdict.acknowledged


def entry(position: int) -> tuple[object, ...]:
    return (position, "batch", "default", 1, "sender", 0)


def test_a_store_that_died_while_nothing_came_is_noticed_by_the_writer(tmp_path: Path) -> None:
    database = Database(tmp_path / "store.duckdb")
    writer = Writer(Entries([], []), database, reader(Subjects(PlainNames())), MEANING)
    database.reader().close()
    with pytest.raises(StoreDeadError), database.looking_up() as connection:
        connection.execute("SELECT 1")
    with pytest.raises(StoreDeadError, match="reopened"):
        writer.step()
    database.reopen()
    assert writer.step() == 0
    database.close()


def test_a_failing_look_up_is_not_the_fault_of_a_span(tmp_path: Path) -> None:
    """The step is repeated after reopening; setting the spans aside would lose their usage."""
    database = Database(tmp_path / "store.duckdb")
    batch = Batch(1, time.time_ns(), "default", "load", "otlp-proto", request(1, 1, time.time_ns()).body)
    writer = Writer(Entries([batch], []), database, reader(Subjects(PlainNames())), MEANING)
    database.reader().close()
    with pytest.raises(StoreDeadError):
        writer.step()
    database.reopen()
    writer.catch_up()
    assert database.reader().execute("SELECT count(*) FROM quarantine").fetchone() == (0,)
    assert database.reader().execute("SELECT count(*) FROM calls").fetchone() == (SPANS_A_REQUEST,)
    database.close()


def test_a_reader_of_another_thread_lives_on_over_a_reopening(tmp_path: Path) -> None:
    """Connections of before are gone, each thread gets a new one, and what was committed is there."""
    database = Database(tmp_path / "store.duckdb")
    database.append({"entries": table("entries", [entry(1)])})
    held = database.reader()
    database.reopen()
    database.append({"entries": table("entries", [entry(2)])})
    seen: list[int] = []
    thread = threading.Thread(target=lambda: seen.append(database.position()))
    thread.start()
    thread.join()
    assert (seen, database.position()) == ([2], 2)
    with pytest.raises(duckdb.ConnectionException):
        held.execute("SELECT 1")
    database.close()
    assert Database(tmp_path / "store.duckdb").position() == 2
