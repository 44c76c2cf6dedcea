"""A forgotten name is in no byte of the folder; every total, digest and equation stays."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import duckdb
import pytest
import zstandard

from tests.server.conftest import DAY, SECOND, T0, Bench, call
from tests.server.test_replay import as_json
from tollspan_rater.errors import NotFoundError
from tollspan_rater.query.answer import Cell
from tollspan_rater.store.tables import SCHEMAS

CANARY = "Zoë.Canary-4711@example.org"


def everything_in(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Every file as it lies on the disk, and everything that is packed inside of one."""
    with duckdb.connect() as memory:
        for path in sorted(file for file in folder.rglob("*") if file.is_file()):
            yield str(path), path.read_bytes()
            yield from packed_in(path, memory)


def packed_in(path: Path, memory: duckdb.DuckDBPyConnection) -> Iterator[tuple[str, bytes]]:
    if path.parent.name == "journal" and path.suffix == ".sqlite":
        with closing(sqlite3.connect(path)) as journal:
            for position, body in journal.execute("SELECT position, body FROM entry"):
                yield f"{path} at {position}", zstandard.decompress(body)
    if path.suffix == ".parquet":
        yield from texts_of(path, memory, f"read_parquet('{path}')")
    if path.suffix == ".duckdb":
        with duckdb.connect(str(path), read_only=True) as connection:
            for name in SCHEMAS:
                yield from texts_of(path, connection, name)


def texts_of(path: Path, connection: duckdb.DuckDBPyConnection, source: str) -> Iterator[tuple[str, bytes]]:
    for row in connection.execute(f"SELECT * FROM {source}").fetchall():  # noqa: S608 - our tables
        yield f"{path} {source}", b"\n".join(c if isinstance(c, bytes) else str(c).encode() for c in row)


def mentions(bench: Bench, name: str = CANARY) -> list[str]:
    bench.close()
    wanted = [name.encode(), json.dumps(name)[1:-1].encode()]
    return [where for where, found in everything_in(bench.folder.path) if any(one in found for one in wanted)]


def damaged(number: int) -> Any:
    request = call(number, CANARY)
    request.resource_spans[0].scope_spans[0].spans[0].trace_id = b"short"
    return request


def an_eventful_folder(bench: Bench) -> None:
    """Three days: sealed and current; protobuf and JSON; readable, unreadable and damaged; a snapshot of it."""
    bench.send(call(1, CANARY, start_ns=T0))
    bench.send(call(2, "somebody else", start_ns=T0))
    elsewhere = call(3, start_ns=T0, enduser__id=CANARY, some__unread__key=CANARY)
    elsewhere.resource_spans[0].resource.attributes.add(key="user.id").value.string_value = CANARY
    event = elsewhere.resource_spans[0].scope_spans[0].spans[0].events.add(name="login")
    event.attributes.add(key="user.id").value.string_value = CANARY
    bench.send(elsewhere)
    bench.clock.set(T0 + DAY)
    text = as_json(4).decode().replace('"r4"}}', '"r4"}}, {"key": "user.id", "value": {"stringValue": "%s"}}')
    bench.send((text % json.dumps(CANARY)[1:-1]).encode(), "otlp-json")
    bench.send(damaged(5))
    bench.send(call(6, CANARY, start_ns=T0 + 3 * DAY))
    bench.execute("snapshot", keep_journal=True)
    bench.clock.set(T0 + 2 * DAY)
    bench.send(call(7, CANARY).SerializeToString()[:-40])
    bench.send(b'{"resourceSpans": "' + CANARY.encode(), "otlp-json")
    bench.send((text.replace('"kind": 3', '"kind": "x"') % CANARY).encode(), "otlp-json")
    bench.send(call(8, CANARY, start_ns=T0 + DAY))


def test_the_name_is_nowhere_and_every_total_stays(bench: Bench) -> None:
    an_eventful_folder(bench)
    usage, fates, audit = bench.usage(), bench.fates(), bench.ask("audit", full="true").rows
    assert {row["user"] for row in bench.ask("usage", by="user").rows} == {CANARY, "somebody else"}
    spans = bench.digests()["spans"]
    places = mentions(bench)
    for part in ("journal", "snapshots", "names.sqlite", "duckdb quarantine"):
        assert any(part in place for place in places), f"the test must have put the name into {part}"

    receipt = bench.execute("forget", subject=CANARY)
    assert receipt.body["requests_changed"] >= 8
    assert receipt.body["requests_with_other_mentions"] == 0
    assert mentions(bench) == []

    users = {str(row["user"]) for row in bench.ask("usage", by="user").rows}
    assert users == {receipt.body["subject"], "somebody else"}
    assert (bench.usage(), bench.fates()) == (usage, fates)
    after = bench.ask("audit", full="true")
    assert after.ok, after.rows
    assert _beside_entries(after.rows) == _beside_entries(audit)
    assert bench.digests()["spans"] == spans
    before = bench.digests()
    assert bench.execute("rebuild").body["same"]
    assert bench.digests() == before


