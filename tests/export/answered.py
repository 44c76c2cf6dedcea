"""Targets to which everything is answered alike, and what is on its way to them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from http import HTTPStatus
from typing import Any

import httpx

from tests.export.case import Case, cases
from tests.export.faults import item
from tests.export.invoice import NOON_NS
from tollspan_rater.domain.clock import FixedClock
from tollspan_rater.export.draft import Draft
from tollspan_rater.export.settings import Settings
from tollspan_rater.export.target import Held, Sending, Unclear


def answering(case: Case, status: int, body: Any = None, headers: Mapping[str, str] | None = None) -> Settings:
    """Return the settings of a target that is answered so; without a ``body``, with something that is not JSON."""
    content = b"<html>" if body is None else json.dumps(body).encode()
    content = b"" if status == HTTPStatus.NO_CONTENT else content
    reply = httpx.MockTransport(lambda _request: httpx.Response(status, content=content, headers=headers))
    client = httpx.Client(transport=reply, trust_env=False)
    return Settings("test", client, FixedClock(NOON_NS), case.url, case.secrets, case.options)


def sendings(name: str, drafts: Sequence[Draft]) -> list[Sending]:
    """Return drafts on their way to a target for the first time, now."""
    case = cases()[name]
    target = case.target(httpx.MockTransport(lambda _request: httpx.Response(500)), FixedClock(NOON_NS))
    items = [item(case, target, draft, place) for place, draft in enumerate(drafts)]
    return [Sending(one.item_id, one.item_id, one.element, NOON_NS) for one in items]


def total(held: Held | Unclear | None) -> Decimal | None:
    """Return what a target says it has, None where it does not say."""
    return held.total if isinstance(held, Held) else None
