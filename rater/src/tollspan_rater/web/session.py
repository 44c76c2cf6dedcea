"""Who is signed in at the pages: a browser holds a random name, the server what stands behind it."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Final

from tollspan_rater.api.access import LOCAL_KEY, TENANT_HEADER, Denied, Gate
from tollspan_rater.domain.clock import Clock
from tollspan_rater.domain.identity import Identity

LASTS_S: Final = 12 * 3600
MOST: Final = 1_000  # sessions at a time; the one signed in longest ago gives way
_NS: Final = 1_000_000_000


@dataclass(frozen=True, slots=True)
class _Session:
    credential: Mapping[str, str] = field(repr=False)
    until_ns: int


class Sessions:
    """Sessions in memory: they end with the process, after ``LASTS_S`` seconds, or when their key is revoked.

    ``new_name`` draws an unguessable name, for production ``secrets.token_urlsafe``.
    """

    def __init__(self, gate: Gate, clock: Clock, new_name: Callable[[], str]) -> None:
        self._gate, self._clock, self._new_name = gate, clock, new_name
        self._lock = threading.Lock()
        self._known: OrderedDict[str, _Session] = OrderedDict()

    def begin(self, key: str, tenant: str, peer: str | None) -> str:
        """Sign in with a key, or with the local token from this machine; return the session's name.

        ``tenant`` may be empty: then it is the key's own, or ``default`` for the local token.

        Raises:
            Denied: the credential is wrong, or may not be used from ``peer``.
        """
        credential = {"Authorization": f"Bearer {key}"} | ({TENANT_HEADER: tenant} if tenant else {})
        self._identify(credential, peer)
        name = self._new_name()
        with self._lock:
            while len(self._known) >= MOST:
                self._known.popitem(last=False)
            self._known[name] = _Session(credential, self._clock.now_ns() + LASTS_S * _NS)
        return name

    def identity(self, name: str, peer: str | None) -> Identity:
        """Return who is signed in under a name; the key is looked up again, so a revoked one is out at once.

        Raises:
            Denied: nobody, no longer, or not from ``peer``.
        """
        with self._lock:
            session = self._known.get(name)
        if session is None or session.until_ns <= self._clock.now_ns():
            self.end(name)
            raise Denied(401, "sign in to see this page")
        return self._identify(session.credential, peer)

    def end(self, name: str) -> None:
        """Sign out."""
        with self._lock:
            self._known.pop(name, None)

    def _identify(self, credential: Mapping[str, str], peer: str | None) -> Identity:
        found = self._gate.identify(credential)
        if found.key_id == LOCAL_KEY and not _is_loopback(peer):
            raise Denied(401, "the local token opens the pages on this machine only; tollspan keys create makes a key")
        return found


def _is_loopback(peer: str | None) -> bool:
    try:
        return peer is not None and ip_address(peer).is_loopback
    except ValueError:
        return False