def test_a_rebuild_from_the_journal_alone_gives_the_same(bench: Bench) -> None:
    an_eventful_folder(bench)
    bench.execute("forget", subject=CANARY)
    before = bench.digests()
    for path in [*bench.folder.snapshots.rglob("*.*")]:
        path.unlink()
    for folder in bench.folder.snapshots.iterdir():
        folder.rmdir()
    assert bench.execute("rebuild").body["differing_tables"] == []
    assert bench.digests() == before


def test_a_copy_sent_again_is_a_copy_and_brings_no_name_back(bench: Bench) -> None:
    bench.send(call(1, CANARY))
    subject = bench.execute("forget", subject=CANARY).body["subject"]
    bench.send(call(1, CANARY))
    bench.send(call(2, CANARY))
    assert bench.fates() == {"duplicate": 1, "stored": 2}
    (row,) = bench.ask("usage", by="user").rows
    assert (row["user"], row["calls"]) == (subject, 2)
    assert all("journal" in place for place in mentions(bench)), "only the requests that came since hold it"
    assert bench.execute("forget", subject=CANARY).body["subject"] == subject
    assert mentions(bench) == []


def test_days_that_a_snapshot_stands_for_are_forgotten_too(bench: Bench) -> None:
    bench.send(damaged(1))
    bench.send(call(2, CANARY))
    bench.clock.set(T0 + DAY)
    bench.send(call(3))
    assert bench.execute("snapshot").body["days_dropped"]
    bench.execute("forget", subject=CANARY)
    before = bench.digests()
    assert mentions(bench) == []
    assert bench.execute("rebuild").body["same"]
    assert bench.digests() == before
    assert bench.ask("audit", full="true").ok


@pytest.mark.parametrize("number", [4711, -3])
def test_a_person_may_be_a_number(bench: Bench, number: int) -> None:
    bench.send(call(1, user__id=number))
    (row,) = bench.ask("usage", by="user").rows
    assert row["user"] == str(number)
    receipt = bench.execute("forget", subject=str(number))
    assert receipt.body["requests_changed"] == 1
    assert bench.execute("rebuild").body["same"]
    (row,) = bench.ask("usage", by="user").rows
    assert row["user"] == receipt.body["subject"]


def test_by_subject_id_and_after_an_interruption(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.send(call(1, CANARY))
    subject = bench.rater.names.subject_id("default", CANARY)

    def stops(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(bench.rater.names, "forget", stops)
    with pytest.raises(KeyboardInterrupt):
        bench.execute("forget", subject=subject)
    monkeypatch.undo()
    assert bench.execute("forget", subject=subject).body["subject"] == subject
    assert mentions(bench) == []


def test_other_mentions_stay_and_are_counted(bench: Bench) -> None:
    bench.send(call(1, CANARY, tollspan__customer=CANARY))
    receipt = bench.execute("forget", subject=CANARY)
    assert receipt.body["requests_with_other_mentions"] == 1
    assert bench.usage() == {CANARY: (1, 101)}


def test_another_tenant_keeps_its_own(bench: Bench) -> None:
    bench.send(call(1, CANARY))
    rater = bench.rater
    rater.names.remember("other", {rater.names.subject_id("other", CANARY): CANARY})
    bench.execute("forget", subject=CANARY)
    assert list(rater.names.name_of("other", [rater.names.subject_id("other", CANARY)]).values()) == [CANARY]


def test_a_customer_loses_the_display_name_only(bench: Bench) -> None:
    bench.execute("customer.set", customer="acme", name=CANARY)
    bench.send(call(1))
    assert bench.ask("customers.list").rows[0]["name"] == CANARY
    assert bench.execute("forget", subject="acme").body == {"subject": "acme"}
    assert bench.ask("customers.list").rows[0]["name"] is None
    assert bench.usage() == {"acme": (1, 101)}
    assert mentions(bench) == []


def test_a_stranger_cannot_be_forgotten(bench: Bench) -> None:
    bench.send(call(1, "somebody", end_ns=str(T0 + SECOND)))
    with pytest.raises(NotFoundError, match="nobody"):
        bench.execute("forget", subject="nobody")


def _beside_entries(rows: Sequence[Mapping[str, Cell]]) -> dict[str, Cell]:
    """The right sides of the equations, without those that count entries: forgetting is an entry itself."""
    counting = ("journal entries", "entries in the journal")
    return {str(row["equation"]): row["right"] for row in rows if not str(row["equation"]).startswith(counting)}
