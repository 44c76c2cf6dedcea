"""POST /v1/events: usage events by HTTP, as JSON or CloudEvents, plain or gzip; durable before the answer."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

import orjson
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from tollspan.event import Event
from tollspan.export import spans
from tollspan_rater.ingest.admission import Accepted, Admission, Kind, Outcome, Refused
from tollspan_rater.ingest.events import MEDIA, EventsError, read_body
from tollspan_rater.ingest.otlp_http import body_of, media_type

PATH: Final = "/v1/events"
PROBLEM: Final = "application/problem+json"
_STATUSES: Final = {
    Kind.UNAVAILABLE: 503,
    Kind.UNAUTHENTICATED: 401,
    Kind.TOO_LARGE: 413,
    Kind.MALFORMED: 400,
    Kind.UNSUPPORTED: 415,
}

log = logging.getLogger(__name__)


def events_endpoint(admission: Admission) -> Callable[[Request], Awaitable[Response]]:
    """Make the endpoint: 202 with what was taken, or a problem that names the field; all events, or none."""

    async def events(asked: Request) -> Response:
        try:
            return await _answer(admission, asked)
        except ClientDisconnect:
            return _problem(400, "the sender went away")
        except Exception:  # whatever fails here, the sender shall send again
            log.exception("taking events failed")
            return _refused(Refused(admission.limits.retry_seconds, "the receiver failed", Kind.UNAVAILABLE))

    return events


async def _answer(admission: Admission, asked: Request) -> Response:
    media = media_type(asked)
    if media not in MEDIA:
        return _refused(Refused(None, f"content-type must be one of {', '.join(MEDIA)}", Kind.UNSUPPORTED))
    body = await body_of(admission, asked)
    if isinstance(body, Refused):
        return _refused(body)
    headers = dict(asked.headers)
    try:
        events = await run_in_threadpool(read_body, body, headers)
    except EventsError as error:
        told = [
            {"index": one.index, "field": one.field, "problem": one.problem, "remedy": one.remedy}
            for one in error.problems
        ]
        return _problem(400, str(error), problems=told)
    peer = asked.client.host if asked.client else ""
    outcome: Outcome = await run_in_threadpool(admission.receive, spans(events), "otlp-proto", headers, peer)
    return _taken(outcome, events) if isinstance(outcome, Accepted) else _refused(outcome)


def _taken(outcome: Accepted, events: Sequence[Event]) -> Response:
    ignored = Counter(name for event in events for name in event.ignored)
    body = {"events": len(events), "position": outcome.position, "ignored_fields": dict(sorted(ignored.items()))}
    return Response(orjson.dumps(body), 202, media_type="application/json")


def _refused(refused: Refused) -> Response:
    headers = {} if refused.retry_after is None else {"Retry-After": str(refused.retry_after)}
    return _problem(_STATUSES[refused.kind], refused.message, headers)


def _problem(status: int, detail: str, headers: Mapping[str, str] | None = None, **more: Any) -> Response:
    """Answer as RFC 9457 has it."""
    body = {"type": "about:blank", "title": "events were not taken", "status": status, "detail": detail, **more}
    return Response(orjson.dumps(body), status, headers, PROBLEM)
