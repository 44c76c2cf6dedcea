"""What Chargebee's interfaces have in common: address, credential, errors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from tollspan_rater.export.credential import basic
from tollspan_rater.export.http import Answer, Http, Request
from tollspan_rater.export.rules import Rule, at
from tollspan_rater.export.settings import Settings

SECOND: Final = 1_000_000_000
EVENT_BATCHES_A_SECOND: Final = 0.3  # 10,000 events a minute, in batches of 500

# https://apidocs.chargebee.com/docs/api/error-handling: a lock held by another request, or too many of them.
RULES: Final = (Rule(409, "not_taken", "api_request_limit_exceeded"), Rule(429, "not_taken"))


def connect(settings: Settings, host: str) -> Http:
    """Return the way to a site's API; ``host`` has a place for the option ``site``, the secret ``key`` opens it."""
    url = settings.url or f"https://{host.format(site=settings.option('site'))}/api/v2"
    return Http(settings.client, url, settings.clock, {"Authorization": basic(settings.secret())})


def following(page: Mapping[str, Any], asked: Request) -> Request | None:
    """Return how to ask for the page of a list behind one, ``None`` behind the last."""
    offset = at(page, "next_offset")
    return asked.also(offset=offset) if offset else None


def said(answer: Answer) -> tuple[str, str]:
    """Return code and sentence of an error."""
    return at(answer.body, "api_error_code"), at(answer.body, "message")
