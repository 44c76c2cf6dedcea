"""Rows that were made ahead of their turn are the rows that the general path makes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.extract.spans import T0, a_span, chat
from tests.pipeline.rig import MemoryJournal
from tollspan import semconv
from tollspan_rater.domain.call import Extracted
from tollspan_rater.domain.entries import Batch, Entry
from tollspan_rater.domain.span import Piece, Span
from tollspan_rater.extract.evidence import sealed
from tollspan_rater.extract.extract import extract
from tollspan_rater.extract.span_rule import RulesByTenant
from tollspan_rater.pipeline import ahead
from tollspan_rater.pipeline.ahead import Ahead, Pending
from tollspan_rater.pipeline.page import page_of
from tollspan_rater.pipeline.reading import Reader
from tollspan_rater.pipeline.writer import MakePage, Writer
from tollspan_rater.server.meaning import MEANING
from tollspan_rater.store.database import Database
from tollspan_rater.store.digest import table_digests
from tollspan_rater.store.tables import table

# The last two agree in the 64 bits by which traces are found.
TRACES = ("a" * 32, "b" * 32, "c" * 16 + "e" * 16, "d" * 16 + "e" * 16)
OTHER_SCOPE = "opentelemetry.instrumentation.genai.openai"
ONE_ID = chat(10, 5, gen_ai__response__id="resp_1")
TWO_VIEWS = (a_span(ONE_ID), a_span(ONE_ID, trace_id=TRACES[1], scope=OTHER_SCOPE))  # one call in two traces
SPANS = st.builds(
    a_span,
    st.sampled_from([chat(10, 5), ONE_ID, chat(7, None), {}, {"user.id": "u"}]),
    trace_id=st.sampled_from(TRACES),
    span_id=st.sampled_from(["1" * 16, "2" * 16, "3" * 16]),
    parent_id=st.sampled_from(["", "1" * 16]),
    tenant=st.sampled_from(["t1", "t2"]),
    scope=st.sampled_from([semconv.SCOPE_NAME, OTHER_SCOPE]),
    start_ns=st.sampled_from([T0, T0 + 5, 0]),
)
BATCHES = st.lists(st.lists(SPANS, min_size=1, max_size=4), min_size=1, max_size=5)


class Requests:
    """A journal of decoded requests; ``step`` bounds how many entries one read gives."""

    def __init__(self, requests: Sequence[Sequence[Span]], step: int) -> None:
        self.requests, self.step = requests, step

    def read(self, after: int, *, max_entries: int, max_bytes: int) -> list[Entry]:
        assert max_bytes > 0
        found = enumerate(self.requests[after : after + min(self.step, max_entries)], after + 1)
        return [Batch(at, T0 + 9, spans[0].tenant, "s", "otlp-json", b"x") for at, spans in found]

    def decode(self, batch: Batch) -> list[Piece]:
        return [replace(span, tenant=batch.tenant) for span in self.requests[batch.position - 1]]


def stored(requests: Requests, folder: Path, submit: MakePage | None = None) -> dict[str, str]:
    database = Database(folder / "store.duckdb")
    Writer(requests, database, Reader(requests.decode, extract, sealed), MEANING, submit=submit).catch_up()
    digests = table_digests(database.reader())
    database.close()
    return digests


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(BATCHES, st.integers(1, 5))
@example([[TWO_VIEWS[0]], [TWO_VIEWS[1]]], 5)
@example([[TWO_VIEWS[0]], [TWO_VIEWS[1]]], 1)
@example([[*TWO_VIEWS, TWO_VIEWS[0]]], 1)
def test_pages_give_what_the_general_path_gives(batches: list[list[Span]], step: int) -> None:
    requests = Requests(batches, step)

    def general(batches: Sequence[Batch], _rules: RulesByTenant) -> Pending:
        def throws(_spans: Sequence[Extracted]) -> list[object]:
            raise LookupError

        page = page_of(batches, Reader(requests.decode, extract, sealed).read, throws, MEANING.link_of)  # type: ignore[arg-type]
        assert page.spans.num_rows == 0
        return lambda: page

    with TemporaryDirectory() as one, TemporaryDirectory() as other:
        assert stored(requests, Path(one)) == stored(requests, Path(other), general)


def test_a_value_that_no_column_takes_leaves_its_batch_to_the_general_path() -> None:
    batch = Batch(1, T0, "t1", "s", "otlp-json", b"")
    [reading] = Reader(lambda _: [a_span(chat(10, 5))], extract, sealed).read(batch)
    bad = replace(reading, ordinal=1 << 40)
    page = page_of([batch], lambda _: [reading, bad], MEANING.settle, MEANING.link_of)
    assert page.rest == (reading, bad)
    assert page.spans.equals(table("spans", ()))
    assert page.legs.equals(table("legs", ()))


def test_small_batches_share_a_page_and_large_ones_do_not(monkeypatch: pytest.MonkeyPatch) -> None:
    shared: list[list[int]] = []
    small, large = b"x" * 100, b"x" * 1000
    bodies = [small, small, large, small, large, large]
    journal = MemoryJournal([Batch(at, T0, "t1", "s", "otlp-proto", body) for at, body in enumerate(bodies, 1)])
    journal.command("customer.set", {})
    journal.raw(small)
    monkeypatch.setattr(ahead, "PAGE_BYTES", 1000)

    def submit(batches: Sequence[Batch]) -> Pending:
        shared.append([batch.position for batch in batches])
        return lambda: pytest.fail("nobody takes it")

    Ahead(journal, submit).oldest(0, 256)
    assert shared == [[1, 2, 3], [4, 5], [6], [8]]


def test_a_page_read_ahead_beyond_where_to_stop_is_cut(tmp_path: Path) -> None:
    requests = Requests([[span] for span in (*TWO_VIEWS, TWO_VIEWS[0], a_span(chat(1, 2), trace_id="f" * 32))], 5)
    reader = Reader(requests.decode, extract, sealed)
    database = Database(tmp_path / "store.duckdb")
    writer = Writer(requests, database, reader, MEANING)
    writer._ahead.oldest(0, 256)
    for until in (1, 3, 4):
        writer.catch_up(until)
        assert (writer.position, database.position()) == (until, until)
    database.close()
