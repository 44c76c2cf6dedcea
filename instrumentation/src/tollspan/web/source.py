"""Where a web application's middleware finds for whom a request is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from tollspan.attribution import Scope
from tollspan.carrier import from_baggage, keys
from tollspan.guarded import safely
from tollspan.web.claim import claims

Resolve = Callable[[Any], Mapping[str, Any] | str | None]
Named = str | Mapping[str, str]
App = TypeVar("App")


@dataclass(frozen=True, slots=True)
class Source:
    """How to tell for whom a request is; what is said later here wins, key by key.

    ``baggage``: believe attribution in the request's W3C Baggage, for services that only one's own can reach.
    ``header``: the header that names the customer, or ``{key: header}``. ``jwt_claim``: a claim of the bearer token
    that names the customer, or ``{key: claim}``; the token is not verified here. ``resolve``: a function of the
    framework's request, which returns the customer, or keys as ``attribute`` takes them, or ``None``.
    """

    header: Named | None = None
    jwt_claim: Named | None = None
    resolve: Resolve | None = None
    baggage: bool = False

    def scope(self, request: Any, header: Callable[[str], str | None]) -> Scope:
        """Return the scope in which the request is to be answered; ``header`` looks one up, case-insensitively."""
        return Scope(safely(self._found, request, header) or {})

    def _found(self, request: Any, header: Callable[[str], str | None]) -> dict[str, Any]:
        steps = (self._from_baggage, self._from_headers, self._from_claims)
        found: dict[str, Any] = {}
        for step in steps:
            found.update(safely(step, header) or {})
        found.update(safely(self._resolved, request) or {})
        return found

    def _from_baggage(self, header: Callable[[str], str | None]) -> dict[str, Any]:
        return keys(from_baggage(header("baggage") or "")) if self.baggage else {}

    def _from_headers(self, header: Callable[[str], str | None]) -> dict[str, Any]:
        return {key: value for key, name in _named(self.header).items() if (value := header(name))}

    def _from_claims(self, header: Callable[[str], str | None]) -> dict[str, Any]:
        if self.jwt_claim is None:
            return {}
        found = claims(header("authorization"))
        return {key: value for key, name in _named(self.jwt_claim).items() if _plain(value := found.get(name))}

    def _resolved(self, request: Any) -> dict[str, Any]:
        found = None if self.resolve is None else self.resolve(request)
        return {"customer": found} if isinstance(found, str) else dict(found or {})


class Middleware(Generic[App]):
    """An application with a :class:`Source` in front of it."""

    def __init__(
        self,
        app: App,
        *,
        header: Named | None = None,
        jwt_claim: Named | None = None,
        resolve: Resolve | None = None,
        baggage: bool = False,
    ) -> None:
        self._app = app
        self._source = Source(header, jwt_claim, resolve, baggage)


def _named(given: Named | None) -> Mapping[str, str]:
    return {"customer": given} if isinstance(given, str) else given or {}


def _plain(value: Any) -> bool:
    return isinstance(value, str | int) and value != ""
