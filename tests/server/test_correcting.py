"""Commands that correct calls: who is meant, how often, tried first, and the same after a rebuild."""

from __future__ import annotations

import time
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.server.conftest import SECOND, T0, Bench, call
from tollspan_rater.errors import NotFoundError, UsageError
from tollspan_rater.query import correction_targets
from tollspan_rater.server import correcting


@pytest.fixture
def ids(bench: Bench) -> list[str]:
    """Four calls of acme, of 101 to 104 input tokens, the last one of a feature."""
    for number in range(1, 4):
        bench.send(call(number, start_ns=T0 + number * SECOND))
    bench.send(call(4, start_ns=T0 + 4 * SECOND, tollspan__feature="chat"))
    return [str(row["call_id"]) for row in bench.ask("calls").rows]


def correct(bench: Bench, kind: str, **body: Any) -> dict[str, Any]:
    return dict(bench.execute(f"call.{kind}", **{"note": "why", **body}).body)


def audited(bench: Bench) -> None:
    answer = bench.ask("audit", full="true")
    assert answer.ok, [row for row in answer.rows if not row["holds"]]


def test_void_amend_reattribute_and_all_taken_back(bench: Bench, ids: list[str]) -> None:
    correct(bench, "void", calls=[ids[0]])
    assert bench.usage() == {"acme": (3, 309)}
    correct(bench, "amend", calls=[ids[1]], set={"input": 2})
    assert bench.usage() == {"acme": (3, 209)}
    correct(bench, "reattribute", calls=[ids[2]], set={"customer": "zed"})
    assert bench.usage() == {"acme": (2, 106), "zed": (1, 103)}
    audited(bench)
    said = correct(bench, "restore", calls=ids)
    assert (said["calls_corrected"], said["calls_unchanged"]) == (3, 1)
    assert bench.usage() == {"acme": (4, 410)}
    audited(bench)


def test_the_receipt_says_what_changed(bench: Bench, ids: list[str]) -> None:
    said = correct(bench, "reattribute", calls=ids[:2], set={"customer": "zed"})
    assert said["correction"].startswith("cr_")
    assert said["booked"] is True
    assert (said["calls_corrected"], said["calls_unchanged"], said["calls_changed"]) == (2, 0, 2)
    rows = [tuple(row.values()) for row in said["differences"] if row["meter"] == "input"]
    assert rows == [("acme", "input", 2, 203, None, -203), ("zed", "input", 2, None, 203, 203)]
    assert said["sums"] == {}


def test_tried_first_nothing_is_booked_and_the_same_differences_are_told(bench: Bench, ids: list[str]) -> None:
    before, position = bench.digests(), bench.rater.writer.position
    tried = correct(bench, "void", calls=ids, dry_run=True)
    assert tried.pop("booked") is False
    assert (bench.digests(), bench.rater.writer.position) == (before, position)
    booked = correct(bench, "void", calls=ids)
    assert booked.pop("booked") is True
    assert tried == booked


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("void", {}),
        ("amend", {"set": {"input": 7, "model": "gpt-9"}}),
        ("reattribute", {"set": {"customer": "zed", "tags.team": "red"}}),
    ],
)
def test_the_same_correction_twice_changes_nothing(
    bench: Bench, ids: list[str], kind: str, body: dict[str, Any]
) -> None:
    correct(bench, kind, calls=ids, **body)
    before, position = bench.digests(), bench.rater.writer.position
    again = correct(bench, kind, calls=ids, **body)
    assert (again["calls_corrected"], again["calls_unchanged"], again["calls_changed"]) == (0, 4, 0)
    assert (bench.digests(), bench.rater.writer.position) == (before, position)


def test_with_a_key_it_is_the_same_correction_whatever_came_between(bench: Bench, ids: list[str]) -> None:
    first = correct(bench, "void", calls=ids[:1], key="ticket-7")
    correct(bench, "restore", correction=first["correction"])
    again = correct(bench, "void", calls=ids[:1], key="ticket-7")
    assert (again["correction"], again["calls_corrected"]) == (first["correction"], 0)
    assert bench.usage() == {"acme": (4, 410)}
    with pytest.raises(UsageError, match="key 'ticket-7' was used for another correction, cr_"):
        correct(bench, "void", calls=ids[1:2], key="ticket-7")


