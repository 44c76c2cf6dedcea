"""Which call a span belongs to, as spans come one after the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from tests.extract.spans import NATIVE, SECOND, T0
from tests.pipeline.rig import Rig
from tests.pipeline.stories import PYDANTIC, TRACES, own, partial, root, view
from tollspan_rater.domain.span import Span
from tollspan_rater.store.lookup import link_key, spans_of_traces, traces_of_links

A, B, C = TRACES


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    rig = Rig(tmp_path)
    yield rig
    rig.database.close()


def standing(rig: Rig) -> list[tuple[object, ...]]:
    return rig.rows("SELECT len(members), len(trace_ids), input, customer FROM calls ORDER BY started_ns, call_id")


@pytest.mark.parametrize("together", [True, False], ids=["one request", "two requests"])
def test_a_better_view_changes_the_id_and_the_old_one_nets_to_zero(rig: Rig, *, together: bool) -> None:
    framework, ours = view(1, A, said="resp_1"), own(2, B, said="resp_1")
    rig.feed(framework)
    [(old,)] = rig.rows("SELECT call_id FROM calls")
    if together:
        rig.feed(ours, root(B, "acme"))
    else:
        rig.feed(ours)
        rig.feed(root(B, "acme"))
    [(new, members)] = rig.rows("SELECT call_id, members FROM calls")
    assert new != old
    assert members == [f"{B}:{2:016x}", f"{A}:{1:016x}"]
    assert rig.rows("SELECT sum(sign), sum(sign * input) FROM legs WHERE call_id = ?", old) == [(0, 0)]
    [(first_member,)] = rig.rows("SELECT any_value(members[1]) FROM legs WHERE call_id = ?", old)
    assert first_member in members  # how `explain OLD` finds the new call


def test_a_call_of_two_traces_is_found_through_either_of_them(rig: Rig) -> None:
    """The booked legs lie under the representing member's trace; the root of the other one comes last."""
    rig.feed(own(1, A, said="resp_1"))
    rig.feed(view(2, B, said="resp_1"))
    rig.restart()
    rig.feed(root(B, "acme"))
    assert standing(rig) == [(2, 2, 10, "acme")]
    rig.restart()
    rig.feed(root(A, "globex"))
    assert [row[:3] for row in standing(rig)] == [(2, 2, 10)]
    assert rig.rows("SELECT sum(sign), sum(sign * input) FROM legs") == [(1, 10)]


def test_a_chain_of_ids_is_followed_to_its_end(rig: Rig) -> None:
    """A new span in one trace touches what hangs on it over two other traces."""
    rig.feed(own(1, A, said="resp_1"), own(2, B, said="resp_2"))
    rig.feed(view(3, C, said="resp_1"))
    rig.feed(view(4, C, said="resp_2"))
    assert standing(rig) == [(2, 2, 10, None)] * 2
    rig.feed(root(A, "acme"))
    assert {row[3] for row in standing(rig)} == {"acme", None}
    assert rig.rows("SELECT sum(sign * input) FROM legs") == [(20,)]


@pytest.mark.parametrize("restart", [True, False])
def test_a_final_version_without_the_id_gives_the_other_trace_its_call_back(rig: Rig, *, restart: bool) -> None:
    """Only the pending version tied the traces, and it holds no more."""
    rig.feed(view(1, B, said="resp_1", scope=NATIVE))
    rig.feed(partial(2, A, said="resp_1"))
    assert [row[:2] for row in standing(rig)] == [(2, 2)]
    if restart:
        rig.restart()
    rig.feed(view(2, A, said="resp_2", scope=PYDANTIC))
    assert standing(rig) == [(1, 1, 10, None)] * 2
    assert rig.rows("SELECT sum(sign * input) FROM legs") == [(20,)]


@pytest.mark.parametrize("at_once", [True, False])
def test_a_weak_id_ties_nothing_even_between_traces_that_hang_together(rig: Rig, *, at_once: bool) -> None:
    spans = [view(1, A, said="chatcmpl-7"), view(2, B, said="chatcmpl-7", scope=NATIVE)]
    spans += [view(3, A, said="resp_1"), own(4, B, said="resp_1")]
    for part in [spans] if at_once else [[span] for span in spans]:
        rig.feed(*part)
    assert sorted(row[0] for row in standing(rig)) == [1, 1, 2]


