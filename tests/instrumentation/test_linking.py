"""Attempts of one logical call, told by the request itself or by what failed before."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import copy_context

import pytest

from tollspan.linking import Link, link, told_retries

SAME, OTHER = b"same", b"other"


def alone(test: Callable[[], None]) -> Callable[[], None]:
    """Run a test in a context of its own."""

    def run() -> None:
        copy_context().run(test)

    run.__name__ = test.__name__
    return run


def place(one: Link) -> tuple[int, str | None]:
    return one.attempt, one.retry_of


@alone
def test_what_requests_say_themselves_holds() -> None:
    assert place(link(SAME, "r1", 0)) == (1, None)
    assert place(link(SAME, "r2", 1)) == (2, "r1")
    assert place(link(SAME, "r3", 2)) == (3, "r1")
    assert place(link(SAME, "r4", 0)) == (1, None)
    assert place(link(OTHER, "r5", 1)) == (2, None)


@alone
def test_the_same_again_after_a_failure_is_a_retry() -> None:
    first = link(SAME, "r1", None)
    first.chain.failed = True
    second = link(SAME, "r2", None)
    assert (place(first), place(second)) == ((1, None), (2, "r1"))
    second.chain.failed = True
    assert place(link(SAME, "r3", None)) == (3, "r1")


@alone
def test_the_same_again_after_an_answer_is_a_call_of_its_own() -> None:
    link(SAME, "r1", None)
    assert place(link(SAME, "r2", None)) == (1, None)


@alone
def test_something_else_after_a_failure_is_a_call_of_its_own() -> None:
    link(SAME, "r1", None).chain.failed = True
    assert place(link(OTHER, "r2", None)) == (1, None)


@pytest.mark.parametrize(
    ("headers", "retries"),
    [
        ({"x-stainless-retry-count": "2"}, 2),
        ({"x-stainless-retry-count": "many"}, None),
        ({"amz-sdk-request": "attempt=3; max=5"}, 2),
        ({"amz-sdk-request": "ttl=20; attempt=1; max=5"}, 0),
        ({"amz-sdk-request": "max=5"}, None),
        ({}, None),
    ],
)
def test_headers_tell_how_often_it_was_sent(headers: dict[str, str], retries: int | None) -> None:
    assert told_retries(headers.get) == retries
