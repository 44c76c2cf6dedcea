"""The same event by HTTP, wrapped, in files, from an application and from LiteLLM is one call."""

from __future__ import annotations

import gzip
import io
import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.routing import Route

from tests.events.test_read_event import GUIDE, LEAST
from tests.hostile.conftest import Server
from tests.query.shop import at
from tollspan import export, litellm, runtime
from tollspan.record import Record
from tollspan_rater.config.sources import resolve
from tollspan_rater.domain.clock import FixedClock
from tollspan_rater.domain.entries import NewBatch
from tollspan_rater.ingest.admission import Admission, by_key
from tollspan_rater.ingest.event_http import PATH, events_endpoint
from tollspan_rater.ingest.events import EVENTS_MOST
from tollspan_rater.query.answer import Answer
from tollspan_rater.query.questions import question
from tollspan_rater.server.rater import Rater
from tollspan_rater.store.folder import Folder

NOW_NS = at("2026-07-20T12:00:00Z")
PRICES = """
card: models
currency: USD
per: 1M
prices: [{model: "gpt-4.1", input: 4, output: 16}]
---
plan: team
currency: USD
cards: [models]
"""


@pytest.fixture
def rater(tmp_path: Path) -> Iterator[Rater]:
    folder = Folder(tmp_path / "data")
    folder.create()
    running = Rater(folder, resolve({"data": str(folder.path)}, {}, tmp_path), FixedClock(NOW_NS))
    running.start()
    running.execute("pricing.apply", {"files": {"prices.yaml": PRICES}}, tenant="default", actor="test")
    running.execute("customer.set", {"customer": "cus_123", "plan": "team"}, tenant="default", actor="test")
    yield running
    running.close()


@pytest.fixture
def url(rater: Rater) -> Iterator[str]:
    admission = Admission(by_key(lambda _token: None, lambda: False), rater.submit, lambda: None, rater.clock)
    app = Starlette(routes=[Route(PATH, events_endpoint(admission), methods=["POST"])])
    server = Server(uvicorn.Config(app, port=0, log_level="error"))
    thread = threading.Thread(target=server.run)
    thread.start()
    assert server.ready.wait(30)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}{PATH}"
    server.should_exit = True
    thread.join()


def ask(rater: Rater, name: str, **params: str) -> Answer:
    rater.writer.wait_for(rater.journal.last_position, 30)
    read = question(name).read({key: [value] for key, value in params.items()})
    return rater.ask(name, read, tenant="default")


def rows(rater: Rater, sql: str) -> list[tuple[Any, ...]]:
    rater.writer.wait_for(rater.journal.last_position, 30)
    return rater.database.reader().execute(sql).fetchall()


def imported(rater: Rater, text: str | bytes, name: str = "events.jsonl") -> dict[str, Any]:
    body = text.encode() if isinstance(text, str) else text
    return dict(rater.import_stream(io.BytesIO(body), name=name, tenant="default", actor="test").body)


def by_http(rater: Rater, url: str) -> None:
    assert httpx.post(url, json=GUIDE).json()["events"] == 1


def by_list(rater: Rater, url: str) -> None:
    assert httpx.post(url, json=[GUIDE, GUIDE]).json()["events"] == 2


def wrapped(rater: Rater, url: str) -> None:
    data = {key: value for key, value in GUIDE.items() if key not in {"event_id", "event_type", "timestamp"}}
    event = {"specversion": "1.0", "id": "evt_1", "source": "", "type": GUIDE["event_type"], "data": data}
    event["time"] = GUIDE["timestamp"]
    body = json.dumps(event)
    assert httpx.post(url, content=body, headers={"content-type": "application/cloudevents+json"}).is_success


def in_headers(rater: Rater, url: str) -> None:
    data = {key: value for key, value in GUIDE.items() if key not in {"event_id", "event_type", "timestamp"}}
    headers = {"ce-specversion": "1.0", "ce-id": "evt_1", "ce-source": "", "ce-type": str(GUIDE["event_type"])}
    assert httpx.post(url, json=data, headers={**headers, "ce-time": str(GUIDE["timestamp"])}).is_success


