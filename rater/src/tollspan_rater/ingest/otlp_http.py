"""OTLP/HTTP: POST /v1/traces with protobuf or JSON, plain or gzip (opentelemetry-proto, specification, "OTLP/HTTP")."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence

import orjson
from google.protobuf.json_format import MessageToDict
from google.rpc.status_pb2 import Status
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from tollspan_rater.domain.entries import Encoding
from tollspan_rater.ingest.admission import Admission, Kind, Outcome, Refused
from tollspan_rater.ingest.inflate import TooLargeError, gunzip

PROTOBUF, JSON = "application/x-protobuf", "application/json"
_ENCODINGS: Mapping[str, Encoding] = {PROTOBUF: "otlp-proto", JSON: "otlp-json"}
_STORED = {PROTOBUF: b"", JSON: b"{}"}  # an ExportTraceServiceResponse without partial_success

# kind -> (HTTP status, google.rpc.Code)
_STATUSES = {
    Kind.UNAVAILABLE: (503, 14),
    Kind.UNAUTHENTICATED: (401, 16),
    Kind.TOO_LARGE: (413, 8),
    Kind.MALFORMED: (400, 3),
    Kind.UNSUPPORTED: (415, 3),
}
_UNIMPLEMENTED = 12

log = logging.getLogger(__name__)


def traces_app(admission: Admission, more: Sequence[Route] = ()) -> Starlette:
    """Make the application, with ``more`` routes beside.

    /v1/metrics and /v1/logs are 404: nothing here would ever count them.
    """
    return Starlette(
        routes=[
            Route("/v1/traces", _traces(admission), methods=["POST"]),
            Route("/v1/metrics", _unimplemented, methods=["POST"]),
            Route("/v1/logs", _unimplemented, methods=["POST"]),
            *more,
        ],
    )


def _traces(admission: Admission) -> Callable[[Request], Awaitable[Response]]:
    async def traces(request: Request) -> Response:
        media = media_type(request)
        try:
            outcome = await _outcome(admission, request, media)
        except ClientDisconnect:
            outcome = Refused(None, "the sender went away", Kind.MALFORMED)
        except Exception:  # a sender repeats only after 429, 502, 503 and 504
            log.exception("export failed")
            outcome = Refused(admission.limits.retry_seconds, "the receiver failed", Kind.UNAVAILABLE)
        if isinstance(outcome, Refused):
            return _refusal(outcome, media)
        return Response(_STORED[media], media_type=media)

    return traces


async def _outcome(admission: Admission, request: Request, media: str) -> Outcome:
    encoding = _ENCODINGS.get(media)
    if encoding is None:
        return Refused(None, f"content-type must be {PROTOBUF} or {JSON}", Kind.UNSUPPORTED)
    body = await body_of(admission, request)
    if isinstance(body, Refused):
        return body
    peer = request.client.host if request.client else ""
    return await run_in_threadpool(admission.receive, body, encoding, dict(request.headers), peer)


async def body_of(admission: Admission, request: Request) -> bytes | Refused:
    """Read a request's body, plain or gzip, within the limits of size and time."""
    compression = request.headers.get("content-encoding", "identity").strip().lower()
    if compression not in ("identity", "gzip"):
        return Refused(None, "content-encoding must be gzip or absent", Kind.UNSUPPORTED)
    most = admission.limits.message_bytes
    try:
        async with asyncio.timeout(admission.limits.body_seconds):
            body = await _body(request, most)
        return await run_in_threadpool(gunzip, body, most) if compression == "gzip" else body
    except TimeoutError:
        return Refused(admission.limits.retry_seconds, "the body did not arrive in time", Kind.UNAVAILABLE)
    except TooLargeError as error:
        return Refused(None, f"{error}; send smaller requests", Kind.TOO_LARGE)
    except ValueError as error:
        return Refused(None, str(error), Kind.MALFORMED)


async def _body(request: Request, most: int) -> bytes:
    """Read the body as it was sent, at most so many bytes; one that announces more is not read at all."""
    announced = request.headers.get("content-length", "")
    if announced.isdigit() and int(announced) > most:
        raise TooLargeError(most)
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > most:
            raise TooLargeError(most)
        parts.append(part)
    return b"".join(parts)


def media_type(request: Request) -> str:
    """Return the media type that a request claims, without parameters."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def _refusal(refused: Refused, media: str) -> Response:
    status, code = _STATUSES[refused.kind]
    headers = {} if refused.retry_after is None else {"Retry-After": str(refused.retry_after)}
    return _error(status, Status(code=code, message=refused.message), media, headers)


async def _unimplemented(request: Request) -> Response:
    message = "only traces are taken here: POST /v1/traces"
    return _error(404, Status(code=_UNIMPLEMENTED, message=message), media_type(request), {})


def _error(http_status: int, status: Status, media: str, headers: Mapping[str, str]) -> Response:
    """Answer with a google.rpc.Status in the encoding of the request, JSON where that is neither."""
    if media == PROTOBUF:
        return Response(status.SerializeToString(), http_status, headers, PROTOBUF)
    return Response(orjson.dumps(MessageToDict(status)), http_status, headers, JSON)
