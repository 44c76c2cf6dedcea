"""History read again with other tables: first told, then booked, and a rebuild comes to the same."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.server.conftest import SECOND, T0, Bench, call
from tests.server.test_serving import served, tollspan
from tollspan_rater.domain.call import Extracted, Rejected
from tollspan_rater.domain.entries import Command, NewCommand
from tollspan_rater.domain.fates import Role
from tollspan_rater.domain.span import Span
from tollspan_rater.errors import UsageError
from tollspan_rater.extract.extract import extract
from tollspan_rater.server import reextracting

SCOPE = "opentelemetry.instrumentation.openai_v2"
SINCE = "2026-11-01"
Mend = Callable[..., None]


def seen(number: int, **attributes: Any) -> ExportTraceServiceRequest:
    """A call as another instrumentation saw it: 100 + ``number`` input tokens."""
    request = call(number, **attributes)
    request.resource_spans[0].scope_spans[0].scope.name = SCOPE
    return request


@pytest.fixture
def mend(monkeypatch: pytest.MonkeyPatch, bench: Bench) -> Mend:
    """Close the rater and open it with tables that read ``more`` input tokens out of the spans of SCOPE."""

    def changed(more: int = 1000, **fields: Any) -> None:
        def read(span: Span) -> Extracted | Rejected:
            found = extract(span)
            if isinstance(found, Rejected) or not span.scope.startswith(SCOPE):
                return found
            usage = replace(found.usage, input=(found.usage.input or 0) + more)
            return replace(found, usage=usage, dialect="mended@2", **fields)

        bench.close()
        monkeypatch.setattr("tollspan_rater.server.meaning.extract", read)

    return changed


def reextract(bench: Bench, **body: Any) -> dict[str, Any]:
    return dict(bench.execute("reextract", since=SINCE, **body).body)


def commands(bench: Bench) -> list[Command]:
    entries = bench.rater.journal.read(0, max_entries=1000, max_bytes=1 << 30)
    return [entry for entry in entries if isinstance(entry, Command) and entry.kind == "reextract"]


def test_a_dry_run_tells_and_changes_nothing(bench: Bench, mend: Mend) -> None:
    bench.send(seen(1))
    bench.send(seen(2, tollspan__customer="globex"))
    bench.send(call(3))
    before = bench.digests()
    mend()
    said = reextract(bench, dry_run=True)
    assert (said["booked"], said["spans_read"], said["spans_changed"], said["calls_changed"]) == (False, 3, 2, 2)
    rows = {row["customer"]: row for row in said["differences"]}
    assert rows["acme"] | {"dialect_was": "", "customer": ""} == {
        "customer": "", "meter": "input", "dialect_was": "", "dialect_is": "mended@2", "calls": 1,
        "was": Decimal(101), "is": Decimal(1101), "difference": Decimal(1000),
    }  # fmt: skip
    assert rows["globex"]["is"] == Decimal(1102)
    assert said["sums"] == {"input": {"calls": 2, "was": 203, "is": 2203, "difference": 2000}}
    assert bench.digests() == before
    assert bench.usage() == {"acme": (2, 204), "globex": (1, 102)}


def test_what_was_told_is_booked_and_a_rebuild_comes_to_the_same(bench: Bench, mend: Mend) -> None:
    bench.send(seen(1))
    bench.send(seen(2, tollspan__customer="globex"))
    mend()
    told = reextract(bench, dry_run=True)
    assert reextract(bench) == told | {"booked": True}
    assert bench.usage() == {"acme": (1, 1101), "globex": (1, 1102)}
    assert bench.ask("audit", full="true").ok
    before = bench.digests()
    assert bench.execute("rebuild").body["same"]
    assert bench.digests() == before
    bench.send(seen(1))
    assert bench.fates() == {"stored": 2, "duplicate": 1}
    again = reextract(bench)
    assert (again["spans_changed"], again["differences"]) == (0, [])
    assert len(commands(bench)) == 1


def test_spans_that_fall_silent_or_begin_to_speak_keep_the_audit_whole(bench: Bench, mend: Mend) -> None:
    bench.send(seen(1))
    bench.send(call(2))
    mend(role=Role.NONE, said={})
    rows = reextract(bench)["differences"]
    assert {(row["meter"], row["was"], row["is"]) for row in rows} == {
        ("input", 101, None), ("output", 10, None), ("request", 1, None),
    }  # fmt: skip
    assert bench.fates() == {"ignored": 1, "stored": 1}
    assert bench.ask("audit", full="true").ok
    mend(0)
    assert reextract(bench)["calls_changed"] == 1
    assert bench.fates() == {"stored": 2}
    assert bench.usage() == {"acme": (2, 101 + 102)}
    assert bench.ask("audit", full="true").ok
    assert bench.execute("rebuild").body["same"]


def test_span_rules_of_today_count_on_what_came_before_them(bench: Bench) -> None:
    bench.send(seen(1))
    bench.execute("meters.apply", file="rules: [{rule: chats, meter: chat_call, when: {name: chat}}]")
    [row] = reextract(bench)["differences"]
    assert (row["customer"], row["meter"], row["was"], row["is"]) == ("acme", "chat_call", None, 1)
    assert bench.ask("audit", full="true").ok
    assert bench.execute("rebuild").body["same"]
    told = bench.ask("explain", id=f"{1:032x}").rows
    assert any(one["what"] == "counted by rules" and "chat_call" in dict(one["value"]) for one in told)
    assert reextract(bench)["spans_changed"] == 0


def test_nothing_is_journaled_where_nothing_differs(bench: Bench) -> None:
    bench.send(seen(1))
    before = bench.rater.journal.last_position
    assert reextract(bench)["differences"] == []
    assert bench.rater.journal.last_position == before
    assert not bench.folder.snapshots.exists() or not list(bench.folder.snapshots.iterdir())


def test_a_call_that_changes_hands_shows_on_both_sides(bench: Bench, mend: Mend) -> None:
    bench.send(seen(1))
    mend(0, said={"customer": "globex"})
    rows = reextract(bench, dry_run=True)["differences"]
    assert [(row["customer"], row["meter"], row["was"], row["is"]) for row in rows] == [
        ("acme", "input", 101, None), ("acme", "output", 10, None), ("acme", "request", 1, None),
        ("globex", "input", None, 101), ("globex", "output", None, 10), ("globex", "request", None, 1),
    ]  # fmt: skip


@pytest.mark.parametrize("steps", [1, 256])
def test_a_call_whose_spans_came_far_apart_is_told_once(
    bench: Bench, mend: Mend, monkeypatch: pytest.MonkeyPatch, steps: int
) -> None:
    bench.send(seen(1, gen_ai__response__id="resp_1"))
    for number in (2, 3):
        bench.send(call(number))
    other = seen(4, gen_ai__response__id="resp_1", gen_ai__usage__input_tokens=101)
    other.resource_spans[0].scope_spans[0].scope.name = SCOPE + ".other"
    bench.send(other)
    mend()
    monkeypatch.setattr(reextracting, "STEP_ENTRIES", steps)
    told = reextract(bench, dry_run=True)
    assert told["calls_changed"] == 1
    [row] = told["differences"]
    assert (row["was"], row["is"], row["calls"]) == (101, 1101, 1)
    assert reextract(bench) == told | {"booked": True}
    assert bench.ask("audit", full="true").ok


def two_views(bench: Bench) -> None:
    """Two spans of one call, in requests of their own."""
    for number, scope in ((1, SCOPE), (4, SCOPE + ".other")):
        request = seen(number, gen_ai__response__id="resp_1", gen_ai__usage__input_tokens=101)
        request.resource_spans[0].scope_spans[0].scope.name = scope
        bench.send(request)


def test_a_call_that_arises_and_then_changes_was_nothing_before(
    bench: Bench, mend: Mend, monkeypatch: pytest.MonkeyPatch
) -> None:
    mend(role=Role.NONE, said={})
    two_views(bench)
    assert bench.usage() == {}
    mend()
    monkeypatch.setattr(reextracting, "STEP_ENTRIES", 1)
    said = reextract(bench)
    assert said["calls_changed"] == 1
    assert {(row["meter"], row["was"], row["is"]) for row in said["differences"]} == {
        ("input", None, 1101), ("output", None, 10), ("request", None, 1),
    }  # fmt: skip


def test_what_came_between_two_steps_is_not_what_was_before(
    bench: Bench, mend: Mend, monkeypatch: pytest.MonkeyPatch
) -> None:
    two_views(bench)
    mend()
    monkeypatch.setattr(reextracting, "STEP_ENTRIES", 1)
    append = bench.rater.append
    commands_sent = []

    def busy(entries: list[Any]) -> int:
        if isinstance(entries[0], NewCommand):
            commands_sent.append(entries)
            if len(commands_sent) == 2:
                late = seen(9, gen_ai__response__id="resp_1", gen_ai__usage__input_tokens=102)
                late.resource_spans[0].scope_spans[0].scope.name = SCOPE + ".third"
                bench.send(late)
        return append(entries)

    monkeypatch.setattr(bench.rater, "append", busy)
    said = reextract(bench)
    assert len(commands_sent) == 2
    assert [(row["meter"], row["was"], row["is"], row["calls"]) for row in said["differences"]] == [
        ("input", 101, 1101, 1)
    ]
    assert bench.ask("audit", full="true").ok


def test_an_interrupted_run_is_ended_by_the_next(bench: Bench, mend: Mend, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in (1, 2, 3):
        bench.send(seen(number))
    mend()
    monkeypatch.setattr(reextracting, "STEP_ENTRIES", 1)
    append = bench.rater.append
    left = [1]

    def dying(entries: list[Any]) -> int:
        if not left:
            raise KeyboardInterrupt
        left.pop()
        return append(entries)

    monkeypatch.setattr(bench.rater, "append", dying)
    with pytest.raises(KeyboardInterrupt):
        reextract(bench)
    bench.close()
    assert bench.usage() == {"acme": (3, 1306)}
    assert bench.ask("audit", full="true").ok
    assert reextract(bench)["spans_changed"] == 2
    assert bench.usage() == {"acme": (3, 3306)}
    assert bench.execute("rebuild").body["same"]


def test_spans_that_arrive_meanwhile_count_as_they_are_read(
    bench: Bench, mend: Mend, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in (1, 2):
        bench.send(seen(number))
    mend()
    monkeypatch.setattr(reextracting, "STEP_ENTRIES", 1)
    append = bench.rater.append
    arriving = [seen(3), seen(1)]

    def busy(entries: list[Any]) -> int:
        if isinstance(entries[0], NewCommand) and arriving:
            bench.send(arriving.pop())
        return append(entries)

    monkeypatch.setattr(bench.rater, "append", busy)
    said = reextract(bench)
    assert (said["spans_read"], said["calls_changed"]) == (2, 2)
    assert bench.usage() == {"acme": (3, 1101 + 1102 + 1103)}
    assert bench.fates() == {"conflict": 1, "stored": 3}  # a copy that came before its original was read again
    assert bench.ask("audit", full="true").ok
    assert bench.execute("rebuild").body["same"]


@pytest.mark.parametrize("serving", [True, False])
def test_the_command_line_tells_the_same_beside_a_server_and_without_one(
    bench: Bench, mend: Mend, capsys: pytest.CaptureFixture[str], *, serving: bool
) -> None:
    bench.send(seen(1))
    mend()
    with served(bench, capsys) if serving else nullcontext():
        if not serving:
            bench.close()
        line = ("reextract", "--since", SINCE, "--format", "json", "--data", str(bench.folder.path))
        told, booked, again = (tollspan(*line, *more) for more in (["--dry-run"], [], []))
    assert json.loads(told) == json.loads(booked)
    assert [(row["was"], row["is"]) for row in json.loads(told)] == [("101", "1101")]
    assert json.loads(again) == []
    assert bench.usage() == {"acme": (1, 1101)}


def test_spans_whose_day_left_the_journal_are_told_and_stay(bench: Bench, mend: Mend) -> None:
    for number, now in enumerate(bench.days(count=3), 1):
        bench.send(seen(number, start_ns=now - SECOND))
    assert bench.execute("snapshot").body["days_dropped"]
    mend()
    said = reextract(bench)
    assert (said["spans_read"], said["spans_left_the_journal"], said["calls_changed"]) == (1, 2, 1)
    assert bench.usage() == {"acme": (3, 101 + 102 + 1103)}
    assert bench.execute("rebuild").body["same"]


def test_the_time_at_which_a_span_started_decides(bench: Bench, mend: Mend) -> None:
    bench.clock.set(T0 + 10 * SECOND)
    for number in (1, 2, 3):
        bench.send(seen(number, start_ns=T0 + number * SECOND))
    mend()
    since, until = ("2026-11-18T11:06:42Z", "2026-11-18T11:06:43Z")
    said = bench.execute("reextract", since=since, until=until, dry_run=True).body
    assert (said["spans_read"], said["spans_changed"]) == (1, 1)
    assert bench.execute("reextract", since="2027-01-01").body["spans_read"] == 0


def test_the_journal_keeps_no_name_of_a_person(bench: Bench, mend: Mend) -> None:
    bench.send(seen(1, user="ada@example.org"))
    mend()
    reextract(bench)
    [command] = commands(bench)
    assert "ada@" not in str(command.body)
    bench.execute("forget", subject="ada@example.org")
    assert reextract(bench, dry_run=True)["spans_changed"] == 0


def test_another_tenant_is_left_alone(bench: Bench, mend: Mend) -> None:
    bench.send(seen(1))
    mend()
    said = bench.rater.execute("reextract", {"since": SINCE}, tenant="other", actor="test").body
    assert (said["spans_read"], said["spans_changed"]) == (0, 0)


@pytest.mark.parametrize("body", [{}, {"since": "yesterday"}, {"since": SINCE, "until": 3}, {"since": SINCE, "x": 1}])
def test_a_wrong_body_is_refused(bench: Bench, body: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        bench.rater.execute("reextract", body, tenant="default", actor="test")
