"""Every equation of the audit can fail: the store is damaged in one way, and that equation goes red."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from query.random_traffic import PRICES
from query.shop import Shop
from tollspan import export
from tollspan_rater.domain.entries import Batch
from tollspan_rater.errors import NotFoundError
from tollspan_rater.ingest.decode import decode
from tollspan_rater.query import audit as audit_module
from tollspan_rater.query import balance
from tollspan_rater.query.accounts import Accounts
from tollspan_rater.query.answer import Answer
from tollspan_rater.query.bill import rated_periods
from tollspan_rater.query.groups import PeriodUsage
from tollspan_rater.query.scope import Scope
from tollspan_rater.query.second_reader import protobuf_pieces
from tollspan_rater.store.folder import Folder

USAGE = "usage = on invoice + not on invoice + unpriced"
MONEY = "sum of usage lines = sum of the calls' charges (USD)"
BILLS = "bills = bills whose lines are what their calls were charged"
EVIDENCE = "stored evidence of chosen measures = calls"
MEMBERS = "call members and unit measures = stored spans that are one"
STORED = "stored spans = call members + unit measures + context"
SEQUENCE = "highest seq of each sending process = records received + gaps"
PIECES = "pieces journaled = sum of fates"
POSITIONS = "journal entries applied = last position"
SPEAKING = "units, and call spans with none below, = those in a call"
AGAIN = "counted again from the journal ="


@pytest.fixture
def filled(shop: Shop) -> Shop:
    shop.price(PRICES)
    shop.customer("a", plan="linear")
    calls = [shop.call(f"2026-11-03T10:00:0{n}Z", {"input": 10 + n, "output": 2}, customer="a") for n in range(4)]
    shop.send(*calls, shop.unit("2026-11-03T11:00:00Z", "retrieval", "1.5", customer="a"))
    shop.send(*calls[:2])
    return shop


@contextmanager
def damaged(shop: Shop, *statements: str) -> Iterator[Scope]:
    """The store as it is after some statements, which are rolled back afterwards."""
    with shop.rater.database.snapshot() as connection:
        as_of = connection.execute("SELECT max(position) FROM entries").fetchall()[0][0]
        for statement in statements:
            connection.execute(statement.replace("TENANT", f"tenant = '{shop.tenant}'"))
        yield Scope(connection, Accounts(connection, shop.tenant, "UTC"), as_of, "UTC", shop.rater.names)


def audited(shop: Shop, *statements: str, full: bool = True) -> Answer:
    with damaged(shop, *statements) as scope:
        return audit_module.audit(scope, {"full": "true"} if full else {}, shop.rater.folder)


def red(answer: Answer) -> set[str]:
    return {str(row["equation"]) for row in answer.rows if not row["holds"]}


COPY_LEG = "INSERT INTO legs SELECT * REPLACE ({}) FROM (SELECT * FROM legs WHERE TENANT AND kind = 'call' LIMIT 1)"

DAMAGES: list[tuple[str, str, set[str]]] = [
    ("an entry is missing", "DELETE FROM entries WHERE TENANT AND kind = 'customer.set'",
     {POSITIONS, "entries in the journal"}),
    ("a fate is missing", "DELETE FROM fates WHERE rowid IN (SELECT min(rowid) FROM fates WHERE TENANT)", {PIECES}),
    ("a piece was counted too often", "UPDATE entries SET pieces = pieces + 1 WHERE TENANT AND pieces = 2",
     {PIECES, "pieces " + AGAIN}),
    ("a span is missing", "DELETE FROM spans WHERE TENANT AND role = 'call' AND seq = 4",
     {PIECES, STORED, MEMBERS, EVIDENCE}),
    ("evidence says more", "UPDATE spans SET evidence = replace(evidence, '\"i\":10', '\"i\":11') WHERE TENANT",
     {EVIDENCE}),
    ("a unit says more", "UPDATE spans SET evidence = replace(evidence, '1.5', '1.6') WHERE TENANT", {EVIDENCE}),
    ("a leg takes back what never was", COPY_LEG.format("-1 AS sign, 99 AS revision"),
     {"sum of legs", USAGE}),
    ("a leg takes too little back", COPY_LEG.format("-1 AS sign, 0 AS input") + "; " + COPY_LEG.format("7 AS revision"),
     {"sum of legs", USAGE, MONEY, BILLS}),
    ("a leg takes a rare meter back that never was",
     COPY_LEG.format("-1 AS sign, '{\"video_in\": \"1.5\"}' AS units") + "; " + COPY_LEG.format("7 AS revision"),
     {"sum of legs = calls (video_in)", MONEY, BILLS}),
    ("a call stands twice", COPY_LEG.format("'c_0' AS call_id"), {STORED, MEMBERS, AGAIN}),
    ("a call has members that never came", COPY_LEG.format("'c_0' AS call_id, ['x:y'] AS members, 'x:y' AS evidence"),
     {STORED, MEMBERS, EVIDENCE}),
    ("a call lost its legs", "DELETE FROM legs WHERE TENANT AND input = 13", {"own spans in the journal", SPEAKING}),
    ("the usage of a call changed", "UPDATE legs SET input = 99 WHERE TENANT AND input = 13", {EVIDENCE, AGAIN}),
    ("two records have one number", "UPDATE spans SET seq = 3 WHERE TENANT AND seq = 4", {SEQUENCE}),
    ("a number is no number", "UPDATE spans SET seq = 0 WHERE TENANT AND seq = 4", {SEQUENCE}),
]  # fmt: skip


@pytest.mark.parametrize(("statement", "broken"), [pytest.param(s, b, id=name) for name, s, b in DAMAGES])
def test_damage_turns_its_equation_red(filled: Shop, statement: str, broken: set[str]) -> None:
    answer = audited(filled, *statement.split("; "))
    names = red(answer)
    assert not answer.ok
    for part in broken:
        assert any(part in name for name in names), (part, names)
    assert all(any(part in name for part in broken) for name in names), names


def test_usage_that_rating_loses_shows(filled: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tollspan_rater.query.bill.usage_of", lambda *args: [PeriodUsage() for _ in args[2]])
    assert red(audited(filled)) == {f"{USAGE} (input)", f"{USAGE} (output)", f"{USAGE} (retrieval)", MONEY, BILLS}


def test_charges_that_are_no_lines_show(filled: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    rated = balance.rated_sums
    free: Callable[..., Any] = lambda *asked: ([one for one in rated(*asked)[0] if not one.charged.amount], "")  # noqa: E731 - as below
    monkeypatch.setattr(balance, "rated_sums", free)
    assert red(audited(filled)) == {MONEY, BILLS}


def test_two_wrong_bills_show_although_their_sum_is_right(filled: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    filled.customer("b", plan="linear")
    filled.send(filled.call("2026-11-03T10:00:00Z", {"input": 10, "output": 2}, customer="b"))
    other = {"a": "b", "b": "a"}
    swapped: Callable[..., Any] = lambda scope, wanted: rated_periods(  # noqa: E731 - one line says it
        scope, [(other.get(name, name), period) for name, period in wanted]
    )
    monkeypatch.setattr(balance, "rated_periods", swapped)
    assert red(audited(filled)) == {BILLS}


def test_lost_records_are_counted_and_listed(shop: Shop) -> None:
    calls = [shop.call(f"2026-11-03T10:00:0{n}Z", {"input": 1}) for n in range(9)]
    shop.send(*(calls[n] for n in (1, 2, 5, 8)), sender="west")
    answer = shop.ask("audit")
    (row,) = [row for row in answer.rows if row["equation"] == SEQUENCE]
    assert answer.ok
    assert (row["left"], row["right"]) == (9, 9)
    assert "received 4, 5 records lost" in str(row["terms"])
    for asked in ("west", f"p-{shop.tenant}"):
        of_sender = shop.ask("audit", sender=asked)
        assert not of_sender.ok
        assert [(one["missing"], one["gaps"]) for one in of_sender.rows] == [(5, ["1", "4-5", "7-8"])]


def test_a_process_is_whole_although_two_senders_brought_it(shop: Shop) -> None:
    one, other = shop.call("2026-11-03T10:00:00Z", {"input": 1}), shop.call("2026-11-03T10:00:01Z", {"input": 1})
    shop.send(one, sender="west")
    shop.send(other, sender="east")
    assert shop.ask("audit", sender="east").ok
    with pytest.raises(NotFoundError):
        shop.ask("audit", sender="nobody")


def test_conflicts_and_late_spans_are_shown(shop: Shop) -> None:
    call = shop.call("2026-11-03T10:00:00Z", {"input": 1})
    shop.send(call)
    shop.send(replace(call, response_id="other"))
    terms = " ".join(str(row["terms"]) for row in shop.ask("audit").rows)
    assert "conflict 1" in terms
    assert "late 1" in terms


SPAN = {
    "traceId": "5B8EFFF798038103D269B633813FC60C", "spanId": "EEE19B7EC3C1B174",
    "startTimeUnixNano": "1793700000000000000", "endTimeUnixNano": "1793700001000000000",
    "attributes": [{"key": "gen_ai.usage.input_tokens", "value": {"intValue": "12"}},
                   {"key": "gen_ai.operation.name", "value": {"stringValue": "chat"}},
                   {"key": "gen_ai.provider.name", "value": {"stringValue": "openai"}},
                   {"key": "gen_ai.request.model", "value": {"stringValue": "gpt-4.1"}}],
}  # fmt: skip
MARK = {"name": "tollspan.undecodable", "attributes": [{"key": "tollspan.undecodable", "value": {"stringValue": "{}"}}]}


def request(*spans: Any, scope: str = "tollspan") -> bytes:
    return json.dumps({"resourceSpans": [{"scopeSpans": [{"scope": {"name": scope}, "spans": list(spans)}]}]}).encode()


@pytest.mark.parametrize(
    ("encoding", "body", "pieces"),
    [
        ("otlp-json", request(SPAN), 1),
        ("otlp-json", request(SPAN, SPAN, MARK), 3),
        ("otlp-json", request(SPAN, 7, None, scope="other"), 3),
        ("otlp-json", b'{"resourceSpans": [3, {"scopeSpans": [null, {"spans": [{}]}]}]}', 3),
        ("otlp-json", b'{"resourceSpans": {"scopeSpans": 4}}', 1),
        ("otlp-json", b"not json", 1),
        ("otlp-json", b"[1]", 1),
        ("otlp-json", b'{"resourceLogs": []}', 1),
        ("undecodable", b'{"digest": "x", "size": 3, "error": "y"}', 1),
        ("otlp-proto", b"", 0),
        ("otlp-proto", b"garbage that is no message", 1),
        ("otlp-proto", bytes.fromhex("120100"), 1),
        ("otlp-proto", bytes.fromhex("0a0612041202"), 1),
        ("otlp-proto", bytes.fromhex("0a08120612040a020102ff"), 2),
        ("otlp-proto", bytes.fromhex("0a061204120012000f"), 3),
    ],
)
def test_the_second_reader_counts_what_the_pipeline_counts(shop: Shop, encoding: str, body: bytes, pieces: int) -> None:
    shop.put(body, encoding=encoding)
    answer = shop.ask("audit", full="true")
    assert answer.ok, [row for row in answer.rows if not row["holds"]]
    (row,) = [row for row in answer.rows if str(row["equation"]).startswith("pieces counted again")]
    assert row["left"] == pieces


COMPACTED = {
    "input_tokens": 20,
    "output_tokens": 5,
    "iterations": [{"type": "compaction", "input_tokens": 900, "output_tokens": 70}],
}
MORE = [
    ("anthropic.messages", COMPACTED),
    ("openai.chat", {"prompt_tokens": 20, "completion_tokens": 5, "total_tokens": 90}),
    ("openai.chat", {"prompt_tokens": 20, "completion_tokens": 5, "total_tokens": 90, "cached_tokens": 65}),
]


@pytest.mark.parametrize(("api", "raw"), MORE, ids=str)
def test_what_only_the_usage_object_says_is_no_difference_to_the_second_reader(
    shop: Shop, api: str, raw: dict[str, Any]
) -> None:
    call = shop.call("2026-11-03T10:00:00Z", {"input": 20, "output": 5}, usage_raw=json.dumps(raw), api=api)
    shop.send(call, shop.call("2026-11-03T10:00:00Z", {"input": 7, "output": 1}))
    answer = shop.ask("audit", full="true")
    assert answer.ok, [row for row in answer.rows if not row["holds"]]
    again = [row for row in answer.rows if str(row["equation"]).startswith("own spans counted again")]
    assert {row["terms"] for row in again} == {
        "1 calls left out: their usage object says more than the counts beside it"
    }
    assert sorted(row["left"] for row in again) == [1, 7]


def counts_alike(body: bytes) -> bool:
    return len(protobuf_pieces(body)) == len(decode(Batch(1, 0, "t", "s", "otlp-proto", body)))


def test_a_request_cut_or_broken_anywhere_is_counted_alike(shop: Shop) -> None:
    whole = export.spans([shop.call("2026-11-03T10:00:00Z", {"input": 5}) for _ in range(2)])
    assert len(protobuf_pieces(whole)) == 2
    for place in range(len(whole)):
        assert counts_alike(whole[:place]), place
        assert counts_alike(whole[:place] + b"\x00" + whole[place + 1 :]), place
        assert counts_alike(whole[:place] + b"\xff" + whole[place + 1 :]), place


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=40), st.sampled_from(["", "0a", "0a2012", "0a2012201220"]))
def test_any_bytes_are_counted_alike(body: bytes, head: str) -> None:
    assert counts_alike(bytes.fromhex(head) + body)


def test_a_dropped_day_is_counted_on_neither_side(filled: Shop, tmp_path: Any) -> None:
    folder = Folder(tmp_path)
    folder.create()
    with damaged(filled) as scope:
        answer = audit_module.audit(scope, {"full": "true"}, folder)
    assert "entries in the journal = entries applied" in red(answer)  # no journal at all is no dropped day
    later = folder.journal / "2026-12-16.sqlite"
    _empty_day(later, scope.as_of)
    with damaged(filled) as scope:
        answer = audit_module.audit(scope, {"full": "true"}, folder)
    assert red(answer) == {"positions no longer in the journal = covered by the newest snapshot"}


def _empty_day(path: Any, base: int) -> None:
    file = sqlite3.connect(path)
    file.executescript(
        "create table entry (position integer primary key, kind integer, tenant text, form text, body blob);"
        "create table origin (base integer);"
    )
    file.execute("insert into origin values (?)", (base,))
    file.commit()
    file.close()


def test_the_damage_was_rolled_back(filled: Shop) -> None:
    with pytest.raises(duckdb.Error), damaged(filled, "DELETE FROM nothing"):
        pass
    assert filled.ask("audit").ok
