"""Any order, any cut into requests, steps and lives of the process, and any copies give the same calls."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.pipeline.rig import MemoryJournal, Rig, a_rig
from tests.pipeline.stories import conflicting, sendings, stories
from tollspan_rater.domain.span import Span
from tollspan_rater.extract import island
from tollspan_rater.extract.evidence import from_evidence
from tollspan_rater.extract.settle import settle
from tollspan_rater.pipeline import memory, settling
from tollspan_rater.store.legs import leg


@pytest.fixture(params=["whole", "islands"], autouse=True)
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Small sets are settled whole and read each time; so that islands and memory are met, they count as large."""
    if request.param == "islands":
        monkeypatch.setattr(settling, "WHOLE", 0)
        monkeypatch.setattr(memory, "LARGE", 1)
        monkeypatch.setattr(island, "SMALL", 0)


few = settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))


def journal_of(requests: Sequence[Sequence[Span]]) -> MemoryJournal:
    journal = MemoryJournal()
    for spans in requests:
        journal.batch(*spans)
    return journal


def follow(rig: Rig, data: st.DataObject) -> None:
    """Apply the journal in steps of drawn sizes, with drawn ends of the process between them."""
    while rig.writer.position < len(rig.journal.entries):
        rig.journal.step = data.draw(st.integers(1, 4), "step")
        rig.writer.step()
        if data.draw(st.integers(0, 5), "restart") == 0:
            rig.restart()


def check(rig: Rig) -> None:
    """The calls are what the holding spans settle to; what ``check_sums`` checks holds, too."""
    held = rig.rows("SELECT evidence FROM held_spans WHERE fate = 'stored'")
    calls = settle([from_evidence(evidence) for (evidence,) in held])
    wanted = {call.call_id: leg(call, position=0, revision=0)[6:] for call in calls}
    assert {row[1]: row[6:] for row in rig.rows("SELECT * FROM calls")} == wanted
    check_sums(rig)


def check_sums(rig: Rig) -> None:
    """The legs sum to the calls, and each piece has one fate."""
    net = (
        "SELECT call_id, customer, sum(sign), sum(sign * input), sum(sign * output), sum(sign * quantity) "
        "FROM legs GROUP BY ALL HAVING sum(sign) <> 0 ORDER BY ALL"
    )
    as_they_stand = "SELECT call_id, customer, 1, input, output, quantity FROM calls ORDER BY ALL"
    assert rig.rows(net) == rig.rows(as_they_stand)
    assert sum(rig.counts().values()) == rig.pieces() == len(rig.fates())
    [(holding,)] = rig.rows("SELECT count(DISTINCT (tenant, trace_id, span_id)) FROM spans")
    assert rig.counts().get("stored", 0) + rig.counts().get("ignored", 0) == holding


@few
@given(st.data())
def test_order_copies_batches_and_restarts_change_nothing(data: st.DataObject) -> None:
    spans = data.draw(stories(), "spans")
    with a_rig(journal_of([spans])) as once, a_rig(journal_of(data.draw(sendings(spans), "requests"))) as other:
        once.writer.catch_up()
        follow(other, data)
        check(once)
        check(other)
        assert other.calls() == once.calls()
        assert "conflict" not in other.counts()


@few
@given(st.data())
def test_how_the_journal_is_cut_into_steps_leaves_no_trace(data: st.DataObject) -> None:
    spans = data.draw(stories(), "spans")
    spans += [conflicting(span) for span in spans if data.draw(st.booleans(), "conflict")]
    requests = data.draw(sendings(spans), "requests")
    with a_rig(journal_of(requests)) as one_by_one, a_rig(journal_of(requests)) as other:
        one_by_one.journal.step = 1
        while one_by_one.writer.step():
            check(one_by_one)
        follow(other, data)
        assert other.digests() == one_by_one.digests()


@few
@given(st.data())
def test_of_conflicting_versions_the_first_one_in_the_journal_holds(data: st.DataObject) -> None:
    spans = [span for span in data.draw(stories(), "spans") if "logfire.span_type" not in span.attributes]
    changed = [conflicting(span) for span in spans if "gen_ai.usage.input_tokens" in span.attributes]
    with a_rig(journal_of([spans])) as alone, a_rig() as rig:
        alone.writer.catch_up()
        rig.feed(*spans, *changed)
        for request in data.draw(sendings(changed), "requests"):
            rig.feed(*request)
        assert rig.calls() == alone.calls()
        assert rig.counts().get("conflict", 0) == rig.pieces() - len(spans)
