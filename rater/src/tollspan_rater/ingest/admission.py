"""What both doors share: a request is durable in the journal before anybody hears OK.

The order is fixed: limits, credential, back-pressure, strip, journal, answer.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, replace
from enum import StrEnum

from tollspan_rater.domain.clock import Clock
from tollspan_rater.domain.entries import Encoding, NewBatch
from tollspan_rater.domain.identity import Identity
from tollspan_rater.errors import TollspanError
from tollspan_rater.ingest.content import strip
from tollspan_rater.ingest.limits import DEFAULT_LIMITS, Limits
from tollspan_rater.ingest.wire import TooManySpansError

INGEST_SCOPE = "ingest"
DEFAULT_TENANT = "default"
_BEARER = "bearer "

log = logging.getLogger(__name__)


class Kind(StrEnum):
    """Why a request is not taken; each door has a table from here to its own codes."""

    UNAVAILABLE = "unavailable"  # come again: nothing was lost, nothing was taken
    UNAUTHENTICATED = "unauthenticated"  # final, by choice of ``auth.on_failure: reject``
    TOO_LARGE = "too_large"  # final: send smaller requests
    MALFORMED = "malformed"  # final: the transfer itself is broken, not what it carries
    UNSUPPORTED = "unsupported"  # final: another media type or compression is needed


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why nothing can be taken now, and after how many seconds to try again."""

    message: str
    retry_after: int


@dataclass(frozen=True, slots=True)
class Accepted:
    """The request is durable at this journal position."""

    position: int


@dataclass(frozen=True, slots=True)
class Refused:
    """The request was not taken; ``retry_after`` is in seconds, None when trying again is in vain.

    ``bad_key`` says that it is for its key, whatever the sender is told.
    """

    retry_after: int | None
    message: str
    kind: Kind
    bad_key: bool = False


Outcome = Accepted | Refused
Authenticate = Callable[[Mapping[str, str]], Identity | None]


def bearer_token(headers: Mapping[str, str]) -> str | None:
    """Return the token of an ``authorization: Bearer ...`` header (names in lower case), None without one."""
    value = headers.get("authorization", "")
    return value[len(_BEARER) :].strip() if value[: len(_BEARER)].lower() == _BEARER else None


def by_key(find: Callable[[str], Identity | None], required: Callable[[], bool]) -> Authenticate:
    """Make an authenticator from a look-up of keys.

    Without a token the tenant is ``default``, unless ``required()``. A token that nobody knows never passes:
    data of a mistyped key would end with the wrong tenant.
    """

    def authenticate(headers: Mapping[str, str]) -> Identity | None:
        token = bearer_token(headers)
        if token is not None:
            return find(token)
        return None if required() else Identity(DEFAULT_TENANT, "", frozenset({INGEST_SCOPE}))

    return authenticate


class Admission:
    """Takes requests from the doors into the journal; safe to call from many threads."""

    def __init__(
        self,
        authenticate: Authenticate,
        submit: Callable[[NewBatch], Future[int]],
        health: Callable[[], Refusal | None],
        clock: Clock,
        limits: Limits = DEFAULT_LIMITS,
        *,
        reject_bad_keys: bool = False,
        before_ok: Callable[[], None] = lambda: None,
        observe: Callable[[str, Outcome], None] = lambda _sender, _outcome: None,
    ) -> None:
        """Bind the parts.

        Args:
            authenticate: finds whose credential the headers (names in lower case) carry.
            submit: the journal's group commit; the future holds the position once it is durable.
            health: says why nothing may be taken now: a backlog, a full disk; None when all is well.
            clock: the time of reception.
            limits: what one request may cost.
            reject_bad_keys: answer a bad key finally instead of "come again".
            before_ok: called when the batch is durable, before the answer.
            observe: told of every outcome with the sender; for metrics.
        """
        self.limits = limits
        self._authenticate, self._submit, self._health, self._clock = authenticate, submit, health, clock
        self._reject_bad_keys, self._before_ok, self._observe = reject_bad_keys, before_ok, observe
        self._in_flight, self._lock = 0, threading.Lock()

    def receive(
        self, body: bytes, encoding: Encoding, headers: Mapping[str, str], peer: str, wait_seconds: float | None = None
    ) -> Outcome:
        """Take one decompressed request; returns when it is durable or refused, and never raises.

        ``peer`` is the sender's host without port; ``wait_seconds`` is what remains of the caller's deadline.
        """
        sender = peer
        try:
            with self._room(len(body)) as fits:
                if not fits:
                    outcome: Outcome = self._later("too many requests are being worked on")
                elif len(body) > self.limits.message_bytes:
                    outcome = self.too_large(len(body))
                else:
                    identity = self._authenticate(headers)
                    sender = identity.key_id or peer if identity else peer
                    outcome = self._admit(identity, body, encoding, sender, wait_seconds)
        except TooManySpansError as error:
            outcome = Refused(None, str(error), Kind.TOO_LARGE)
        except TollspanError as error:
            outcome = self._later(str(error))
        except Exception:  # an answer other than "come again" would make a Collector throw the data away
            log.exception("request of %s failed", sender)
            outcome = self._later("the receiver failed on this request; its log says why")
        if isinstance(outcome, Refused):
            log.warning("refused %d bytes from %s: %s", len(body), sender, outcome.message)
        self._observe(sender, outcome)
        return outcome

    def too_large(self, size: int) -> Refused:
        """Refuse a request by its size in bytes."""
        most = self.limits.message_bytes
        return Refused(
            None, f"a request of {size} bytes is over the limit of {most}; send smaller ones", Kind.TOO_LARGE
        )

    def _admit(
        self, identity: Identity | None, body: bytes, encoding: Encoding, sender: str, wait_seconds: float | None
    ) -> Outcome:
        if identity is None:
            return self._bad_key("no valid key: send 'authorization: Bearer KEY' (tollspan keys create)")
        if INGEST_SCOPE not in identity.scopes:
            return self._bad_key(f"key {identity.key_id} has not the scope '{INGEST_SCOPE}'")
        refusal = self._health()
        if refusal is not None:
            return Refused(refusal.retry_after, refusal.message, Kind.UNAVAILABLE)
        clean = strip(body, encoding, self.limits)
        batch = NewBatch(self._clock.now_ns(), identity.tenant, sender, clean.encoding, clean.body)
        wait = self.limits.commit_seconds if wait_seconds is None else min(wait_seconds, self.limits.commit_seconds)
        try:
            position = self._submit(batch).result(timeout=max(wait, 0))
        except TimeoutError:
            return self._later("the journal did not answer in time; a copy sent again is counted once")
        self._before_ok()
        return Accepted(position)

    def _bad_key(self, message: str) -> Refused:
        if self._reject_bad_keys:
            return Refused(None, message, Kind.UNAUTHENTICATED, bad_key=True)
        return replace(self._later(message), bad_key=True)

    def _later(self, message: str) -> Refused:
        return Refused(self.limits.retry_seconds, message, Kind.UNAVAILABLE)

    @contextmanager
    def _room(self, size: int) -> Iterator[bool]:
        """Hold a request's bytes against the bound on bytes in flight; False when they do not fit."""
        with self._lock:
            fits = not self._in_flight or self._in_flight + size <= self.limits.in_flight_bytes
            self._in_flight += size if fits else 0
        try:
            yield fits
        finally:
            with self._lock:
                self._in_flight -= size if fits else 0
