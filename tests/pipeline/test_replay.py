"""A replay reads what is in quarantine again, once, and only that."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import orjson
import pytest

from tests.extract.spans import SECOND
from tests.pipeline.rig import NOW, READER, Rig
from tests.pipeline.stories import PYDANTIC, conflicting, own, partial, view
from tollspan_rater.domain.call import Extracted, Rejected
from tollspan_rater.domain.span import Span
from tollspan_rater.extract.evidence import sealed
from tollspan_rater.ingest.decode import decode
from tollspan_rater.pipeline.reading import Reader

HOUR = 3600 * SECOND
AHEAD = replace(own(1), start_ns=NOW + HOUR, end_ns=NOW + HOUR + SECOND)


def throws(span: Span) -> Extracted | Rejected:
    raise ZeroDivisionError(span.span_id)


BROKEN = Reader(decode, throws, sealed)


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    rig = Rig(tmp_path)
    yield rig
    rig.database.close()


def quarantined(rig: Rig, *spans: Span) -> None:
    """Put spans aside by a fault that is mended afterwards."""
    rig.restart(BROKEN)
    rig.feed(*spans)
    rig.restart(READER)


def test_a_future_span_is_taken_when_its_time_has_come(rig: Rig) -> None:
    rig.feed(AHEAD)
    rig.replay("1:0", at_ns=NOW + 60 * SECOND)
    assert rig.fates()["1:0"] == ("quarantined", "future", None)
    rig.replay("1:0", at_ns=NOW + HOUR)
    assert rig.fates()["1:0"] == ("stored", None, None)
    assert rig.rows("SELECT late FROM spans") == [(False,)]


@pytest.mark.parametrize("span", [replace(own(1), start_ns=0), replace(own(1), span_id="12")], ids=["time", "id"])
def test_what_is_still_wrong_stays_and_keeps_its_bytes(rig: Rig, span: Span) -> None:
    rig.feed(span)
    before = rig.fates()
    kept = rig.rows("SELECT reason, error, kept_as, raw FROM quarantine")
    for _ in range(3):
        rig.replay("1:0")
    assert rig.fates() == before
    assert rig.rows("SELECT reason, error, kept_as, raw FROM quarantine") == kept
    assert rig.counts() == {"quarantined": rig.pieces()}


def test_damaged_bytes_that_look_like_a_span_stay_bytes(rig: Rig) -> None:
    """An OTLP/JSON span without ids, whose other members have the names that a kept span has."""
    forged = {"tenant": "t2", "trace_id": "a" * 32, "attributes": [], "role": "call", "ro": "call", "start_ns": "x"}
    rig.journal.raw(orjson.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [forged]}]}]}))
    rig.writer.catch_up()
    rig.replay("1:0")
    assert rig.writer.position == 2
    assert rig.counts() == {"quarantined": 1}


@pytest.mark.parametrize("raw", [b"", b"{}", b"[1]", b"\xff"])
@pytest.mark.parametrize("kept_as", ["span", "evidence"])
def test_what_was_kept_and_cannot_be_read_stays(rig: Rig, kept_as: str, raw: bytes) -> None:
    rig.restart(BROKEN)
    rig.feed(own(1))
    rig.database._writer.execute("UPDATE quarantine SET kept_as = ?, raw = ?", [kept_as, raw])
    rig.replay("1:0")
    assert rig.writer.position == 2
    assert rig.rows("SELECT kept_as, raw FROM quarantine") == [(kept_as, raw)] * 2
    assert rig.fates()["1:0"][:2] == ("quarantined", "fault")


def test_a_second_replay_of_a_piece_that_is_stored_changes_nothing(rig: Rig) -> None:
    quarantined(rig, own(1))
    for _ in range(2):
        rig.journal.replay("1:0", "1:0")  # two commands made before either was applied
    rig.writer.catch_up()
    assert rig.fates() == {"1:0": ("stored", None, None)}
    assert rig.rows("SELECT count(*) FROM spans") == [(1,)]
    assert rig.rows("SELECT sum(sign * input) FROM legs") == [(10,)]


@pytest.mark.parametrize("names", [[], ["9:9"], ["x"], ["1:0:0"]])
def test_names_that_are_not_in_quarantine_are_passed_over(rig: Rig, names: list[str]) -> None:
    rig.feed(own(1))
    before = rig.fates()
    rig.replay(*names)
    assert rig.fates() == before
    assert rig.writer.position == 2


def test_a_tenant_replays_only_its_own(rig: Rig) -> None:
    quarantined(rig, own(1))
    rig.journal.command("quarantine.replay", {"pieces": ["1:0"]}, tenant="t2")
    rig.writer.catch_up()
    assert rig.counts() == {"quarantined": 1}


@pytest.mark.parametrize("spans", [[partial(1), view(1, scope=PYDANTIC)], [view(1, scope=PYDANTIC), partial(1)]])
def test_both_versions_of_a_span_in_one_replay(rig: Rig, spans: list[Span]) -> None:
    quarantined(rig, *spans)
    rig.replay("1:0", "1:1")
    assert rig.counts() == {"stored": 1, "superseded": 1}
    assert rig.rows("SELECT input, output FROM calls") == [(10, 5)]


def test_a_replayed_piece_comes_after_what_was_stored_meanwhile(rig: Rig) -> None:
    quarantined(rig, own(1), partial(2), view(3, scope=PYDANTIC))
    rig.feed(conflicting(own(1)), view(2, scope=PYDANTIC), partial(3))
    rig.replay("1:0", "1:1", "1:2")
    assert rig.fates() == {
        "1:0": ("conflict", "same key, other evidence", "2:0"),
        "1:1": ("superseded", "a final version came before", "2:1"),
        "1:2": ("stored", None, None),
        "2:0": ("stored", None, None),
        "2:1": ("stored", None, None),
        "2:2": ("superseded", "a final version came", "1:2"),
    }
    rig.restart()
    rig.feed(conflicting(own(1)), view(3, scope=PYDANTIC))
    assert rig.fates()["4:0"] == ("duplicate", None, "2:0")
    assert rig.fates()["4:1"] == ("duplicate", None, "1:2")


def test_a_rebuild_of_the_journal_gives_the_same_digests(rig: Rig, tmp_path: Path) -> None:
    rig.feed(AHEAD, replace(own(2), start_ns=0), own(3))
    rig.replay("1:0", "1:1", at_ns=NOW + HOUR)
    rig.feed(AHEAD, own(3))
    (tmp_path / "again").mkdir()
    again = Rig(tmp_path / "again", rig.journal)
    again.writer.catch_up()
    assert again.digests() == rig.digests()
    again.database.close()
