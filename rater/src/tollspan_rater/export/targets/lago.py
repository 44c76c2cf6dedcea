"""What the targets for Lago share: its address and credential, how it refuses, how it pages, how it signs.

Sources: getlago/lago-openapi 1.51.0, getlago/lago-api ``app/services``, getlago.com/docs/api-reference/rate-limits.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import replace
from http import HTTPStatus
from typing import Any, Final

from tollspan_rater.export.http import Answer, Http, Lost, Request
from tollspan_rater.export.rules import Rule
from tollspan_rater.export.settings import Settings

URL: Final = "https://api.getlago.com"
PAGE: Final = "100"
RULES: Final = (Rule(404, "not_taken"),)  # the address is wrong, not the item


class Lago:
    """Asks one organisation of Lago. ``settings.secrets`` has its API ``key``."""

    def __init__(self, settings: Settings) -> None:
        credential = {"Authorization": f"Bearer {settings.secret()}"}
        self._http = Http(settings.client, settings.url or URL, settings.clock, credential)

    def ask(self, request: Request) -> Answer | Lost:
        """Send one request; a refusal for its rate carries how long to wait, which Lago tells in its own header."""
        answer = self._http.ask(request)
        if isinstance(answer, Lost) or answer.status != HTTPStatus.TOO_MANY_REQUESTS or answer.after_s is not None:
            return answer
        reset = answer.headers.get("x-ratelimit-reset", "")
        return replace(answer, after_s=int(reset)) if reset.isdigit() else answer

    def close(self) -> None:
        """End the connections."""
        self._http.close()


def listing(name: str, query: Mapping[str, str]) -> Request:
    """Return how to ask for the first page of a list."""
    return Request("GET", f"/api/v1/{name}", query={**query, "page": "1", "per_page": PAGE})


def following(page: Mapping[str, Any], asked: Request) -> Request | None:
    """Return how to ask for the page behind one, ``None`` behind the last."""
    number = (page.get("meta") or {}).get("next_page")
    return None if number is None else asked.also(page=str(number))


def said(answer: Answer) -> tuple[str, str]:
    """Return Lago's code for a refusal and its details in words."""
    body = answer.document
    details = body.get("error_details")
    return str(body.get("code") or ""), wording(details) if isinstance(details, Mapping) else str(body.get("error", ""))


def wording(details: Mapping[str, Any]) -> str:
    """Put ``{"currency": ["value_is_invalid"]}`` as ``currency value_is_invalid``."""
    return ", ".join(f"{name} {' '.join(_texts(codes))}" for name, codes in details.items())


def _texts(codes: Any) -> Sequence[str]:
    return [str(code) for code in codes] if isinstance(codes, list) else [str(codes)]


def genuine(body: bytes, headers: Mapping[str, str], secret: str) -> bool:
    """Tell whether a notification carries the HMAC signature that Lago makes with its signature token."""
    told = {name.lower(): value for name, value in headers.items()}
    expected = base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest())
    right = hmac.compare_digest(expected, told.get("x-lago-signature", "").encode())
    return right and told.get("x-lago-signature-algorithm") == "hmac"
