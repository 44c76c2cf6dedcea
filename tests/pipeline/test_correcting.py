"""Spans, corrections, restores, copies and ends of the process in any order: one state, whatever the way to it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.extract.spans import NATIVE, OTEL
from tests.pipeline.rig import Rig, a_rig
from tests.pipeline.stories import TRACES, own, root, sendings, stories, unit, view
from tests.pipeline.test_order import check_sums, follow, journal_of
from tollspan_rater.domain.call import Call
from tollspan_rater.extract import island
from tollspan_rater.extract.correct import corrected
from tollspan_rater.extract.evidence import from_evidence
from tollspan_rater.extract.settle import settle
from tollspan_rater.pipeline import memory, settling
from tollspan_rater.store.corrections import corrections_known
from tollspan_rater.store.legs import COLUMNS, call_in, leg

CHANGES: dict[str, dict[str, Any]] = {
    "call.void": {},
    "call.amend": {"meter.input": "7", "model": "gpt-9"},
    "call.reattribute": {"customer": "zed", "tags.team": "red"},
}


@pytest.fixture(params=["whole", "islands"], autouse=True)
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Small sets are settled whole and read each time; so that islands and memory are met, they count as large."""
    if request.param == "islands":
        monkeypatch.setattr(settling, "WHOLE", 0)
        monkeypatch.setattr(memory, "LARGE", 1)
        monkeypatch.setattr(island, "SMALL", 0)


def calls_in(rig: Rig, view: str = "calls") -> list[Call]:
    names = ", ".join(f'"{name}"' for name in COLUMNS)
    return [call_in(row) for row in rig.rows(f"SELECT {names} FROM {view} ORDER BY started_ns, call_id")]  # noqa: S608 - our names


def body(calls: Sequence[Call], as_of: int, name: str, changes: dict[str, Any], **over: Any) -> dict[str, Any]:
    said = [{"call": c.call_id, "meter": c.meter, "members": list(c.members), "changes": changes} | over for c in calls]
    return {"correction": name, "wish": "w", "note": "n", "as_of": as_of, "calls_in_all": len(said), "calls": said}


def say(rig: Rig, kind: str, calls: Sequence[Call], name: str = "cr_1", **over: Any) -> int:
    changes = CHANGES.get(kind, {}) | over.pop("changes", {})
    position = rig.journal.command(kind, body(calls, rig.writer.position, name, changes, **over))
    rig.writer.catch_up()
    return position


def take_back(rig: Rig, calls: Sequence[Call], undoes: str, name: str = "cr_9") -> int:
    return say(rig, "call.restore", calls, name, undoes=undoes)


def check(rig: Rig) -> None:
    """What counts is what corrections make of what the spans say, and the legs add up to both."""
    held = rig.rows(
        "SELECT tenant, trace_id || ':' || span_id, position, evidence FROM held_spans WHERE fate = 'stored'"
    )
    came = {(tenant, member): position for tenant, member, position, _ in held}
    calls = settle([from_evidence(evidence) for *_, evidence in held])
    made = corrections_known(rig.database.reader(), "t1")
    found = corrected(calls, made, lambda tenant, member: came[tenant, member])
    for wanted, table in ((found.calls, "calls"), (found.settled, "uncorrected_calls"), (calls, "settled_calls")):
        rows = {call.call_id: leg(call, position=0, revision=0)[6:] for call in wanted}
        assert {call.call_id: leg(call, position=0, revision=0)[6:] for call in calls_in(rig, table)} == rows
    net = "SELECT call_id, sum(sign), sum(sign * input) FROM uncorrected GROUP BY ALL HAVING sum(sign) <> 0 ORDER BY 1"
    assert rig.rows(net) == rig.rows("SELECT call_id, 1, input FROM uncorrected_calls ORDER BY 1")
    check_sums(rig)


@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_any_story_with_corrections(data: st.DataObject) -> None:
    requests = data.draw(sendings(data.draw(stories(), "spans")), "requests")
    made: list[tuple[str, list[Call]]] = []
    with a_rig() as rig:
        for number in range(data.draw(st.integers(2, 8), "acts")):
            calls = calls_in(rig, "settled_calls")
            as_of = rig.writer.position
            if requests and (not calls or data.draw(st.booleans(), "send first")):
                rig.feed(*requests.pop(0))
            if calls:
                some = data.draw(
                    st.lists(st.sampled_from(calls), min_size=1, max_size=3, unique_by=lambda call: call.call_id),
                    "calls",
                )
                kind = data.draw(st.sampled_from([*CHANGES, "call.restore"]), "kind")
                name = f"cr_{number}"
                if kind == "call.restore":
                    undone, some = data.draw(st.sampled_from(made), "undone") if made else ("cr_none", some)
                    said = body(some, as_of, name, {}, undoes=undone)
                else:
                    said = body(some, as_of, name, CHANGES[kind])
                    made.append((name, some))
                rig.journal.command(kind, said)
                if data.draw(st.booleans(), "said twice"):
                    rig.journal.command(kind, said)
                rig.writer.catch_up()
            if data.draw(st.integers(0, 4), "restart") == 0:
                rig.restart()
        for spans in requests:
            rig.feed(*spans)
        check(rig)
        with a_rig(rig.journal) as again:
            follow(again, data)
            assert again.digests() == rig.digests()


