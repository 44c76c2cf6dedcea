"""What is known here, and what a billing system holds after it was handed over: the same, whatever happens."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

import pytest

from tests.server.conftest import DAY, SECOND, T0, Bench, call
from tests.server.counting import Counting, Ledger
from tollspan_rater import errors
from tollspan_rater.export.bucket import HOUR
from tollspan_rater.export.planning import TOO_LATE
from tollspan_rater.export.target import NotTaken, Outcome, Refused, Sending, Unclear
from tollspan_rater.server import exporting, exports

MAPPING = """
customers: {acme: {customer: A}, globex: {customer: G}}
meters: {input: {event_name: in}, output: {event_name: out}, request: null}
"""


@pytest.fixture
def ledger(monkeypatch: pytest.MonkeyPatch) -> Ledger:
    made = Ledger()
    monkeypatch.setattr(exports, "make_target", made.make)
    return made


@pytest.fixture
def usage(bench: Bench, ledger: Ledger, tmp_path: Path) -> Bench:
    """An export `usage` to a system that counts; two customers with a call each."""
    del ledger
    (tmp_path / "mapping.yaml").write_text(MAPPING)
    bench.flags["exports"] = {"usage": {"target": "counting", "mapping": str(tmp_path / "mapping.yaml")}}
    bench.send(call(1))
    bench.send(call(2, tollspan__customer="globex"))
    return bench


def handed_over(bench: Bench, export: str = "usage", **span: str) -> dict[str, Any]:
    planned = bench.execute("export.plan", export=export, **span).body
    return {**planned, **bench.execute("export.run", export=export).body}


def known(bench: Bench) -> dict[tuple[str, str], Decimal]:
    """What the query layer says of usage on invoices, in the words of the mapping."""
    found: dict[tuple[str, str], Decimal] = {}
    for row in bench.ask("usage", by="customer").rows:
        for column, meter in (("input_tokens", "in"), ("output_tokens", "out")):
            found[{"acme": "A", "globex": "G"}[str(row["customer"])], meter] = Decimal(str(row[column]))
    return found


def test_usage_arrives_once_and_differences_follow(usage: Bench, ledger: Ledger) -> None:
    said = handed_over(usage)
    assert (said["planned"], said["items"]["accepted"], said["requests"]) == (4, 4, 2)
    assert ledger.sums() == known(usage)
    assert handed_over(usage)["planned"] == 0
    usage.send(call(3))
    usage.send(call(4, start_ns=T0 - 40 * DAY))
    assert handed_over(usage)["planned"] == 4
    assert ledger.sums() == known(usage) == {
        ("A", "in"): 308, ("A", "out"): 30, ("G", "in"): 102, ("G", "out"): 10,
    }  # fmt: skip


def test_a_void_and_another_customer_arrive_as_differences(usage: Bench, ledger: Ledger) -> None:
    handed_over(usage)
    calls = {str(row["customer"]): str(row["call_id"]) for row in usage.ask("calls").rows}
    usage.execute("call.reattribute", calls=[calls["globex"]], set={"customer": "acme"}, note="x")
    usage.execute("call.void", calls=[calls["acme"]], note="x")
    handed_over(usage)
    assert ledger.sums() == {("A", "in"): 102, ("A", "out"): 10, ("G", "in"): 0, ("G", "out"): 0}
    assert usage.ask("export.reconcile", export="usage").ok


def test_nobodys_and_failed_usage_is_told_to_nobody(usage: Bench, ledger: Ledger) -> None:
    usage.send(call(5, tollspan__customer="", tollspan__outcome="complete"))
    usage.send(call(6, tollspan__environment="test"))
    handed_over(usage)
    assert ledger.sums()["A", "in"] == 101


def test_parts_are_told_apart_or_within_their_whole(usage: Bench, ledger: Ledger, tmp_path: Path) -> None:
    usage.send(call(7, gen_ai__usage__cache_read__input_tokens=40))
    handed_over(usage)
    assert ledger.sums()["A", "in"] == 101 + 107
    (tmp_path / "mapping.yaml").write_text(MAPPING.replace("meters: {", "meters: {cache_read: {event_name: cached}, "))
    handed_over(usage)
    assert (ledger.sums()["A", "in"], ledger.sums()["A", "cached"]) == (101 + 67, 40)


def test_dimensions_tell_usage_apart(usage: Bench, ledger: Ledger) -> None:
    usage.close()
    usage.flags["exports"]["usage"]["dimensions"] = ["model", "feature"]
    usage.send(call(8, tollspan__feature="chat"))
    assert handed_over(usage)["planned"] == 6
    assert ledger.sums() == known(usage)


def test_a_rebuild_knows_what_was_handed_over(usage: Bench, ledger: Ledger) -> None:
    handed_over(usage)
    ledger.mood = Refused("no", "it does not want it")
    usage.send(call(3))
    handed_over(usage)
    digests = usage.digests()
    assert usage.execute("rebuild").body["same"]
    usage.close()
    shutil.rmtree(usage.folder.store)
    assert usage.digests() == digests
    assert handed_over(usage)["requests"] == 0
    assert usage.ask("audit").ok


def test_what_was_refused_stays_until_it_is_retried(usage: Bench, ledger: Ledger) -> None:
    ledger.mood = Refused("no_such_customer", "who is that?")
    assert handed_over(usage)["items"]["rejected"] == 4
    ledger.mood = None
    assert handed_over(usage)["planned"] == 0
    rows = usage.ask("export.items", export="usage", state="rejected").rows
    assert {row["code"] for row in rows} == {"no_such_customer"}
    with pytest.raises(errors.NotFoundError, match="rejected item"):
        usage.execute("export.retry", export="usage", code="another")
    said = usage.execute("export.retry", export="usage", item=str(rows[0]["item_id"])).body
    assert (said["given_up"], said["planned"]) == (1, 1)
    assert usage.execute("export.retry", export="usage", code="no_such_customer").body["planned"] == 3
    usage.execute("export.run", export="usage")
    assert ledger.sums() == known(usage)
    assert usage.ask("export.status").rows[0] == {
        "export": "usage", "target": "counting", "state": "on", "schedule": "by command", "waiting": 0, "sent": 0,
        "accepted": 4, "rejected": 0, "held": 0, "superseded": 4,
    }  # fmt: skip


def test_what_was_taken_back_later_is_rejected(usage: Bench, ledger: Ledger) -> None:
    handed_over(usage)
    item = next(iter(ledger.elements))
    with pytest.raises(errors.SignatureError):
        exporting.notified(usage.rater, "usage", {"signature": "wrong"}, item.encode())
    body = f"{item} li_of_nobody".encode()
    assert exporting.notified(usage.rater, "usage", {"signature": "right"}, body) == 1
    assert exporting.notified(usage.rater, "usage", {"signature": "right"}, body) == 0
    rows = usage.ask("export.items", export="usage", state="rejected").rows
    assert [(row["item_id"], row["code"]) for row in rows] == [(item, "no_meter")]
    usage.execute("export.retry", export="usage")
    usage.execute("export.run", export="usage")
    assert ledger.sums() == known(usage)


@pytest.mark.parametrize("taken", [True, False])
def test_without_an_answer_the_same_is_sent_again(usage: Bench, ledger: Ledger, *, taken: bool) -> None:
    ledger.mood, ledger.takes_when_unclear = Unclear("timed out"), taken
    assert handed_over(usage)["items"]["sent"] == 4
    ledger.mood = None
    usage.close()
    usage.clock.set(usage.clock.now_ns() + 60 * SECOND)
    assert handed_over(usage)["items"]["accepted"] == 4
    assert ledger.sums() == known(usage)
    assert sorted(map(sorted, ledger.requests[:2])) == sorted(map(sorted, ledger.requests[2:]))


ONE_ITEM = (
    "customers: {acme: {customer: A}, globex: null}\nmeters: {input: {event_name: in}, output: null, request: null}"
)


@pytest.mark.parametrize(("taken", "said"), [(True, "present"), (False, "absent")])
def test_a_person_decides_about_what_nobody_knows(
    usage: Bench, ledger: Ledger, tmp_path: Path, *, taken: bool, said: str
) -> None:
    (tmp_path / "mapping.yaml").write_text(ONE_ITEM)
    ledger.contract = replace(ledger.contract, looks=False, dedup_s=0)
    ledger.mood, ledger.takes_when_unclear = Unclear("timed out"), taken
    handed_over(usage)
    usage.clock.set(usage.clock.now_ns() + 60 * SECOND)
    assert handed_over(usage)["items"]["held"] == 1
    ledger.mood = None
    assert handed_over(usage)["requests"] == 0
    assert "held" in str(usage.ask("export.reconcile", export="usage").rows[0]["cause"])
    for row in usage.ask("export.items", export="usage", state="held").rows:
        usage.execute("export.retry", export="usage", item=row["item_id"], **{said: True})
    usage.clock.set(usage.clock.now_ns() + 60 * SECOND)
    assert handed_over(usage)["items"]["accepted"] == 1
    assert ledger.sums() == {("A", "in"): 101}


@pytest.mark.parametrize("late", ["next", "own"])
def test_what_waited_too_long_is_told_at_another_time_or_refused(
    usage: Bench, ledger: Ledger, tmp_path: Path, late: Literal["next", "own"]
) -> None:
    (tmp_path / "mapping.yaml").write_text(ONE_ITEM)
    ledger.contract = replace(ledger.contract, bucket="hour", past_s=12 * 3600, late=late)
    ledger.mood = NotTaken("503")
    handed_over(usage)
    usage.clock.set(usage.clock.now_ns() + 13 * HOUR)
    ledger.mood = None
    said = handed_over(usage)
    if late == "own":
        assert (said["planned"], said["items"]["rejected"], ledger.sums()) == (0, 1, {})
        assert usage.ask("export.items", export="usage").rows[0]["code"] == TOO_LATE
        assert "rejected:too_late 101" in str(usage.ask("export.reconcile", export="usage").rows)
    else:
        assert (said["planned"], said["items"]["superseded"], ledger.sums()) == (1, 1, {("A", "in"): 101})
        [element] = ledger.elements.values()
        assert int(element["at"]) == usage.clock.now_ns() // HOUR * HOUR


def test_one_value_an_hour_holds_what_came_too_late_for_its_own(usage: Bench, ledger: Ledger, tmp_path: Path) -> None:
    (tmp_path / "mapping.yaml").write_text(ONE_ITEM)
    hourly = {"bucket": "hour", "once": True, "negative": "carried", "late": "next", "past_s": 86_400}
    ledger.contract = replace(ledger.contract, **hourly)
    assert handed_over(usage)["planned"] == 0
    for hours, number in ((1, 12), (2, 13)):
        usage.clock.set(T0 + hours * HOUR)
        handed_over(usage)
        usage.send(call(number))
    usage.clock.set(T0 + 3 * HOUR)
    handed_over(usage)
    assert ledger.sums() == {("A", "in"): 101 + 112 + 113}
    hours = [int(element["at"]) for element in ledger.elements.values()]
    assert len(hours) == len(set(hours)) == 3


def test_a_paused_export_sends_nothing(usage: Bench, ledger: Ledger) -> None:
    usage.execute("export.pause", export="usage", note="their account moves")
    said = handed_over(usage)
    assert (said["planned"], said["halted"], ledger.requests) == (4, "it is paused", [])
    assert usage.ask("export.status").rows[0]["state"] == "paused"
    usage.execute("export.resume", export="usage")
    assert handed_over(usage)["items"]["accepted"] == 4


def test_a_dry_run_writes_and_sends_nothing(usage: Bench, ledger: Ledger) -> None:
    before = usage.rater.journal.last_position
    said = usage.execute("export.plan", export="usage", dry_run=True).body
    assert [one["element"]["meter"] for one in said["elements"]] == ["in", "out", "in", "out"]
    assert (usage.rater.journal.last_position, ledger.requests) == (before, [])


def test_a_plan_may_look_at_some_time_only(usage: Bench, ledger: Ledger) -> None:
    usage.send(call(4, start_ns=T0 - 40 * DAY))
    handed_over(usage, **{"from": "2026-11-01"})
    assert ledger.sums()["A", "in"] == 101
    assert handed_over(usage, period="2026-09")["planned"] == 0
    assert handed_over(usage, period="2026-10")["planned"] == 2
    assert ledger.sums() == known(usage)


def test_what_is_before_the_beginning_is_told_on_request_only(usage: Bench, ledger: Ledger) -> None:
    usage.close()
    usage.flags["exports"]["usage"]["since"] = "2026-11-01"
    usage.send(call(4, start_ns=T0 - 40 * DAY))
    handed_over(usage)
    assert ledger.sums()["A", "in"] == 101
    assert handed_over(usage, period="2026-10")["planned"] == 2
    assert handed_over(usage)["planned"] == 0
    assert ledger.sums() == known(usage)
    rows = usage.ask("export.reconcile", export="usage", **{"from": "2026-10-01"}).rows
    assert [row["cause"] for row in rows] == [None] * 6


def test_what_has_no_words_is_listed_and_not_sent(usage: Bench, ledger: Ledger, tmp_path: Path) -> None:
    (tmp_path / "mapping.yaml").write_text("meters: {input: {event_name: in}}\n")
    usage.execute("customer.set", customer="acme", external_ids={"counting": "A"})
    checked = usage.ask("export.check", export="usage")
    assert not checked.ok
    assert [(row["what"], row["name"]) for row in checked.rows] == [
        ("customer", "globex"), ("meter", "output"), ("meter", "request"),
    ]  # fmt: skip
    assert handed_over(usage)["planned"] == 1
    (tmp_path / "mapping.yaml").write_text(MAPPING)
    assert usage.ask("export.check", export="usage").ok
    handed_over(usage)
    assert ledger.sums() == known(usage)


def test_what_a_target_cannot_be_told_waits_with_its_reason_and_holds_up_nothing(usage: Bench, ledger: Ledger) -> None:
    ledger.speechless = frozenset({"input"})
    said = handed_over(usage)
    assert (said["planned"], said["items"]["accepted"]) == (2, 2)
    reasons = [row["why"] for row in said["kept_back"] if "/" in row["name"]]
    assert len(reasons) == 2
    assert all("cannot be told to counting: it has no words for it." in why for why in reasons)
    assert ledger.sums() == {("A", "out"): 10, ("G", "out"): 10}
    ledger.speechless = frozenset()
    assert handed_over(usage)["planned"] == 2
    assert ledger.sums() == known(usage)


def test_reconciliation_names_the_cause_of_each_difference(usage: Bench, ledger: Ledger) -> None:
    ledger.mood = Refused("no", "no")
    handed_over(usage)
    [first, *_] = (str(row["item_id"]) for row in usage.ask("export.items", export="usage").rows)
    ledger.mood = None
    usage.execute("export.retry", export="usage", item=first)
    usage.execute("export.run", export="usage")
    usage.send(call(9, start_ns=T0 - DAY))
    usage.execute("export.plan", export="usage")
    usage.send(call(10, start_ns=T0 - DAY))
    table = usage.ask("export.reconcile", export="usage", customer="acme")
    assert {(row["day"], row["meter"]): row["cause"] for row in table.rows} == {
        ("2026-11-17", "input"): "in_flight 109; carried 110",
        ("2026-11-17", "output"): "in_flight 10; carried 10",
        ("2026-11-18", "input"): None,
        ("2026-11-18", "output"): "rejected:no 10",
    }
    assert table.ok


def test_reconciliation_names_what_has_no_words_by_meter_within_its_days(usage: Bench, tmp_path: Path) -> None:
    (tmp_path / "mapping.yaml").write_text("customers: {acme: {customer: A}}\nmeters: {input: {event_name: in}}\n")
    usage.send(call(3, start_ns=T0 - 40 * DAY))
    [note] = [one for one in usage.ask("export.reconcile", export="usage").notes if one.startswith("unmapped")]
    assert note.startswith("unmapped, in no row, for it has no words: 102 input, 20 output, 2 request; ")


def test_a_period_of_usage_is_reconciled_by_the_days_it_touches(usage: Bench) -> None:
    usage.send(call(3, start_ns=T0 - 40 * DAY))
    handed_over(usage)
    days = {row["day"] for row in usage.ask("export.reconcile", export="usage", period="2026-11").rows}
    assert days == {"2026-11-18"}
    with pytest.raises(errors.UsageError, match="a period or days, not both"):
        usage.ask("export.reconcile", export="usage", period="2026-11", to="2026-11-30")


@pytest.mark.parametrize(("change", "cause"), [(-1, "missing_in_target 1"), (1, "extra_in_target -1")])
def test_a_gap_that_nothing_explains_is_no_peace(usage: Bench, ledger: Ledger, change: int, cause: str) -> None:
    handed_over(usage)
    item, element = next((item, one) for item, one in ledger.elements.items() if one["meter"] == "in")
    ledger.elements[item] = {**element, "value": str(int(element["value"]) + change)}
    table = usage.ask("export.reconcile", export="usage")
    assert not table.ok
    assert cause in {row["cause"] for row in table.rows}


def test_a_target_that_says_nothing_is_believed(usage: Bench, ledger: Ledger) -> None:
    ledger.blind = True
    handed_over(usage)
    table = usage.ask("export.reconcile", export="usage")
    assert table.ok
    assert {row["target"] for row in table.rows} == {None}
    assert "counting cannot be asked what it has: what it accepted counts" in table.notes


def test_a_target_that_was_asked_and_does_not_say_is_no_peace(usage: Bench, ledger: Ledger) -> None:
    handed_over(usage)
    ledger.deaf = Unclear("HTTP 503: not now")
    table = usage.ask("export.reconcile", export="usage")
    assert not table.ok
    assert {row["target"] for row in table.rows} == {None}
    assert table.notes[0] == "rows that are not compared, for counting did not say: 4 of 4: HTTP 503: not now"
    assert "every difference has its reason" not in table.notes
    assert ledger.questions == 3  # then it is left alone


def test_a_target_that_is_away_is_left_alone(usage: Bench, ledger: Ledger) -> None:
    ledger.mood = NotTaken("503", after_s=3600)
    said = handed_over(usage)
    assert "asked for a pause" in said["halted"]
    assert (len(ledger.requests), said["items"]["waiting"]) == (1, 4)


def test_another_tenant_sees_nothing_of_an_export(usage: Bench) -> None:
    handed_over(usage)
    for question, params in (
        ("items", {"export": "usage"}),
        ("check", {"export": "usage"}),
        ("status", {"export": "usage"}),
    ):
        with pytest.raises(errors.NotFoundError, match="usage"):
            usage.rater.ask(f"export.{question}", {**params, "limit": "9"}, tenant="other")
    assert usage.rater.ask("export.status", {}, tenant="other").rows == []
    with pytest.raises(errors.NotFoundError, match="usage"):
        usage.rater.execute("export.plan", {"export": "usage"}, tenant="other", actor="x")


def test_one_at_a_time_works_on_an_export(usage: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exports, "BUSY_S", 0.0)
    alone: Callable[..., Any] = usage.rater.export_locks.alone
    with alone("usage"), pytest.raises(errors.ExportBusyError, match="usage"):
        usage.rater.export_locks.alone("usage", 0.0).__enter__()


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"target": "no-such"}, "no-such"),
        (
            {"target": "jsonl", "options": {"folder": "/nowhere"}, "mapping": "/nowhere/m.yaml"},
            "make it, or mend `mapping`",
        ),
        ({"target": "stripe-invoice-items"}, "TOLLSPAN_EXPORT_X_KEY"),
        ({"target": "stripe-invoice-items", "secret_file": "/nowhere/key"}, "exports.x.secret_file"),
    ],
)
def test_an_export_that_cannot_be_opened_says_why(bench: Bench, settings: dict[str, Any], words: str) -> None:
    bench.flags["exports"] = {"x": settings}
    with pytest.raises(errors.TollspanError, match=words):
        bench.execute("export.plan", export="x")


def test_what_waits_after_a_try_in_vain_is_named_until_it_is_tried(usage: Bench, ledger: Ledger) -> None:
    ledger.mood = NotTaken("HTTP 503: not now")
    assert handed_over(usage)["requests"] == 2
    said = handed_over(usage)
    assert (said["requests"], said["halted"], said["why"], said["items"]["waiting"]) == (0, "", "", 4)
    assert said["waits"] == {"items": 4, "next_ns": usage.clock.now_ns() + 2 * SECOND, "why": "HTTP 503: not now"}
    [note] = usage.ask("export.status").notes
    head = "usage, items that wait after a try that came to nothing: 4 (HTTP 503: not now); the next try is due at "
    assert note.startswith(head)
    ledger.mood = None
    assert usage.execute("export.retry", export="usage").body["planned"] == 0
    said = usage.execute("export.run", export="usage", now=True).body
    assert (said["accepted"], said["waits"]) == (4, None)
    assert usage.ask("export.status").notes == []
    with pytest.raises(errors.NotFoundError, match="rejected item"):
        usage.execute("export.retry", export="usage")


def test_a_target_that_takes_nothing_ends_a_run_though_its_time_is_up(
    usage: Bench, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger.contract, ledger.mood = replace(ledger.contract, batch=1), NotTaken("HTTP 503")
    send = Counting.send

    def slowly(self: Counting, sendings: Sequence[Sending]) -> Sequence[Outcome]:
        usage.clock.set(usage.clock.now_ns() + SECOND)
        return send(self, sendings)

    monkeypatch.setattr(Counting, "send", slowly)
    usage.execute("export.plan", export="usage")
    said = usage.execute("export.run", export="usage", seconds=3).body
    assert (said["more"], said["halted"]) == (False, "counting took nothing 3 times in a row: HTTP 503")


def why(bench: Bench, export: str, **span: str) -> list[str]:
    said = bench.execute("export.plan", export=export, **span).body
    assert said["planned"] == 0
    return list(said["nothing"])


def test_a_plan_of_usage_says_why_it_comes_to_nothing(usage: Bench) -> None:
    assert why(usage, "usage", period="2026-09") == ["nothing that is on an invoice was used in that time"]
    handed_over(usage)
    before = "all of it was planned before, the last at 2026-11-18T11:07:40.000000Z; items: 4"
    assert why(usage, "usage") == why(usage, "usage", period="2026-11") == [before]
    assert why(usage, "usage", period="2026-09") == ["nothing that is on an invoice was used in that time"]