def zipped(rater: Rater, url: str) -> None:
    headers = {"content-encoding": "gzip", "content-type": "application/json"}
    assert httpx.post(url, content=gzip.compress(json.dumps(GUIDE).encode()), headers=headers).is_success


def in_json_lines(rater: Rater, url: str) -> None:
    assert imported(rater, json.dumps(GUIDE) + "\n") == {"batches": 1, "spans": 1}


def in_csv(rater: Rater, url: str) -> None:
    assert imported(rater, ",".join(GUIDE) + "\r\n" + ",".join(map(str, GUIDE.values())) + "\r\n")["spans"] == 1


def told_by_the_application(rater: Rater, url: str) -> None:
    with collected(rater):
        runtime.record_usage(**GUIDE)


def told_by_litellm(rater: Rater, url: str) -> None:
    about = {"event_id": "evt_1", "customer": "cus_123", "user": "user_456", "workspace": "workspace_789",
             "feature": "ai_support_reply", "billable": True, "event_type": GUIDE["event_type"]}  # fmt: skip
    ended = datetime(2026, 7, 5, 10, 30, tzinfo=UTC)
    answer = {"model": "gpt-4.1", "usage": {"prompt_tokens": 1200, "completion_tokens": 350, "total_tokens": 1550}}
    call = {"litellm_params": {"metadata": about}, "custom_llm_provider": "openai", "response_cost": 0.0124,
            "litellm_call_id": "other"}  # fmt: skip
    with collected(rater):
        litellm.callback.log_success_event(call, answer, ended, ended)


class collected:  # noqa: N801 - reads as a word
    """Records of the application come to the rater as the bytes that would be sent."""

    def __init__(self, rater: Rater) -> None:
        self.rater, self.records = rater, list[Record]()

    def now_ns(self) -> int:
        return NOW_NS

    def emit(self, record: Record) -> None:
        self.records.append(record)

    def __enter__(self) -> None:
        runtime._running = self  # type: ignore[assignment]

    def __exit__(self, *_about: object) -> None:
        runtime._running = None
        assert len(self.records) == 1
        batch = NewBatch(NOW_NS, "default", "app", "otlp-proto", export.spans(self.records, {"service.name": "shop"}))
        self.rater.submit(batch).result()


WAYS = (by_http, by_list, wrapped, in_headers, zipped, in_json_lines, in_csv, told_by_the_application, told_by_litellm)


def test_nine_ways_of_telling_one_event_are_one_call(rater: Rater, url: str) -> None:
    for way in WAYS:
        way(rater, url)
    (call,) = ask(rater, "calls").rows
    assert (call["customer"], call["model"], call["input_tokens"], call["output_tokens"]) == (
        "cus_123", "gpt-4.1", 1200, 350)  # fmt: skip
    assert Decimal(str(call["charge"])) == Decimal("0.0104")
    assert Decimal(str(call["cost"])) == Decimal("0.0052")
    assert rows(rater, "SELECT fate, count(*) FROM fates GROUP BY fate") == [("duplicate", len(WAYS))], (
        "by_list tells it twice"
    )
    assert ask(rater, "audit", full="true").ok


def test_the_stated_cost_stands_beside_and_is_never_used(rater: Rater, url: str) -> None:
    by_http(rater, url)
    assert rows(rater, "SELECT reported_cost FROM calls") == [(Decimal("0.0124"),)]


def test_a_test_environment_is_used_and_costs_but_is_not_charged(rater: Rater, url: str) -> None:
    httpx.post(url, json={**GUIDE, "environment": "test"})
    (call,) = ask(rater, "calls").rows
    assert (call["reason"], Decimal(str(call["charge"])), Decimal(str(call["cost"]))) == (
        "test", Decimal(0), Decimal("0.0052"))  # fmt: skip


def test_tokens_without_a_split_are_stored_and_unpriced_where_directions_differ(rater: Rater, url: str) -> None:
    httpx.post(url, json={**LEAST, "input_tokens": None, "output_tokens": None, "total_tokens": 4_200_000,
                          "customer": "cus_123", "model": "gpt-4.1"})  # fmt: skip
    (call,) = ask(rater, "calls").rows
    assert call["charge"] is None
    assert "no price" in str(call["reason"])
    assert ask(rater, "audit", full="true").ok