def test_a_late_span_changes_what_was_not_amended() -> None:
    with a_rig(journal_of([[own(1)]])) as rig:
        rig.writer.catch_up()
        say(rig, "call.amend", calls_in(rig))
        rig.feed(root(customer="acme"))
        [call] = calls_in(rig)
        assert (call.usage.input, call.usage.output, call.model, call.customer) == (7, 5, "gpt-9", "acme")
        assert (call.quality, call.flags) == ("amended", ("amended",))
        check(rig)


@pytest.mark.parametrize("kind", CHANGES)
def test_a_correction_follows_the_call_when_a_better_view_represents_it(kind: str) -> None:
    with a_rig(journal_of([[view(1, said="resp_1", scope=OTEL)]])) as rig:
        rig.writer.catch_up()
        [before] = calls_in(rig)
        say(rig, kind, [before])
        rig.feed(view(2, TRACES[1], said="resp_1", scope=NATIVE))
        [settled] = calls_in(rig, "settled_calls")
        assert settled.call_id != before.call_id
        assert len(settled.members) == 2
        check(rig)
        if kind == "call.void":
            assert calls_in(rig) == []
        else:
            [call] = calls_in(rig)
            assert call.flags == (("amended",) if kind == "call.amend" else ("reattributed",))


def test_a_void_copy_that_proves_to_be_the_call_that_counts_takes_nothing_away() -> None:
    """Two calls of one gateway hop, one voided; then a third view ties them: one call, counted once."""
    outer, inner = view(1, said=None, scope=OTEL), view(2, TRACES[1], said="resp_1", scope=NATIVE)
    with a_rig(journal_of([[outer, inner]])) as rig:
        rig.writer.catch_up()
        [copy] = [call for call in calls_in(rig) if call.members[0].startswith(TRACES[0])]
        say(rig, "call.void", [copy])
        assert [call.members for call in calls_in(rig)] == [(f"{TRACES[1]}:{2:016x}",)]
        rig.feed(view(3, said="resp_1", scope="tollspan", parent_id=outer.span_id))
        check(rig)
        [call] = calls_in(rig)
        assert {f"{TRACES[0]}:{1:016x}", f"{TRACES[1]}:{2:016x}"} <= set(call.members)


def test_two_traces_that_prove_to_hang_together_keep_their_corrections() -> None:
    with a_rig() as rig:
        rig.feed(own(1), own(2))
        rig.feed(view(3, TRACES[1], said="resp_1"))
        for number, call in enumerate(calls_in(rig)):
            kind = "call.amend" if call.trace_ids == TRACES[:1] else "call.reattribute"
            say(rig, kind, [call], f"cr_{number}")
        rig.feed(view(4, said="resp_1", scope=NATIVE))
        rig.feed(root(customer="acme"), root(TRACES[1], customer="acme"))
        check(rig)
        both, one = calls_in(rig)
        assert (len(both.members), both.usage.input, both.customer) == (3, 7, "zed")
        assert (len(one.members), one.usage.input, one.customer) == (1, 7, "acme")


def test_taken_back_all_is_as_if_nothing_had_been_said() -> None:
    spans = [own(1), own(2), unit(3)]
    with a_rig(journal_of([spans])) as rig, a_rig(journal_of([spans])) as untouched:
        rig.writer.catch_up()
        untouched.writer.catch_up()
        calls = calls_in(rig)
        for number, kind in enumerate(CHANGES):
            say(rig, kind, calls, f"cr_{number}")
        assert calls_in(rig) == []
        for number in range(len(CHANGES)):
            take_back(rig, calls, f"cr_{number}", f"cr_back_{number}")
        assert rig.calls() == untouched.calls()
        assert rig.rows("SELECT count(*) FROM uncorrected_calls") == [(0,)]
        check(rig)


def test_said_twice_nothing_is_written_but_the_entry() -> None:
    with a_rig(journal_of([[own(1)]])) as rig:
        rig.writer.catch_up()
        said = body(calls_in(rig), 1, "cr_1", {})
        rig.journal.command("call.void", said)
        rig.writer.catch_up()
        before = rig.digests()
        rig.journal.command("call.void", said)
        rig.writer.catch_up()
        assert {name for name, digest in rig.digests().items() if digest != before[name]} == {"entries"}


def test_one_tenant_says_nothing_of_anothers_calls() -> None:
    with a_rig() as rig:
        rig.feed(own(1), tenant="t2")
        calls = calls_in(rig)
        rig.journal.command("call.void", body(calls, 1, "cr_1", {}), tenant="t1")
        rig.writer.catch_up()
        assert calls_in(rig) == calls
        assert rig.rows("SELECT count(*) FROM uncorrected") == [(0,)]
