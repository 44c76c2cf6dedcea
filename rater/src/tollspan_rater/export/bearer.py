"""Requests that carry a token, which is asked for when it is needed and renewed before it ends (RFC 6749)."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Final

from tollspan_rater.domain.clock import Clock
from tollspan_rater.export.http import Answer, Http, Lost, Request
from tollspan_rater.export.rules import at

_SECOND: Final = 1_000_000_000
_EARLY_S: Final = 60  # a token is renewed so long before its end
_LEAST_S: Final = 300  # what a token without a stated end is trusted for


class Bearer:
    """Asks one target with the token that ``issuer`` gives for ``asked``; the credential is in ``asked`` alone."""

    def __init__(self, http: Http, issuer: Http, asked: Request, clock: Clock) -> None:
        self._http, self._issuer, self._asked, self._clock = http, issuer, asked, clock
        self._token, self._until_ns = "", 0

    def ask(self, request: Request) -> Answer | Lost:
        """Send a request; without a token it does not leave."""
        if self._clock.now_ns() >= self._until_ns:
            answer = self._issuer.ask(self._asked)
            token = at(answer.body, "access_token") if isinstance(answer, Answer) else ""
            if not token or not isinstance(answer, Answer):
                why = f"HTTP {answer.status}" if isinstance(answer, Answer) else answer.why
                return Lost(f"no token was given: {why}", left=False)
            lasts_s = int(Decimal(str(answer.body.get("expires_in") or _LEAST_S)))
            self._token, self._until_ns = token, self._clock.now_ns() + max(0, lasts_s - _EARLY_S) * _SECOND
        return self._http.ask(replace(request, headers={**request.headers, "Authorization": f"Bearer {self._token}"}))

    def close(self) -> None:
        """End the connections."""
        self._http.close()
        self._issuer.close()
