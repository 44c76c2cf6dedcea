"""``POST /v1/exports/{name}/notifications``: what a target tells later; its signature is the key."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tollspan_rater.errors import UsageError

PATH: Final = "/v1/exports/{name}/notifications"
MAX_BYTES: Final = 1 << 20

Notified = Callable[[str, Mapping[str, str], bytes], int]


def notifications(notified: Notified) -> Route:
    """Make the route; ``notified`` takes name, headers (small letters) and body, and gives what was taken back."""

    async def endpoint(request: Request) -> Response:
        body = bytearray()
        async for chunk in request.stream():
            body += chunk
            if len(body) > MAX_BYTES:
                raise UsageError(f"a notification may have {MAX_BYTES} bytes")
        count = await run_in_threadpool(
            notified, request.path_params["name"], dict(request.headers.items()), bytes(body)
        )
        return JSONResponse({"taken_back": count})

    return Route(PATH, endpoint, methods=["POST"])
