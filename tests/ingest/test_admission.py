"""The order of admission, and that nothing but durability is answered with Accepted."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import Any

import pytest

from tollspan_rater.domain.clock import FixedClock
from tollspan_rater.domain.entries import NewBatch
from tollspan_rater.domain.identity import Identity
from tollspan_rater.errors import JournalError, OverloadedError
from tollspan_rater.ingest.admission import Accepted, Admission, Kind, Refusal, Refused, bearer_token, by_key
from tollspan_rater.ingest.limits import Limits

BODY = b"\x0a\x02\x12\x00"
KEY = Identity("acme", "key-7", frozenset({"ingest"}))


class Journal:
    """Remembers what is submitted and answers as it is told."""

    def __init__(self, answer: Callable[[Future[int]], None] = lambda future: future.set_result(7)) -> None:
        self.answer, self.batches = answer, list[NewBatch]()

    def submit(self, batch: NewBatch) -> Future[int]:
        self.batches.append(batch)
        future: Future[int] = Future()
        self.answer(future)
        return future


def admission(journal: Journal, **changes: Any) -> Admission:
    parts: dict[str, Any] = {
        "authenticate": lambda _headers: KEY,
        "submit": journal.submit,
        "health": lambda: None,
        "clock": FixedClock(5),
        "limits": Limits(message_bytes=2000, spans=3, commit_seconds=0.01),
    }
    return Admission(**{**parts, **changes})


def test_what_is_journaled_names_tenant_sender_and_time() -> None:
    journal, heard = Journal(), []
    taken = admission(journal, observe=lambda *event: heard.append(event)).receive(BODY, "otlp-proto", {}, "10.0.0.7")
    assert taken == Accepted(7)
    assert journal.batches == [NewBatch(5, "acme", "key-7", "otlp-proto", BODY)]
    assert heard == [("key-7", Accepted(7))]


def test_without_a_key_the_sender_is_the_host() -> None:
    journal = Journal()
    open_door = by_key(lambda _token: None, required=lambda: False)
    admission(journal, authenticate=open_door).receive(BODY, "otlp-proto", {}, "10.0.0.7")
    assert (journal.batches[0].tenant, journal.batches[0].sender) == ("default", "10.0.0.7")


def raising(error: Exception) -> Callable[..., Any]:
    def fail(*_: object) -> Any:
        raise error

    return fail


LATER = Kind.UNAVAILABLE
REFUSALS: dict[str, tuple[bytes, dict[str, Any], Kind, int | None, str]] = {
    "oversize": (b"x" * 2001, {}, Kind.TOO_LARGE, None, "2001 bytes"),
    "too many spans": (b"\x0a\x0a\x12\x08" + b"\x12\x00" * 4, {}, Kind.TOO_LARGE, None, "3 spans"),
    "no key": (BODY, {"authenticate": lambda _: None}, LATER, 5, "no valid key"),
    "no key, rejected": (
        BODY,
        {"authenticate": lambda _: None, "reject_bad_keys": True},
        Kind.UNAUTHENTICATED,
        None,
        "no valid key",
    ),
    "wrong scope": (BODY, {"authenticate": lambda _: Identity("a", "k", frozenset({"query"}))}, LATER, 5, "scope"),
    "key store down": (BODY, {"authenticate": raising(OSError("down"))}, LATER, 5, "its log"),
    "backlog": (BODY, {"health": lambda: Refusal("60 s behind", 30)}, LATER, 30, "60 s behind"),
    "health down": (BODY, {"health": raising(RuntimeError("x"))}, LATER, 5, "its log"),
    "overloaded": (BODY, {"submit": raising(OverloadedError(99, 64))}, LATER, 5, "99 bytes wait"),
    "journal dead": (BODY, {"submit": raising(JournalError("disk is full"))}, LATER, 5, "disk is full"),
    "before_ok fails": (BODY, {"before_ok": raising(RuntimeError("x"))}, LATER, 5, "its log"),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_a_refusal_says_why_and_whether_to_come_again(case: str) -> None:
    body, changes, kind, retry_after, words = REFUSALS[case]
    journal = Journal()
    refused = admission(journal, **changes).receive(body, "otlp-proto", {}, "10.0.0.7")
    assert isinstance(refused, Refused)
    assert (refused.kind, refused.retry_after) == (kind, retry_after)
    assert words in refused.message
    assert len(journal.batches) == (case == "before_ok fails")


@pytest.mark.parametrize(
    "answer",
    [
        lambda future: future.set_exception(JournalError("fsync failed")),
        lambda future: future.set_exception(OverloadedError(5, 4)),
        lambda future: future.set_exception(ValueError("a bug")),
        lambda future: future.cancel(),
        lambda _future: None,
    ],
    ids=["fsync", "overload", "bug", "cancelled", "silence"],
)
def test_a_batch_that_is_not_durable_is_never_accepted(answer: Any) -> None:
    refused = admission(Journal(answer)).receive(BODY, "otlp-proto", {}, "10.0.0.7")
    assert isinstance(refused, Refused)
    assert (refused.kind, refused.retry_after) == (LATER, 5)


def test_a_deadline_that_is_over_is_not_waited_for() -> None:
    refused = admission(Journal(lambda _: None), limits=Limits()).receive(BODY, "otlp-proto", {}, "h", wait_seconds=-1)
    assert isinstance(refused, Refused)


def test_the_hook_runs_between_durability_and_answer() -> None:
    journal = Journal()
    seen: list[int] = []
    admission(journal, before_ok=lambda: seen.append(len(journal.batches))).receive(BODY, "otlp-proto", {}, "h")
    assert seen == [1]


def test_bytes_in_flight_are_bounded() -> None:
    """A second request waits outside while the first one holds all the room; afterwards there is room again."""
    inside, leave = threading.Event(), threading.Event()

    def slow(future: Future[int]) -> None:
        inside.set()
        leave.wait(10)
        future.set_result(1)

    door = admission(Journal(slow), limits=Limits(in_flight_bytes=len(BODY)))
    first = threading.Thread(target=door.receive, args=(BODY, "otlp-proto", {}, "h"))
    first.start()
    assert inside.wait(10)
    refused = door.receive(BODY, "otlp-proto", {}, "h")
    leave.set()
    first.join()
    assert isinstance(refused, Refused)
    assert refused.kind is LATER
    assert door.receive(BODY, "otlp-proto", {}, "h") == Accepted(1)


@pytest.mark.parametrize(
    ("headers", "required", "expected"),
    [
        ({}, False, "default"),
        ({}, True, None),
        ({"authorization": "Bearer good"}, False, "acme"),
        ({"authorization": "bearer  good "}, True, "acme"),
        ({"authorization": "Bearer wrong"}, False, None),
        ({"authorization": "Bearer "}, False, None),
        ({"authorization": "Basic good"}, True, None),
    ],
)
def test_keys(headers: Mapping[str, str], required: bool, expected: str | None) -> None:
    found = by_key({"good": KEY}.get, required=lambda: required)(headers)
    assert (found.tenant if found else None) == expected


def test_a_token_is_only_a_bearer_token() -> None:
    assert bearer_token({}) is None
    assert bearer_token({"authorization": "Token x"}) is None
