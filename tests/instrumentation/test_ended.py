"""A process that is killed with calls under way leaves behind how many records it would have made."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
from tests.instrumentation.conftest import decoded
from tests.instrumentation.test_spool import drained, files, frame, frames, spool_in

from tollspan import ended
from tollspan.export import request
from tollspan.frame import framed
from tollspan.process import Process
from tollspan.segment import Expected
from tollspan.sender import Sender
from tollspan.spool import Limits, Spool

ID = "ab" * 8


def spool_of(folder: Path, process_id: str = ID, **limits: int) -> Spool:
    return Spool((folder,), b"", Limits(**limits), process_id=process_id)


def killed(spool: Spool) -> None:
    """Leave a spool as a kill does: its files are closed, and nobody has tidied up."""
    spool.forget()


def test_a_process_expects_as_many_numbers_as_there_were_and_calls_are_without() -> None:
    told: list[int] = []
    process = Process("p", told.append)
    first, second = process.begin(), process.begin()
    assert first.number() == ("p", 1)
    third = process.begin()
    first.leave()
    third.leave()  # made no record
    assert [second.number() for _ in range(3)] == [("p", 2), ("p", 3), ("p", 4)]
    fourth = process.begin()
    second.leave()
    fourth.leave()
    assert told == [1, 2, 3, 2, 5, 0]


def test_threads_agree_on_what_is_expected() -> None:
    told: list[int] = []
    process = Process("p", told.append)

    def call() -> None:
        for _ in range(200):
            place = process.begin()
            place.number()
            place.leave()

    threads = [threading.Thread(target=call) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert process.number() == ("p", 801)
    assert (told[-1], max(told) <= 804) == (0, True)


@pytest.mark.parametrize("written", [0, 2])
def test_what_was_expected_is_told_once_behind_what_was_written(tmp_path: Path, written: int) -> None:
    spool = spool_of(tmp_path)
    spool.expect(3, 1_000)
    for number in range(written):
        spool.append(framed(frame(number)))
    killed(spool)
    following = spool_in(tmp_path)
    assert following.adopt()
    found = drained(following)
    assert found == [*frames(*range(written)), ended.encoded(Expected(ID, 3, 1_000))]
    assert files(tmp_path) == []


def test_it_is_told_again_until_it_has_arrived(tmp_path: Path) -> None:
    spool = spool_of(tmp_path)
    spool.expect(1, 1_000)
    killed(spool)
    for _ in range(2):
        following = spool_in(tmp_path)
        assert following.adopt()
        batch = following.read(9)
        assert batch is not None
        assert (batch.ended, batch.own, len(batch.frames)) == (True, False, 1)
        following.close()
    last = spool_in(tmp_path)
    assert last.adopt()
    assert drained(last) == [ended.encoded(Expected(ID, 1, 1_000))]


def test_only_the_last_file_of_a_process_tells(tmp_path: Path) -> None:
    spool = spool_of(tmp_path, segment_bytes=60)
    for number in range(9):
        spool.expect(number + 1, 1_000)
        spool.append(framed(frame(number)))
    assert len(files(tmp_path)) > 2
    killed(spool)
    following = spool_in(tmp_path)
    following.adopt()
    assert [one for one in drained(following) if one not in frames(*range(9))] == [
        ended.encoded(Expected(ID, 9, 1_000))
    ]


def test_an_end_in_order_tells_nothing_and_calls_that_go_on_behind_it_do(tmp_path: Path) -> None:
    spool = spool_of(tmp_path)
    spool.expect(1, 1_000)
    spool.append(framed(frame(1)))
    spool.expect(0, 2_000)
    drained(spool)
    spool.close()
    assert files(tmp_path) == []
    spool.expect(2, 3_000)
    spool.close()
    following = spool_in(tmp_path)
    assert following.adopt()
    assert drained(following) == [ended.encoded(Expected(ID, 2, 3_000))]


def test_it_becomes_a_span_that_is_no_record_and_always_the_same() -> None:
    (span,) = decoded(request(b"", [ended.encoded(Expected(ID, 7, 1_000))]))
    assert (span.name, span.scope, span["tollspan.process.id"], span["tollspan.seq"]) == (
        "process ended",
        "tollspan",
        ID,
        7,
    )
    assert (len(span.trace_id), len(span.span_id), span.start_ns, span.end_ns) == (32, 16, 1_000, 1_000)
    assert ended.encoded(Expected(ID, 8, 1_000)) != ended.encoded(Expected(ID, 7, 1_000))


def test_it_is_not_counted_among_the_records_that_were_adopted(tmp_path: Path) -> None:
    spool = spool_of(tmp_path)
    spool.expect(2, 1_000)
    spool.append(framed(frame(1)))
    killed(spool)
    bodies: list[bytes] = []

    def post(body: bytes) -> Any:
        bodies.append(body)
        return 200, b""

    sender = Sender(post, {}, spool_in(tmp_path))
    assert sender.flush(5)
    sender.close(1)
    assert (sender.stats().adopted, len(bodies)) == (1, 2)
