"""Span rules hold for the journal entries after the command that applied them, however the journal is read."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.extract.spans import OTEL, a_span, chat
from tests.pipeline.rig import READER, MemoryJournal, Rig, a_rig
from tollspan_rater.domain.entries import Batch, Entry
from tollspan_rater.domain.span import Span
from tollspan_rater.errors import StoreDeadError
from tollspan_rater.extract.rule_file import load
from tollspan_rater.extract.span_rule import RulesByTenant
from tollspan_rater.ingest.decode import decode
from tollspan_rater.pipeline.ahead import NEW_RULES, Ahead, Pending
from tollspan_rater.pipeline.page import page_of
from tollspan_rater.pipeline.rereading import reread
from tollspan_rater.pipeline.writer import Writer
from tollspan_rater.server.meaning import MEANING
from tollspan_rater.store.database import Database
from tollspan_rater.store.digest import table_digests

COUNT = "rules: [{rule: calls, meter: api_call, when: {kind: client}}]"
PAGES = "rules: [{rule: pages, meter: page, when: {name: chat}, quantity: {attribute: app.pages}}]"
NONE = "rules: []"


def apply(journal: MemoryJournal, text: str, tenant: str = "t1") -> int:
    rules = load("meters.yaml", text)
    body = {"version": rules.version, "rules": rules.body(), "file": text}
    return journal.command(NEW_RULES, body, tenant=tenant)


def a_call(number: int, **more: Any) -> Span:
    return a_span({**chat(10, 5), **more}, scope=OTEL, trace_id=f"{number:032x}", span_id=f"{number:016x}")


def units(rig: Any) -> list[tuple[str, str, Decimal]]:
    found = rig.rows("SELECT tenant, meter, quantity FROM calls WHERE kind = 'unit' ORDER BY position, tenant")
    return [(tenant, meter, quantity) for tenant, meter, quantity in found]


def test_rules_hold_for_what_comes_after_them_and_for_their_tenant() -> None:
    with a_rig() as rig:
        rig.journal.batch(a_call(1))
        apply(rig.journal, COUNT)
        rig.journal.batch(a_call(2))
        rig.journal.batch(a_call(3), tenant="t2")
        apply(rig.journal, PAGES)
        rig.journal.batch(a_call(4, **{"app.pages": 7}))
        apply(rig.journal, NONE)
        rig.journal.batch(a_call(5, **{"app.pages": 7}))
        rig.writer.catch_up()
        assert units(rig) == [("t1", "api_call", 1), ("t1", "page", 7)]
        rig.restart()
        rig.feed(a_call(6))
        apply(rig.journal, COUNT)
        rig.writer.catch_up()
        rig.restart()
        rig.feed(a_call(7))
        assert [meter for _, meter, _ in units(rig)] == ["api_call", "page", "api_call"]


def test_a_copy_under_other_rules_is_a_copy() -> None:
    with a_rig() as rig:
        rig.feed(a_call(1), a_span({}, scope="app", span_id="9" * 16))
        apply(rig.journal, COUNT)
        rig.feed(a_call(1), a_span({}, scope="app", span_id="9" * 16))
        assert [fate for fate, *_ in rig.fates().values()] == ["stored", "ignored", "duplicate", "duplicate"]
        assert units(rig) == []


def test_a_quarantined_quantity_is_read_again_by_the_rules_of_the_replay() -> None:
    with a_rig() as rig:
        apply(rig.journal, PAGES)
        position = rig.feed(a_span({"app.pages": "many"}, scope="app"))
        assert rig.rows("SELECT reason FROM quarantine") == [("bad_quantity",)]
        rig.replay(f"{position}:0")
        assert units(rig) == []
        apply(rig.journal, PAGES.replace(", quantity: {attribute: app.pages}", ""))
        rig.writer.catch_up()
        rig.replay(f"{position}:0")
        assert units(rig) == [("t1", "page", 1)]


@pytest.mark.parametrize("encoding", ["json", "proto"])
def test_decoding_keeps_what_a_rule_names_and_nothing_else(encoding: str) -> None:
    batch = _batch(encoding)
    assert dict(decode(batch)[0].attributes) == {}  # type: ignore[union-attr]
    found = decode(batch, also=frozenset({"app.pages", "gen_ai.prompt", "app.region"}))[0]
    assert isinstance(found, Span)
    assert (dict(found.attributes), dict(found.resource)) == ({"app.pages": 7}, {"app.region": "eu"})


def _batch(encoding: str) -> Batch:
    request = ExportTraceServiceRequest()
    group = request.resource_spans.add()
    group.resource.attributes.add(key="app.region").value.string_value = "eu"
    span = group.scope_spans.add().spans.add(trace_id=b"\1" * 16, span_id=b"\2" * 8, name="pages")
    span.attributes.add(key="app.pages").value.int_value = 7
    span.attributes.add(key="app.other").value.int_value = 8
    span.attributes.add(key="gen_ai.prompt").value.string_value = "secret"
    if encoding == "proto":
        return Batch(1, 1, "t1", "s", "otlp-proto", request.SerializeToString())
    body = b"""{"resourceSpans": [{"resource": {"attributes": [{"key": "app.region", "value": {"stringValue": "eu"}}]},
        "scopeSpans": [{"spans": [{"traceId": "01010101010101010101010101010101", "spanId": "0202020202020202",
        "name": "pages", "attributes": [{"key": "app.pages", "value": {"intValue": "7"}},
        {"key": "app.other", "value": {"intValue": "8"}},
        {"key": "gen_ai.prompt", "value": {"stringValue": "secret"}}]}]}]}]}"""
    return Batch(1, 1, "t1", "s", "otlp-json", body)


class Eager:
    """Makes a page when it is asked to, not when the page is wanted: what a process of its own does."""

    def submit(self, batches: Sequence[Batch], rules: RulesByTenant) -> Pending:
        page = page_of(batches, READER.under(rules).read, MEANING.settle, MEANING.link_of)
        return lambda: page


@pytest.mark.parametrize("window", ["before_commit", "after_commit"])
def test_rules_hold_after_a_failed_append_of_theirs(tmp_path: Path, window: str) -> None:
    """After COMMIT they are in the store although the writer heard an error."""
    failing = [window]

    def failpoint(name: str) -> None:
        if name in failing:
            failing.clear()
            raise OSError(28, "No space left on device")

    rig = Rig(tmp_path, failpoint=failpoint)
    apply(rig.journal, COUNT)
    rig.journal.batch(a_call(1))
    with pytest.raises(StoreDeadError):
        rig.writer.catch_up()
    rig.writer._recover()
    rig.writer.catch_up()
    assert units(rig) == [("t1", "api_call", 1)]
    rig.database.close()


def test_rules_of_a_store_that_takes_the_place_of_another_hold(tmp_path: Path) -> None:
    journal = MemoryJournal()
    apply(journal, COUNT)
    journal.batch(a_call(1))
    (tmp_path / "made").mkdir()
    with a_rig(journal) as rig:
        other = Rig(tmp_path / "made", MemoryJournal(journal.entries[:1]))
        other.writer.catch_up()
        other.database.checkpoint()
        other.database.close()
        with rig.writer.paused():
            rig.database.replace_with(other.path)
        rig.writer.catch_up()
        assert units(rig) == [("t1", "api_call", 1)]


def test_nothing_behind_new_rules_is_read_ahead_of_them() -> None:
    journal = MemoryJournal()
    for number in (1, 2):
        journal.batch(a_call(number))
    journal.command("config.set", {})
    journal.batch(a_call(3))
    apply(journal, COUNT)
    journal.batch(a_call(4))
    seen: list[int] = []

    def submit(batches: Sequence[Batch]) -> Pending:
        seen.extend(batch.position for batch in batches)
        return Eager().submit(batches, {})

    ahead = Ahead(journal, submit)
    assert _position(ahead.oldest(0, 256)) == 1
    assert ahead.take_pages(9)
    assert _position(ahead.oldest(2, 256)) == 3
    ahead.take_command()
    assert _position(ahead.oldest(3, 256)) == 4
    assert seen == [1, 2, 4]
    assert len(ahead.take_pages(9)) == 1
    assert _position(ahead.oldest(4, 256)) == 5
    assert seen == [1, 2, 4]
    assert ahead.take_command().kind == NEW_RULES
    assert _position(ahead.oldest(5, 256)) == 6
    assert seen == [1, 2, 4, 6]


def _position(entry: Entry | None) -> int:
    assert entry is not None
    return entry.position


ENTRY = st.one_of(st.sampled_from([COUNT, PAGES, NONE]), st.integers(1, 3))


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(ENTRY, min_size=1, max_size=8), st.integers(1, 5), st.integers(0, 8))
def test_any_reading_of_the_journal_gives_the_same_store(drawn: list[str | int], step: int, restart: int) -> None:
    """Pages made ahead, entries one by one, and a restart in between come to the same tables."""
    journal = MemoryJournal(step=step)
    for number, entry in enumerate(drawn):
        if isinstance(entry, str):
            apply(journal, entry, tenant=f"t{1 + number % 2}")
        else:
            spans = [a_call(10 * number + one, **{"app.pages": one}) for one in range(entry)]
            journal.batch(*spans, tenant=f"t{1 + number % 2}")
    with a_rig(journal) as rig:
        rig.writer.catch_up(until=min(restart, len(drawn)))
        rig.restart()
        rig.writer.catch_up()
        one_by_one = rig.digests()
    with a_rig(journal) as rig:
        assert _read_ahead(journal, rig.path.with_name("other.duckdb")) == one_by_one


def _read_ahead(journal: MemoryJournal, path: Path) -> dict[str, str]:
    database = Database(path)
    Writer(journal, database, READER, MEANING, submit=Eager().submit).catch_up()
    digests = table_digests(database.reader())
    database.close()
    return digests


def test_other_rules_that_count_the_same_are_no_difference_when_history_is_read_again() -> None:
    journal = MemoryJournal()
    apply(journal, COUNT)
    journal.batch(a_call(1))
    [batch] = [entry for entry in journal.entries if isinstance(entry, Batch)]
    with a_rig(journal) as rig:
        rig.writer.catch_up()
        for text, changed in ((COUNT.replace("rule: calls", "rule: other"), 0), (NONE, 1), (PAGES, 1)):
            reader = READER.under({"t1": load("meters.yaml", text)})
            found = reread([batch], (0, 1 << 62), rig.database, reader, MEANING.from_evidence)
            assert len(found.changed) == changed
