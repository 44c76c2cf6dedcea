"""Which attempts belong to one logical call: the first one, and what is sent again after it failed."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import NamedTuple

# Header -> how the number of earlier attempts is told in it. The official SDKs of OpenAI and Anthropic and what was
# generated alike say it in every attempt; AWS SDKs count attempts from one.
RETRY_COUNT_HEADER = "x-stainless-retry-count"
AWS_ATTEMPT_HEADER = "amz-sdk-request"


@dataclass(slots=True)
class Chain:
    """The attempts of one logical call so far; ``failed``: of the last nothing came that a caller can use."""

    fingerprint: int
    first: str
    attempts: int = 1
    failed: bool = False


class Link(NamedTuple):
    """An attempt's place: its number from 1, and the record of the first where it is not that itself."""

    chain: Chain
    attempt: int
    retry_of: str | None


# The logical call that this task or thread is in, or was in last.
_last: ContextVar[Chain | None] = ContextVar("tollspan_last_call", default=None)


def link(fingerprint: int, record_id: str, retries: int | None) -> Link:
    """Find an attempt's place.

    ``retries`` is what the request says itself. Where it says nothing, the same request again after a failed one is
    its retry, whoever repeats it; after an answer it is a call of its own.
    """
    chain = _last.get()
    if chain is None or chain.fingerprint != fingerprint or not (chain.failed if retries is None else retries):
        chain = Chain(fingerprint, record_id)
        _last.set(chain)
        return Link(chain, (retries or 0) + 1, None)
    chain.attempts = chain.attempts + 1 if retries is None else retries + 1
    chain.failed = False
    return Link(chain, chain.attempts, chain.first)


def told_retries(header: Callable[[str], str | None]) -> int | None:
    """Return how often a request was sent before, as its headers say; ``None`` where they say nothing."""
    if (count := header(RETRY_COUNT_HEADER)) and count.isdecimal():
        return int(count)
    if not (told := header(AWS_ATTEMPT_HEADER)):
        return None
    for item in told.split(";"):
        name, _, number = item.strip().partition("=")
        if name == "attempt" and number.isdecimal():
            return max(int(number) - 1, 0)
    return None