def test_a_late_root_moves_the_usage_to_its_customer_at_the_service_time(rig: Rig) -> None:
    call = own(1)
    rig.feed(call)
    late = rig.feed(root(customer="acme"))
    legs = rig.rows("SELECT sign, customer, started_ns, input, position FROM legs ORDER BY position, sign")
    assert legs == [
        (1, None, call.start_ns, 10, 1),
        (-1, None, call.start_ns, 10, late),
        (1, "acme", call.start_ns, 10, late),
    ]


REUSED: list[tuple[str, Sequence[Span]]] = [
    ("one scope twice", [view(1, A, said="resp_1"), view(2, B, said="resp_1")]),
    ("two records of ours", [own(1, A, said="resp_1"), own(2, B, said="resp_1")]),
    (
        "an hour apart",
        [
            own(1, A, said="resp_1"),
            view(2, B, said="resp_1", start_ns=T0 + 3600 * SECOND, end_ns=T0 + 3601 * SECOND),
        ],
    ),
]


@pytest.mark.parametrize(("case", "spans"), REUSED, ids=[row[0] for row in REUSED])
def test_the_same_id_without_the_signs_of_one_call_is_two_calls_and_counted(
    rig: Rig, case: str, spans: Sequence[Span]
) -> None:
    for span in spans:
        rig.feed(span, received_ns=T0 + 7200 * SECOND)
    assert rig.rows("SELECT count(*), sum(input) FROM calls WHERE list_contains(flags, 'id_reuse')") == [(2, 20)]


def test_tenants_with_the_same_spans_never_meet(rig: Rig) -> None:
    spans = [own(1, A, said="resp_1"), view(2, B, said="resp_1"), root(A, "acme")]
    for tenant in ("t1", "t2"):
        rig.journal.batch(*spans, tenant=tenant)
    assert rig.writer.step() == 2
    assert rig.rows("SELECT tenant, input, customer FROM calls ORDER BY ALL") == [
        ("t1", 10, "acme"),
        ("t2", 10, "acme"),
    ]
    assert rig.counts() == {"stored": 6}
    rig.feed(root(B, "globex"), tenant="t2")
    assert rig.rows("SELECT count(DISTINCT call_id), count(*) FROM calls") == [(2, 2)]
    assert rig.rows("SELECT DISTINCT tenant FROM legs WHERE position = 3") in ([], [("t2",)])


def test_traces_with_equal_keys_stay_apart(rig: Rig) -> None:
    """B and C agree in the 64 bits by which look-ups find traces, and span ids repeat."""
    rig.feed(own(1, B), root(B, "acme"))
    rig.feed(own(1, C))
    rig.feed(root(C, "globex"))
    assert {row[3] for row in standing(rig)} == {"acme", "globex"}
    assert rig.rows("SELECT count(*) FROM legs WHERE position > 1") == [(3,)]
    assert rig.counts() == {"stored": 4}


def test_a_copy_is_found_after_years_and_whatever_times_it_claims(rig: Rig) -> None:
    span = own(1)
    rig.feed(span)
    rig.restart()
    rig.feed(span, received_ns=T0 + 10 * 365 * 86_400 * SECOND)
    rig.feed(replace(span, start_ns=T0 - 5 * SECOND, end_ns=T0 - 4 * SECOND))
    assert rig.counts() == {"stored": 1, "duplicate": 1, "conflict": 1}


def test_look_ups_find_traces_and_links_of_one_tenant(rig: Rig) -> None:
    rig.feed(own(1, A, said="resp_1"), view(2, B, said="resp_1"), view(3, C, said="chatcmpl-7"))
    rig.feed(own(1, A, said="resp_1"), tenant="t2")
    found = spans_of_traces(rig.database, {row[0] for row in rig.rows("SELECT trace_key FROM spans")})
    assert len(found) == 4
    by_link = traces_of_links(rig.database, {link_key("t1", "resp_1")})
    assert by_link == {span.trace_key for span in found if span.trace_id in {A, B}}
    assert traces_of_links(rig.database, {link_key("t1", "chatcmpl-7")}) == set()
    assert traces_of_links(rig.database, set()) == set()
    assert spans_of_traces(rig.database, {12345}) == []
