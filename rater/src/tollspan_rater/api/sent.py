"""An answer on its way out: its form by the Accept header, its position and its tag."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from tollspan_rater.api.accept import wished
from tollspan_rater.api.wire import ANSWER_TYPE, pack_answer
from tollspan_rater.query import render
from tollspan_rater.query.answer import Answer
from tollspan_rater.query.page import POLICY, as_html, is_invoice

HTML_TYPE: Final = "text/html"
JSON_TYPE: Final = "application/json"
POSITION_HEADER: Final = "Tollspan-Position"
ZONE_HEADER: Final = "Tollspan-Zone"
LINES_TYPES: Final = ("application/jsonl", "application/x-ndjson")  # two names of one form, neither registered
Body = Callable[[Answer, str | None], str]
_BARE: Final = ("text/csv", *LINES_TYPES)  # forms without the position


def sent(request: Request, answer: Answer, following: str | None) -> Response:
    """Return an answer in the wished form, or 304 when the asker has it already.

    ``following`` is the cursor of the next page. The tag is a digest of what is sent but for the position: while it
    stays, the answer does, and the header says up to which position.
    """
    accept = request.headers.get("Accept", "")
    media, body = _written(accept, answer, following)
    told = body if media in _BARE else _written(accept, replace(answer, as_of=0), following)[1]
    tag = f'W/"{hashlib.sha256(told).hexdigest()[:32]}"'
    headers = {
        "ETag": tag,
        "Vary": "Accept, Authorization",
        "Cache-Control": "private, no-cache",
        POSITION_HEADER: str(answer.as_of),
        ZONE_HEADER: answer.zone,
    }
    if following is not None and request.method != "POST":  # an address does not say what a body said
        headers["Link"] = f'<{_next(request, following)}>; rel="next"'
    if request.method != "POST" and _known(request.headers.get("If-None-Match", ""), tag):
        return Response(status_code=304, headers=headers)
    if media == HTML_TYPE:
        headers["Content-Security-Policy"] = POLICY
    return Response(body, media_type=media, headers=headers)


def _written(accept: str, answer: Answer, following: str | None) -> tuple[str, bytes]:
    media = wished(accept, (*_BODIES, HTML_TYPE) if is_invoice(answer) else tuple(_BODIES))
    if media == HTML_TYPE:
        return media, as_html(answer).encode()
    return media, _BODIES[media](answer, following).encode()


def _known(said: str, tag: str) -> bool:
    """Tell whether an If-None-Match header names the tag, by weak comparison (RFC 9110, 13.1.2)."""
    return any(one.strip().removeprefix("W/") in {tag.removeprefix("W/"), "*"} for one in said.split(","))


def _next(request: Request, following: str) -> str:
    given = [(name, value) for name, value in request.query_params.multi_items() if name != "cursor"]
    return f"{request.url.path}?{urlencode([*given, ('cursor', following)])}"


def _document(answer: Answer, following: str | None) -> str:
    return json.dumps({**render.document(answer), "next": following}, ensure_ascii=False, separators=(",", ":"))


_BODIES: Final[Mapping[str, Body]] = {
    JSON_TYPE: _document,
    "text/csv": lambda answer, _following: render.as_csv(answer),
    **dict.fromkeys(LINES_TYPES, lambda answer, _following: render.as_jsonl(answer)),
    ANSWER_TYPE: lambda answer, _following: json.dumps(pack_answer(answer), ensure_ascii=False),
}
