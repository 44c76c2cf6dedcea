"""History read again with other tables: what changes, when it holds, and that nothing else does."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import permutations
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.extract.spans import OTEL, SECOND, T0
from tests.pipeline.rig import READER, Rig, a_rig
from tests.pipeline.stories import PYDANTIC, TRACES, conflicting, own, partial, root, sendings, stories, view
from tests.pipeline.test_order import check_sums, journal_of
from tollspan_rater.domain.call import Call, Extracted, Rejected
from tollspan_rater.domain.entries import Batch
from tollspan_rater.domain.fates import Role
from tollspan_rater.domain.span import Span
from tollspan_rater.domain.usage import Usage
from tollspan_rater.extract.evidence import sealed
from tollspan_rater.extract.extract import extract
from tollspan_rater.ingest.decode import decode
from tollspan_rater.pipeline.batches import Meaning
from tollspan_rater.pipeline.reading import Reader
from tollspan_rater.pipeline.rereading import Reread, reread
from tollspan_rater.server.meaning import MEANING
from tollspan_rater.store.lookup import held_versions, spans_of_traces

EVER = (0, 1 << 63)
Change = Callable[[Extracted], Extracted | Rejected]


def tables(change: Change) -> Reader:
    """A reader whose tables read every span as ``change`` says."""

    def changed(span: Span) -> Extracted | Rejected:
        found = extract(span)
        return found if isinstance(found, Rejected) else change(found)

    return Reader(decode, changed, sealed)


def _doubled(span: Extracted) -> Extracted:
    """What a dialect that left the cache out would have had to read."""
    if span.scope not in {OTEL, PYDANTIC} or span.usage.input is None:
        return span
    return replace(span, usage=replace(span.usage, input=2 * span.usage.input), dialect="otel@9")


def _unheard(span: Extracted) -> Extracted:
    return replace(span, role=Role.NONE, usage=Usage(), said={}) if span.scope == OTEL else span


def _without_ids(span: Extracted) -> Extracted:
    return replace(span, response_id=None)


def _heard(span: Extracted) -> Extracted:
    return replace(span, role=Role.CONTEXT, said={"customer": "initech"}) if not span.parent_id else span


CHANGES: dict[str, Change] = {
    "numbers": _doubled, "no usage": _unheard, "ids": _without_ids, "attribution": _heard,
}  # fmt: skip


def found_by(rig: Rig, reader: Reader, span_ns: tuple[int, int] = EVER, step: int = 100) -> Iterator[Reread]:
    """Read the journal of a store again, some requests at a time."""
    batches = [entry for entry in rig.journal.entries if isinstance(entry, Batch)]
    for at in range(0, len(batches), step):
        yield reread(batches[at : at + step], span_ns, rig.database, reader, MEANING.from_evidence)


def reextract(rig: Rig, reader: Reader, step: int = 100) -> list[int]:
    """Bring what a reader finds into force; return the positions of the commands."""
    positions = []
    for found in found_by(rig, reader, step=step):
        if found.changed:
            positions.append(rig.journal.command("reextract", found.body()))
            rig.writer.catch_up()
    return positions


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    rig = Rig(tmp_path)
    yield rig
    rig.database.close()


few = settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


@few
@given(st.data())
def test_with_unchanged_tables_there_is_nothing_to_change(data: st.DataObject) -> None:
    spans = data.draw(stories(), "spans")
    odd = [conflicting(span) for span in spans[:1]] + [replace(span, start_ns=0, end_ns=0) for span in spans[1:2]]
    with a_rig(journal_of(data.draw(sendings([*spans, *odd]), "requests"))) as rig:
        rig.writer.catch_up()
        for found in found_by(rig, READER):
            assert not found.changed
            assert not found.refused
            assert [(found.read,)] == rig.rows("SELECT count(*) FROM spans")


@few
@given(st.data())
def test_afterwards_all_is_as_if_the_tables_had_always_been_there(data: st.DataObject) -> None:
    reader = tables(CHANGES[data.draw(st.sampled_from(sorted(CHANGES)), "change")])
    requests = data.draw(sendings(data.draw(stories(), "spans")), "requests")
    with a_rig(journal_of(requests)) as rig, a_rig(journal_of(requests), reader=reader) as fresh:
        rig.writer.catch_up()
        fresh.writer.catch_up()
        positions = reextract(rig, reader, step=data.draw(st.integers(1, 3), "requests at a time"))
        rig.restart(reader)
        assert rig.calls() == fresh.calls()
        check_sums(rig)
        assert not any(found.changed for found in found_by(rig, reader))
        assert {row[0] for row in rig.rows("SELECT position FROM legs WHERE sign = -1 AND position > ?", len(requests))
                } <= set(positions)  # fmt: skip
        rig.feed(*(span for spans in requests for span in spans))
        assert rig.calls() == fresh.calls(), "copies of what was read again are copies"


@pytest.mark.parametrize("change", sorted(CHANGES))
def test_a_large_trace_read_again_is_settled_as_if_it_had_come_so(rig: Rig, change: str) -> None:
    """More spans than are settled as a whole, or kept in no memory: in three requests, read again one at a time."""
    spans = [root(customer="acme")]
    for number in range(1, 280, 2):
        outer = view(number, said=f"resp_{number}", start_ns=T0 + number * SECOND)
        spans += [outer, own(number + 1, parent_id=outer.span_id, said=f"resp_{number}", start_ns=outer.start_ns)]
    for at in range(0, len(spans), 100):
        rig.feed(*spans[at : at + 100])
    reader = tables(CHANGES[change])
    with a_rig(journal_of([spans]), reader=reader) as fresh:
        fresh.writer.catch_up()
        reextract(rig, reader, step=1)
        assert rig.calls() == fresh.calls()
    check_sums(rig)


def test_a_rebuild_with_the_new_tables_finds_the_commands_done(rig: Rig, tmp_path: Path) -> None:
    rig.feed(view(1), own(2, TRACES[1]))
    reader = tables(_doubled)
    reextract(rig, reader)
    (tmp_path / "again").mkdir()
    again = Rig(tmp_path / "again", rig.journal, reader)
    again.writer.catch_up()
    assert again.calls() == rig.calls()
    assert again.rows("SELECT count(*) FROM spans") == [(2,)]
    again.database.close()


@pytest.mark.parametrize("step", [1, 256])
def test_the_journal_alone_tells_what_a_store_of_the_old_tables_becomes(rig: Rig, tmp_path: Path, step: int) -> None:
    """The command holds the evidence: neither the bytes nor the new tables are needed to apply it."""
    rig.feed(view(1), root())
    rig.feed(view(2, said="resp_1"), partial(3))
    reextract(rig, tables(_doubled))
    rig.feed(view(3, scope=PYDANTIC))
    (tmp_path / "again").mkdir()
    rig.journal.step = step
    again = Rig(tmp_path / "again", rig.journal)
    again.writer.catch_up()
    assert again.digests() == rig.digests()
    again.database.close()


def test_a_changed_call_is_revised_at_the_position_of_the_command(rig: Rig) -> None:
    rig.feed(view(1), own(2, TRACES[1]))
    reextract(rig, tables(_doubled))
    rows = rig.rows("SELECT position, sign, revision, input, dialect FROM legs ORDER BY position, revision, sign")
    read_by = rows[2][4]
    assert sorted(rows[:2]) == sorted([(1, 1, 1, 10, read_by), (1, 1, 1, 10, "tollspan@1")])
    assert rows[2:] == [(2, -1, 1, 10, read_by), (2, 1, 2, 20, "otel@9")]
    assert rig.fates() == {"1:0": ("stored", "read again", None), "1:1": ("stored", None, None)}
    assert rig.rows("SELECT count(*) FROM held_spans") == [(2,)]


def test_the_newest_row_of_a_span_holds_whatever_order_rows_come_in(rig: Rig) -> None:
    rig.feed(partial(1), view(1, scope=PYDANTIC), partial(2))
    reextract(rig, tables(_doubled))
    rows = spans_of_traces(rig.database, {row[0] for row in rig.rows("SELECT trace_key FROM spans")})
    assert len(rows) == 5
    for order in permutations(rows):
        found = held_versions(order).values()
        assert {(span.ordinal, span.at_position, span.final) for span in found} == {(1, 2, True), (2, 2, False)}
    of_older_release = [replace(span, at_position=None) for span in rows if span.at_position == 1]
    for order in permutations(of_older_release):
        assert {span.ordinal for span in held_versions(order).values()} == {1, 2}


def test_what_was_silent_may_speak_and_the_reverse(rig: Rig) -> None:
    rig.restart(tables(_unheard))
    rig.feed(view(1))
    assert rig.counts() == {"ignored": 1}
    reextract(rig, READER)
    assert rig.counts() == {"stored": 1}
    assert rig.rows("SELECT input FROM calls") == [(10,)]
    reextract(rig, tables(_unheard))
    assert rig.counts() == {"ignored": 1}
    assert rig.rows("SELECT input FROM calls") == []
    check_sums(rig)


def test_a_new_version_of_a_dialect_that_reads_the_same_is_no_change(rig: Rig) -> None:
    rig.feed(view(1))
    [found] = found_by(rig, tables(lambda span: replace(span, dialect="otel@9")))
    assert (found.changed, found.read, found.refused) == ({}, 1, 0)


def test_what_the_tables_refuse_now_keeps_what_was_read(rig: Rig) -> None:
    rig.feed(view(1), own(2))
    [found] = found_by(rig, tables(lambda span: Rejected("bad_usage", "no") if span.scope == OTEL else span))
    assert (found.changed, found.read, found.refused) == ({}, 2, 1)


def test_only_spans_of_the_asked_time_are_read(rig: Rig) -> None:
    rig.feed(*(view(number, start_ns=T0 + number * SECOND) for number in (1, 2, 3)))
    [found] = found_by(rig, tables(_doubled), (T0 + 2 * SECOND, T0 + 3 * SECOND))
    assert (list(found.changed), found.read) == (["1:1"], 1)


def test_copies_conflicts_and_outdated_versions_are_left_alone(rig: Rig) -> None:
    final = view(1, scope=PYDANTIC)
    rig.feed(partial(1), final, final, conflicting(final))
    before = rig.fates()
    held = next(name for name, (fate, *_) in before.items() if fate == "stored")
    [found] = found_by(rig, tables(_doubled))
    assert list(found.changed) == [held]
    assert sorted(fate for fate, *_ in before.values()) == ["conflict", "duplicate", "stored", "superseded"]
    reextract(rig, tables(_doubled))
    assert rig.fates() == before | {held: ("stored", "read again", None)}


def test_a_final_version_that_came_meanwhile_is_not_overwritten(rig: Rig) -> None:
    rig.feed(partial(1))
    [found] = found_by(rig, tables(lambda span: replace(span, usage=Usage(input=77))))
    rig.feed(view(1, scope=PYDANTIC))
    rig.journal.command("reextract", found.body())
    rig.writer.catch_up()
    assert rig.rows("SELECT input, output FROM calls") == [(10, 5)]
    assert rig.fates()["1:0"][0] == "superseded"


def test_a_pending_version_read_again_still_gives_way(rig: Rig) -> None:
    rig.feed(partial(1))
    reextract(rig, tables(lambda span: replace(span, usage=Usage(input=77))))
    assert rig.rows("SELECT input FROM calls") == [(77,)]
    rig.feed(view(1, scope=PYDANTIC))
    assert rig.rows("SELECT input FROM calls") == [(10,)]
    assert rig.counts() == {"stored": 1, "superseded": 1}


def test_a_tenant_reads_only_its_own_again(rig: Rig) -> None:
    rig.feed(view(1))
    [found] = found_by(rig, tables(_doubled))
    rig.journal.command("reextract", found.body(), tenant="t2")
    rig.writer.catch_up()
    assert rig.rows("SELECT input FROM calls") == [(10,)]
    assert rig.rows("SELECT count(*) FROM spans") == [(1,)]


def test_where_settlement_fails_on_a_new_reading_the_old_one_stays(rig: Rig) -> None:
    rig.feed(view(1), view(2, TRACES[1]))

    def settle(spans: Sequence[Extracted]) -> list[Call]:
        if any(span.usage.input == 20 and span.span_id.endswith("1") for span in spans):
            raise ZeroDivisionError
        return MEANING.settle(spans)

    rig.restart(meaning=Meaning(settle, MEANING.link_of, MEANING.from_evidence))
    reextract(rig, tables(_doubled))
    assert sorted(rig.rows("SELECT input FROM calls")) == [(10,), (20,)]
    assert rig.counts() == {"stored": 2}
    assert rig.writer.position == 2


def test_a_trial_shows_what_would_be_and_leaves_nothing(rig: Rig) -> None:
    rig.feed(view(1))
    before = rig.digests()
    [found] = found_by(rig, tables(_doubled))
    position = rig.journal.command("reextract", found.body())
    with rig.database.trial() as trial:
        rig.try_on(trial, position)
        assert trial.reader().execute("SELECT input FROM calls").fetchall() == [(20,)]
        assert rig.rows("SELECT input FROM calls") == [(10,)]
    assert rig.digests() == before
    rig.writer.catch_up()
    assert rig.rows("SELECT input FROM calls") == [(20,)]
