"""A real HTTP client against the HTTP door: what each hostile request is answered."""

from __future__ import annotations

import asyncio
import gzip
import json
from typing import Any

import httpx
import pytest
from google.rpc.status_pb2 import Status

from tollspan_rater.errors import JournalError, OverloadedError
from tollspan_rater.ingest.admission import Refusal
from tollspan_rater.ingest.limits import MIB, Limits
from tollspan_rater.ingest.otlp_http import traces_app

PROTO, JSON = "application/x-protobuf", "application/json"
BODIES = {PROTO: b"\x0a\x02\x12\x00", JSON: b'{"resourceSpans": []}'}


@pytest.fixture(params=[PROTO, JSON])
def media(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def post(door: httpx.Client, media: str, body: bytes, **headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return door.post("/v1/traces", content=body, headers={"content-type": media, **named})


def code(answer: httpx.Response) -> int:
    """Read the google.rpc.Status of an error in the encoding of the request."""
    if answer.headers["content-type"] == PROTO:
        return int(Status.FromString(answer.content).code)
    return int(answer.json()["code"])


def test_what_is_stored_is_answered_with_plain_ok(http_door: httpx.Client, rig: Any, media: str) -> None:
    bodies = (BODIES[media], b"garbage", b"")
    answers = [post(http_door, media, body) for body in bodies]
    answers.append(post(http_door, f"{media}; charset=utf-8", gzip.compress(BODIES[media]), content_encoding="gzip"))
    answers.append(post(http_door, media, BODIES[media], authorization="Bearer good"))
    for answer in answers:
        assert (answer.status_code, answer.headers["content-type"]) == (200, media)
        assert answer.content == {PROTO: b"", JSON: b"{}"}[media]
    encoding = {PROTO: "otlp-proto", JSON: "otlp-json"}[media]
    assert {batch.encoding for batch in rig.batches} == {encoding}
    assert [(batch.tenant, batch.sender) for batch in rig.batches] == [("default", "127.0.0.1")] * 4 + [
        ("acme", "key-7")
    ]
    assert rig.batches[3].body == BODIES[media]


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (gzip.compress(bytes(64 << 20), 1), {"content_encoding": "gzip"}, 413),
        (bytes(5 << 20), {}, 413),
        (b"plain", {"content_encoding": "gzip"}, 400),
        (gzip.compress(b"x" * 500)[:-4], {"content_encoding": "gzip"}, 400),
        (b"x", {"content_encoding": "br"}, 415),
        (b"x", {"authorization": "Bearer wrong"}, 503),
    ],
    ids=["bomb", "oversize", "no gzip", "cut gzip", "brotli", "wrong key"],
)
def test_a_hostile_request_gets_its_status(
    body: bytes, headers: dict[str, str], status: int, media: str, http_door: httpx.Client, rig: Any
) -> None:
    answer = post(http_door, media, body, **headers)
    assert answer.status_code == status
    assert answer.headers["content-type"] == media
    assert code(answer) > 0
    assert answer.headers.get("retry-after") == ("5" if status == 503 else None)
    assert rig.batches == []


def test_a_body_without_a_length_is_bounded_too(http_door: httpx.Client, rig: Any, media: str) -> None:
    parts = (bytes(1 << 20) for _ in range(8))
    answer = http_door.post("/v1/traces", content=parts, headers={"content-type": media})
    assert answer.status_code == 413
    assert rig.batches == []


@pytest.mark.parametrize("failure", [OverloadedError(5, 4), JournalError("no space left"), RuntimeError("a bug")])
def test_every_failure_asks_to_come_again(http_door: httpx.Client, rig: Any, media: str, failure: Exception) -> None:
    rig.failure = failure
    answer = post(http_door, media, BODIES[media])
    assert (answer.status_code, answer.headers["retry-after"], code(answer)) == (503, "5", 14)


def test_a_backlog_asks_to_come_again(http_door: httpx.Client, rig: Any, media: str) -> None:
    rig.refusal = Refusal("60 s behind", 60)
    answer = post(http_door, media, BODIES[media])
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "60")


def test_too_many_spans_are_final(http_door: httpx.Client, rig: Any) -> None:
    body = json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [{}] * 20_001}]}]}).encode()
    assert post(http_door, JSON, body).status_code == 413
    assert rig.batches == []


@pytest.mark.parametrize("path", ["/v1/metrics", "/v1/logs"])
def test_other_signals_are_not_taken(http_door: httpx.Client, path: str, media: str) -> None:
    answer = http_door.post(path, content=b"", headers={"content-type": media})
    assert (answer.status_code, code(answer)) == (404, 12)


def test_other_media_and_methods_are_not_taken(http_door: httpx.Client) -> None:
    answer = post(http_door, "text/plain", b"x")
    assert (answer.status_code, answer.headers["content-type"], answer.json()["code"]) == (415, JSON, 3)
    assert http_door.get("/v1/traces").status_code == 405


def answered(rig: Any, receive: Any, body_seconds: float = 5) -> int:
    """Call the application without a network, with a body that arrives as ``receive`` tells; returns the status."""
    admission = rig.admission()
    admission.limits = Limits(message_bytes=4 * MIB, body_seconds=body_seconds)
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [(b"content-type", PROTO.encode())]
    scope = {"type": "http", "method": "POST", "path": "/v1/traces", "headers": headers, "query_string": b""}
    asyncio.run(traces_app(admission)(scope, receive, send))
    return int(sent[0]["status"])


async def never() -> Any:
    await asyncio.Event().wait()


async def gone() -> Any:
    return {"type": "http.disconnect"}


async def endless() -> Any:
    return {"type": "http.request", "body": bytes(1 << 20), "more_body": True}


async def broken() -> Any:
    raise RuntimeError


@pytest.mark.parametrize(
    ("receive", "status"),
    [(never, 503), (gone, 400), (broken, 503), (endless, 413)],
    ids=["slow", "gone", "broken", "endless"],
)
def test_a_body_that_does_not_arrive(rig: Any, receive: Any, status: int) -> None:
    assert answered(rig, receive, body_seconds=0.1) == status
    assert rig.batches == []