def test_a_correction_cut_short_is_finished_under_its_key(
    bench: Bench, ids: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(correcting, "CALLS_AN_ENTRY", 2)
    whole = bench.rater.append
    monkeypatch.setattr(bench.rater, "append", lambda entries: whole(entries[:1]))
    correct(bench, "void", calls=ids, key="k")
    assert bench.usage() == {"acme": (2, 207)}
    monkeypatch.setattr(bench.rater, "append", whole)
    again = correct(bench, "void", calls=ids, key="k")
    assert again["calls_corrected"] == 2
    assert bench.usage() == {}
    assert correct(bench, "void", calls=ids, key="k")["calls_corrected"] == 0


def test_calls_by_filter_and_time(bench: Bench, ids: list[str]) -> None:
    start = "2026-11-18T11:06:42Z"
    said = correct(bench, "reattribute", **{"filters": {"customer": "acme"}, "from": start}, set={"customer": "zed"})
    assert said["calls_corrected"] == 3
    assert bench.usage() == {"acme": (1, 101), "zed": (3, 309)}
    correct(bench, "void", filters={"customer": "zed", "feature": "chat"})
    assert bench.usage() == {"acme": (1, 101), "zed": (2, 205)}
    correct(bench, "reattribute", filters={"feature": "chat"}, set={"customer": "nobody"})
    assert "nobody" not in bench.usage()  # a void call is found by its id alone
    assert ids[3] not in {row["call_id"] for row in bench.ask("calls").rows}


def test_unattributed_calls_find_their_customer(bench: Bench) -> None:
    bench.send(call(1, tollspan__customer=""))
    bench.send(call(2))
    correct(bench, "reattribute", unattributed=True, set={"customer": "zed", "user": "ann"})
    assert bench.usage() == {"acme": (1, 102), "zed": (1, 101)}
    assert {row["user"] for row in bench.ask("usage", by="user").rows} == {"ann", None}
    stored = bench.rater.database.reader().execute("SELECT changes FROM corrections").fetchall()
    assert "ann" not in str(stored).replace("customer", "")


def test_each_call_with_values_of_its_own(bench: Bench, ids: list[str]) -> None:
    each = [{"call": ids[0], "set": {"input": 1}}, {"call": ids[1], "set": {"output": "2"}}]
    assert correct(bench, "amend", each=each)["calls_corrected"] == 2
    rows = {row["call_id"]: row for row in bench.ask("calls").rows}
    assert [(rows[name]["input_tokens"], rows[name]["output_tokens"]) for name in ids[:2]] == [(1, 10), (102, 2)]
    assert rows[ids[0]]["quality"] == "amended"


@pytest.mark.parametrize(
    ("kind", "body", "complaint"),
    [
        ("void", {"calls": ["c_none"]}, "no call 'c_none' is known. tollspan calls lists them"),
        ("restore", {"correction": "cr_" + "0" * 24}, "no correction 'cr_0+' is known"),
        ("void", {"filters": {"colour": "red"}}, "calls cannot be found by 'colour'; known are: customer"),
        ("void", {}, "name calls by id, or by filters and a span of time: exactly one"),
        ("void", {"calls": ["c_1"], "unattributed": True}, "exactly one"),
        ("amend", {"calls": ["c_1"]}, "say what to set"),
        ("amend", {"each": [{"call": "c_1", "set": {}}]}, "set"),
        ("restore", {}, "name a correction, or calls"),
        ("void", {"calls": ["c_1"], "note": ""}, "note"),
        ("void", {"calls": ["c_1"], "from": "soon"}, "give a day or an instant"),
    ],
)
def test_what_is_refused(bench: Bench, kind: str, body: dict[str, Any], complaint: str) -> None:
    bench.send(call(1))
    position = bench.rater.writer.position
    with pytest.raises((UsageError, NotFoundError), match=complaint):
        correct(bench, kind, **body)
    assert bench.rater.writer.position == position


def test_a_void_call_is_changed_only_when_the_void_is_taken_back(bench: Bench, ids: list[str]) -> None:
    correct(bench, "void", calls=ids[:1])
    with pytest.raises(UsageError, match=f"call {ids[0]} is void: take that back first"):
        correct(bench, "amend", calls=ids, set={"input": 1})
    assert bench.usage() == {"acme": (3, 309)}


def test_an_id_that_is_no_more_names_the_call_that_has_its_spans(bench: Bench) -> None:
    alone = call(1, gen_ai__response__id="resp_1234567890")
    alone.resource_spans[0].scope_spans[0].scope.name = "opentelemetry.instrumentation.openai_v2"
    bench.send(alone)
    [old] = [row["call_id"] for row in bench.ask("calls").rows]
    better = call(2, gen_ai__response__id="resp_1234567890", gen_ai__usage__input_tokens=101)
    bench.send(better)
    [new] = [row["call_id"] for row in bench.ask("calls").rows]
    with pytest.raises(NotFoundError, match=f"no call '{old}' is known. Its spans are in {new} now"):
        correct(bench, "void", calls=[old])


def test_another_tenants_call_is_not_known(bench: Bench, ids: list[str]) -> None:
    before = bench.usage()
    with pytest.raises(NotFoundError):
        bench.rater.execute("call.void", {"calls": ids[:1], "note": "mine?"}, tenant="other", actor="test")
    said = bench.rater.execute("call.void", {"from": "2000-01-01", "note": "all"}, tenant="other", actor="test").body
    assert said["calls_corrected"] == 0
    assert bench.usage() == before


def test_a_restart_and_a_rebuild_come_to_the_same(bench: Bench, ids: list[str]) -> None:
    correct(bench, "void", calls=ids[:1])
    correct(bench, "amend", calls=ids[1:], set={"model": "gpt-9", "output": 1})
    bench.execute("snapshot")
    correct(bench, "restore", calls=ids[1:2])
    before = bench.digests()
    bench.close()
    assert bench.digests() == before
    bench.execute("rebuild")
    after = bench.digests()
    assert {name for name in after if after[name] != before[name]} <= {"entries"}
    audited(bench)


def test_ten_thousand_calls_by_filter(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(correcting, "CALLS_AN_ENTRY", 4_000)
    for first in range(0, 10_000, 2_500):
        bench.send(many(range(first + 1, first + 2_501)))
    assert bench.usage()["acme"][0] == 10_000
    began = time.monotonic()
    said = correct(bench, "reattribute", filters={"customer": "acme"}, set={"customer": "zed"})
    assert time.monotonic() - began < 120
    assert said["calls_corrected"] == said["calls_changed"] == 10_000
    assert set(bench.usage()) == {"zed"}
    monkeypatch.setattr(correction_targets, "MOST_CALLS", 9_999)
    with pytest.raises(UsageError, match="10000 calls fit, one correction may name 9999"):
        correct(bench, "void", filters={"customer": "zed"})


def many(numbers: range) -> ExportTraceServiceRequest:
    request = call(numbers[0])
    spans = request.resource_spans[0].scope_spans[0].spans
    for number in numbers[1:]:
        spans.append(call(number).resource_spans[0].scope_spans[0].spans[0])
    return request
