"""What makes the rater itself fail costs only the piece at fault: it is kept aside, its neighbours are stored."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from tests.pipeline.rig import READER, Rig
from tests.pipeline.stories import own, root, view
from tollspan_rater.domain.call import Call, Extracted, Rejected
from tollspan_rater.domain.entries import Batch
from tollspan_rater.domain.span import Piece, Span
from tollspan_rater.extract.evidence import sealed
from tollspan_rater.extract.extract import extract
from tollspan_rater.extract.settle import settle
from tollspan_rater.ingest.decode import decode
from tollspan_rater.pipeline.batches import Meaning
from tollspan_rater.pipeline.reading import Reader
from tollspan_rater.server.meaning import MEANING

BAD = "bad"  # the name of the span at fault


def extract_throws(span: Span) -> Extracted | Rejected:
    if span.name == BAD:
        raise ZeroDivisionError("no such thing")
    return extract(span)


def changed(**fields: int) -> Callable[[Span], Extracted | Rejected]:
    """Extract with a value that no column can hold."""

    def extracted(span: Span) -> Extracted | Rejected:
        found = extract(span)
        return replace(found, **fields) if span.name == BAD and isinstance(found, Extracted) else found  # type: ignore[arg-type]

    return extracted


def settle_throws(spans: Sequence[Extracted]) -> list[Call]:
    if any(span.name == BAD for span in spans):
        raise RuntimeError("cannot settle")
    return settle(spans)


def settle_throws_on_three(spans: Sequence[Extracted]) -> list[Call]:
    """Each span alone is fine; the third one is too much."""
    if sum(span.name == BAD for span in spans) > 2:
        raise RuntimeError("cannot settle")
    return settle(spans)


def broken(extract_with: Callable[[Span], Extracted | Rejected]) -> Reader:
    return Reader(decode, extract_with, sealed)


CASES: list[tuple[str, Reader, Meaning, str]] = [
    ("extract throws", broken(extract_throws), MEANING, "ZeroDivisionError"),
    ("settle throws", READER, replace(MEANING, settle=settle_throws), "RuntimeError"),
    ("attempt beyond 32 bits", broken(changed(attempt=1 << 40)), MEANING, "Arrow"),
    ("seq beyond 64 bits", broken(changed(seq=1 << 70)), MEANING, "Error"),
    ("count beyond 64 bits", broken(changed(ttft_ms=1 << 70)), MEANING, "Error"),
]
GOOD = [own(1), own(2), root(customer="acme"), view(3, "b" * 32)]
POISON = replace(own(7, said="resp_7"), name=BAD)


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    rig = Rig(tmp_path)
    yield rig
    rig.database.close()


@pytest.fixture(params=CASES, ids=[row[0] for row in CASES])
def poisoned(request: pytest.FixtureRequest, rig: Rig) -> Rig:
    _, reader, meaning, _ = request.param
    rig.restart(reader, meaning)
    return rig


def error_of(rig: Rig) -> str:
    return str(rig.rows("SELECT error FROM quarantine ORDER BY at_position LIMIT 1")[0][0])


@pytest.mark.parametrize("how", ["one request", "one step", "one by one"])
def test_neighbours_are_stored_and_the_position_moves_on(poisoned: Rig, how: str) -> None:
    spans = [*GOOD[:2], POISON, *GOOD[2:]]
    if how == "one request":
        poisoned.journal.batch(*spans)
    for span in [] if how == "one request" else spans:
        poisoned.journal.batch(span)
        if how == "one by one":
            poisoned.writer.catch_up()
    poisoned.writer.catch_up()
    assert poisoned.writer.position == len(poisoned.journal.entries)
    assert poisoned.counts() == {"stored": 4, "quarantined": 1}
    assert poisoned.rows("SELECT sum(sign * input) FROM legs") == [(30,)]
    poisoned.restart()
    assert poisoned.writer.step() == 0
    poisoned.feed(POISON)
    assert poisoned.counts() == {"stored": 4, "quarantined": 2}
    assert poisoned.rows("SELECT DISTINCT reason FROM fates") == [("fault",)]


@pytest.mark.parametrize(("case", "reader", "meaning", "error"), CASES, ids=[row[0] for row in CASES])
def test_the_error_is_kept(rig: Rig, case: str, reader: Reader, meaning: Meaning, error: str) -> None:
    rig.restart(reader, meaning)
    rig.feed(*GOOD, POISON)
    assert error in error_of(rig)


def test_any_cut_into_steps_gives_the_same_digests(poisoned: Rig, tmp_path: Path) -> None:
    spans = [POISON, GOOD[0], POISON, GOOD[2], replace(POISON, trace_id="e" * 32), GOOD[1]]
    for span in spans:
        poisoned.feed(span)
    (tmp_path / "other").mkdir()
    other = Rig(tmp_path / "other", poisoned.journal, poisoned._reader, poisoned._meaning)
    other.writer.catch_up()
    assert other.digests() == poisoned.digests()
    other.database.close()


@pytest.mark.parametrize(("case", "reader", "meaning", "error"), CASES[:2], ids=[row[0] for row in CASES[:2]])
def test_when_the_fault_is_over_a_replay_brings_the_usage(
    rig: Rig, case: str, reader: Reader, meaning: Meaning, error: str
) -> None:
    rig.restart(reader, meaning)
    rig.feed(*GOOD, POISON)
    rig.replay("1:4")
    assert rig.counts() == {"stored": 4, "quarantined": 1}
    rig.restart(READER, MEANING)
    rig.replay("1:4")
    assert rig.counts() == {"stored": 5}
    assert rig.fates()["1:4"] == ("stored", None, None)
    assert rig.rows("SELECT sum(sign * input) FROM legs") == [(40,)]
    assert rig.rows("SELECT customer FROM calls WHERE response_id = 'resp_7'") == [("acme",)]
    rig.feed(POISON)
    assert rig.counts() == {"stored": 5, "duplicate": 1}


def test_a_value_that_was_read_wrong_is_read_again_by_a_rebuild(rig: Rig, tmp_path: Path) -> None:
    """What settlement or the store refuses is kept as its evidence, which a replay takes as it is."""
    rig.restart(broken(changed(attempt=1 << 40)))
    rig.feed(*GOOD, POISON)
    rig.restart(READER)
    rig.replay("1:4")
    assert rig.counts() == {"stored": 4, "quarantined": 1}
    (tmp_path / "again").mkdir()
    again = Rig(tmp_path / "again", rig.journal)
    again.writer.catch_up()
    assert again.counts() == {"stored": 5}
    again.database.close()


@pytest.mark.parametrize("together", [True, False])
def test_spans_that_only_together_are_too_much_lose_the_last_ones(rig: Rig, *, together: bool) -> None:
    rig.restart(READER, replace(MEANING, settle=settle_throws_on_three))
    spans = [*(replace(own(number), name=BAD) for number in range(1, 5)), own(9)]
    for request in [spans] if together else [[span] for span in spans]:
        rig.feed(*request)
    assert rig.rows("SELECT sum(sign), sum(sign * input) FROM legs") == [(3, 30)]
    assert rig.counts() == {"stored": 3, "quarantined": 2}
    assert [fate for fate, *_ in rig.fates().values()] == ["stored", "stored", "quarantined", "quarantined", "stored"]


def test_a_batch_that_cannot_be_decoded_is_one_piece(rig: Rig) -> None:
    def decode_throws(batch: Batch) -> list[Piece]:
        if batch.position == 1:
            raise MemoryError("what a batch")
        return decode(batch)

    rig.journal.batch(*GOOD)
    rig.journal.batch(own(1))
    rig.restart(Reader(decode_throws, extract, sealed))
    rig.writer.catch_up()
    assert rig.fates() == {"1:0": ("quarantined", "fault", None), "2:0": ("stored", None, None)}
    assert rig.pieces() == 2


def test_of_a_span_that_json_cannot_hold_the_ids_are_kept(rig: Rig) -> None:
    def decode_with_surrogates(batch: Batch) -> list[Piece]:
        return [replace(piece, name="\ud800") for piece in decode(batch) if isinstance(piece, Span)]

    def throws(span: Span) -> Extracted:
        raise ValueError(span.name)

    rig.restart(Reader(decode_with_surrogates, throws, sealed))
    rig.feed(own(1))
    kept = rig.rows("SELECT reason, trace_id, span_id, kept_as, raw FROM quarantine")
    assert kept == [("fault", "a" * 32, f"{1:016x}", "bytes", b"")]


def test_a_store_that_opens_on_a_poisoned_journal_catches_up(rig: Rig, tmp_path: Path) -> None:
    rig.journal.batch(GOOD[0], POISON)
    rig.journal.batch(GOOD[1])
    (tmp_path / "later").mkdir()
    late = Rig(tmp_path / "later", rig.journal, READER, replace(MEANING, settle=settle_throws))
    late.writer.catch_up()
    assert late.writer.position == 2
    assert late.counts() == {"stored": 2, "quarantined": 1}
    late.database.close()