def test_what_is_wrong_is_named_by_field_and_nothing_is_taken(rater: Rater, url: str) -> None:
    answer = httpx.post(url, json=[GUIDE, {**LEAST, "id": None}, {**LEAST, "input_tokens": "many"}])
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert [(one["index"], one["field"]) for one in answer.json()["problems"]] == [(1, "id"), (2, "input_tokens")]
    assert ask(rater, "calls").rows == []


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b"{", "application/json", 400),
        (b"3", "application/json", 400),
        (b"{}", "text/plain", 415),
        (b'{"specversion": "2.0"}', "application/cloudevents+json", 400),
        (b'{"specversion": "1.0", "id": "1", "data": 3}', "application/cloudevents+json", 400),
    ],
)
def test_what_is_no_event_is_refused(url: str, content: bytes, kind: str, status: int) -> None:
    assert httpx.post(url, content=content, headers={"content-type": kind}).status_code == status


def test_content_beside_the_fields_is_told_as_ignored_and_never_kept(rater: Rater, url: str) -> None:
    answer = httpx.post(url, json={**GUIDE, "prompt_text": "canary-4711"}).json()
    assert answer["ignored_fields"] == {"prompt_text": 1}
    assert not any(b"canary-4711" in entry.body for entry in rater.journal.read(0, max_entries=99, max_bytes=1 << 20)
                   if hasattr(entry, "received_ns"))  # fmt: skip


def test_lines_without_ids_are_told_by_file_and_line(rater: Rater) -> None:
    line = json.dumps({key: value for key, value in LEAST.items() if key != "id"})
    for _ in range(2):
        imported(rater, f"{line}\n{line}\n")
    assert len(ask(rater, "calls").rows) == 2
    imported(rater, f"{line}\n{line}\n\n")
    assert len(ask(rater, "calls").rows) == 4, "another file"


def test_a_line_that_cannot_be_read_is_named_and_its_neighbours_count(rater: Rater) -> None:
    told = imported(
        rater, "id,time,input_tokens\n1,2026-07-05T10:30:00Z,5\n2,yesterday,5\n3,2026-07-05T10:30:00Z,5,6\n"
    )
    assert (told["spans"], told["not_read"]) == (1, 2)
    assert told["unread"] == [
        "line 3: time: 'yesterday' is no instant; write it like 2026-07-05T10:30:00Z, with an offset",
        "line 4: line: has 4 cells, the header names 3; quote cells that hold commas",
    ]
    assert len(ask(rater, "calls").rows) == 1
    assert len(ask(rater, "quarantine.list").rows) == 2


def conflicts(rater: Rater) -> list[tuple[Any, ...]]:
    return rows(rater, "SELECT fate FROM fates ORDER BY position")


OTHERS = [{"input_tokens": 1300, "total_tokens": 1650}, {"customer_id": "cus_other"}, {"model": "gpt-4.1-mini"}]


@pytest.mark.parametrize("again", OTHERS)
def test_an_event_sent_again_with_other_numbers_is_a_conflict_and_the_first_holds(
    rater: Rater, url: str, again: dict[str, Any]
) -> None:
    for event in (GUIDE, GUIDE | again, GUIDE):
        assert httpx.post(url, json=event).status_code == 202
    (call,) = ask(rater, "calls").rows
    assert (call["customer"], call["model"], call["input_tokens"]) == ("cus_123", "gpt-4.1", 1200)
    assert conflicts(rater) == [("conflict",), ("duplicate",)]
    assert ask(rater, "audit", full="true").ok


def test_a_request_holds_10_000_events_at_most(rater: Rater, url: str) -> None:
    many = [{**LEAST, "id": f"e{number}"} for number in range(EVENTS_MOST + 1)]
    answer = httpx.post(url, json=many)
    assert answer.status_code == 400
    assert answer.json()["detail"] == "event 0: events: 10,001 are too many for one request; send at most 10,000"
    assert httpx.post(url, json=many[:-1], timeout=60).json()["events"] == EVENTS_MOST
    assert rows(rater, "SELECT count(*) FROM spans") == [(EVENTS_MOST,)]
