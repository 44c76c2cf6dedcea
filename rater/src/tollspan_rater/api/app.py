"""The HTTP API: every question of the table, every command, files to import.

``GET /v1/{question}`` (or ``POST`` for long parameters), ``POST /v1/commands/{kind}``,
``POST /v1/import?name=FILE``, ``GET /metrics`` for Prometheus;
without a key ``GET /healthz``, ``/openapi.json`` and ``/docs``.
"""

from __future__ import annotations

import io
import json
import os
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any, BinaryIO, Final, cast

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from tollspan_rater import errors
from tollspan_rater.api.access import (
    ACTOR_HEADER,
    LOCAL_KEY,
    Denied,
    Gate,
    allowed_params,
    require,
    visible,
)
from tollspan_rater.api.body import RequestBody
from tollspan_rater.api.docs_page import docs_page
from tollspan_rater.api.openapi import ALIASES, description
from tollspan_rater.api.page import PARAMS, page_of
from tollspan_rater.api.sent import sent
from tollspan_rater.api.wire import PROBLEM_TYPE, pack, problem
from tollspan_rater.domain.identity import Identity
from tollspan_rater.query import render
from tollspan_rater.query.commands import checked, command
from tollspan_rater.query.page import POLICY
from tollspan_rater.query.question import Param, Question
from tollspan_rater.query.questions import question
from tollspan_rater.query.rater import RaterDoor, Receipt

MAX_COMMAND_BYTES: Final = 8 * 2**20


Scrape = Callable[[str, str], tuple[bytes, str]]


def _nothing_measured(_tenant: str, _accept: str) -> tuple[bytes, str]:
    raise errors.NotFoundError("page", "/metrics", "tollspan serve has it.")


def create_app(
    rater: RaterDoor, local_token: str, scrape: Scrape = _nothing_measured, more: Sequence[BaseRoute] = ()
) -> Starlette:
    """Make the API before a rater, with other routes beside.

    Args:
        rater: who answers; called in worker threads, several at a time.
        local_token: the token of ``run.json``, at least 32 random bytes as text.
        scrape: gives a tenant's metrics and their media type for an Accept header.
        more: routes that stand beside.
    """
    doors = _Doors(rater, Gate(rater, local_token), scrape)
    return Starlette(
        routes=[
            Route("/healthz", doors.health),
            Route("/openapi.json", _description),
            Route("/docs", _docs),
            Route("/metrics", doors.metrics),
            Route("/v1/import", doors.import_file, methods=["POST"]),
            Route("/v1/commands/{kind}", doors.command, methods=["POST"]),
            Route("/v1/customers/{customer:path}/{question}", doors.question),  # a name may have a slash
            Route("/v1/{question}", doors.question, methods=["GET", "POST"]),
            *more,
        ],
        exception_handlers={
            errors.TollspanError: _on_tollspan_error,
            Denied: _on_denied,
            HTTPException: _on_http_exception,
            Exception: _on_surprise,
        },
    )


async def _description(_request: Request) -> Response:
    return JSONResponse(description())


async def _docs(_request: Request) -> Response:
    headers = {"Content-Security-Policy": POLICY}
    return Response(docs_page(description()), media_type="text/html", headers=headers)


class _Doors:
    """The endpoints."""

    def __init__(self, rater: RaterDoor, gate: Gate, scrape: Scrape) -> None:
        self._rater = rater
        self._gate = gate
        self._scrape = scrape

    async def health(self, _request: Request) -> Response:
        return JSONResponse({"ok": True, "pid": os.getpid()})

    async def metrics(self, request: Request) -> Response:
        """Give Prometheus the figures of the key's tenant; customers' money is among them."""
        who = await self._identify(request)
        require(who, "query")
        accept = request.headers.get("Accept", "")
        body, media = await run_in_threadpool(self._scrape, who.tenant, accept)
        return Response(body, headers={"Content-Type": media})

    async def question(self, request: Request) -> Response:
        """Answer a question of the table, as far as the key may ask it; a path may name the customer it is about."""
        who = await self._identify(request)
        name = request.path_params["question"]
        asked = question(ALIASES.get(name, name))
        given = await _given(request, asked)
        if "customer" in request.path_params:
            given["customer"] = [request.path_params["customer"]]
        allowed = allowed_params(who, asked, given)
        page = page_of(asked, allowed)
        params = asked.read(allowed if page is None else page.given)
        answer = await run_in_threadpool(self._rater.ask, asked.name, params, tenant=who.tenant)
        part, following = (answer, None) if page is None else page.cut(answer)
        return sent(request, visible(who, asked, part), following)

    async def command(self, request: Request) -> Response:
        """Execute a command of the table; its receipt comes when it is durable and applied."""
        who = await self._identify(request)
        kind = command(request.path_params["kind"])
        require(who, kind.scope)
        if kind.local and who.key_id != LOCAL_KEY:
            raise Denied(403, f"{kind.kind} names paths on the server's disk: run tollspan {kind.kind} there")
        body = checked(kind.kind, await _json_object(request))
        receipt = await run_in_threadpool(
            self._rater.execute, kind.kind, body, tenant=who.tenant, actor=_actor(who, request)
        )
        return _receipted(receipt)

    async def import_file(self, request: Request) -> Response:
        """Read an uploaded OTLP file through the pipeline, as it arrives."""
        who = await self._identify(request)
        require(who, "ingest")
        if set(request.query_params) - {"name"}:
            raise errors.UsageError("an import takes the parameter name, and no other")
        name = request.query_params.get("name") or "body.jsonl"
        body = cast("BinaryIO", io.BufferedReader(RequestBody(cast("AsyncIterator[bytes]", request.stream()))))
        receipt = await run_in_threadpool(
            self._rater.import_stream, body, name=name, tenant=who.tenant, actor=_actor(who, request)
        )
        return _receipted(receipt)

    async def _identify(self, request: Request) -> Identity:
        return await run_in_threadpool(self._gate.identify, request.headers)


def _receipted(receipt: Receipt) -> Response:
    return JSONResponse({"position": receipt.position, "body": render.plain(receipt.body), "$body": pack(receipt.body)})


def _actor(who: Identity, request: Request) -> str:
    return request.headers.get(ACTOR_HEADER, LOCAL_KEY) if who.key_id == LOCAL_KEY else f"key:{who.key_id}"


async def _given(request: Request, asked: Question) -> dict[str, list[str]]:
    """Return the raw parameters of a question: of the address, and of the body's JSON object."""
    kinds = {param.name: param for param in (*PARAMS, *asked.params)}
    given = {key: request.query_params.getlist(key) for key in request.query_params}
    said = await _json_object(request, float) if request.method == "POST" else {}
    return given | {name: _raw(name, value, kinds.get(name)) for name, value in said.items()}


_TYPES: Final[Mapping[str, tuple[type, ...]]] = {"int": (str, int), "flag": (str, bool)}


def _raw(name: str, value: Any, param: Param | None) -> list[str]:
    """Return a value of a JSON object as an address would have it.

    Raises:
        UsageError: it is of another type than the parameter.
    """
    if param is None or (param.kind == "json" and isinstance(value, dict | list)):
        return [json.dumps(value)]
    values = value if isinstance(value, list) and param.repeat else [value]
    types = _TYPES.get(param.kind, (str,))
    if not all(type(one) in types for one in values):
        raise errors.UsageError(f"{name} cannot be {json.dumps(value)[:100]}: it is of another type")
    return [one if isinstance(one, str) else json.dumps(one) for one in values]


async def _json_object(request: Request, fraction: Callable[[str], Any] = str) -> dict[str, Any]:
    """Return the body's JSON object; amounts of commands stay text, every digit of them."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_COMMAND_BYTES:
            raise errors.UsageError(f"a command may have {MAX_COMMAND_BYTES} bytes; send it in parts")
    try:
        said = json.loads(body or b"{}", parse_float=fraction)
    except ValueError as error:
        raise errors.UsageError(f"the body is no JSON: {error}") from error
    if not isinstance(said, dict):
        raise errors.UsageError("the body must be a JSON object")
    return said


def _problem(status: int, detail: str, headers: Mapping[str, str] | None = None) -> Response:
    body = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail}
    return JSONResponse(body, status, headers, PROBLEM_TYPE)


async def _on_tollspan_error(_request: Request, error: Exception) -> Response:
    said = problem(cast("errors.TollspanError", error))
    return JSONResponse(said, said["status"], media_type=PROBLEM_TYPE)


async def _on_denied(_request: Request, error: Exception) -> Response:
    denied = cast("Denied", error)
    unknown = denied.status == HTTPStatus.UNAUTHORIZED
    return _problem(denied.status, str(denied), {"WWW-Authenticate": "Bearer"} if unknown else None)


async def _on_http_exception(request: Request, error: Exception) -> Response:
    wrong, path = cast("HTTPException", error), request.url.path[:100]
    methods = ", ".join(sorted((wrong.headers or {}).get("Allow", "").split(", ")))
    details = {
        HTTPStatus.NOT_FOUND: f"nothing is at {path}: /docs tells what there is",
        HTTPStatus.METHOD_NOT_ALLOWED: f"{request.method} is not for {path}: send {methods}",
    }
    return _problem(wrong.status_code, details.get(HTTPStatus(wrong.status_code), wrong.detail), wrong.headers)


async def _on_surprise(_request: Request, _error: Exception) -> Response:
    return _problem(500, "an unexpected error; the server's log has it")
