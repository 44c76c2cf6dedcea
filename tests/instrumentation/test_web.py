"""Where the attribution of a request reaches: views, sync and async, streamed bodies, background tasks, threads."""

from __future__ import annotations

import asyncio
import base64
import json
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import django
import flask
import pytest
from django.conf import settings as django_settings
from django.http import HttpResponse, StreamingHttpResponse
from fastapi import BackgroundTasks, Depends, FastAPI, Request
from fastapi.responses import StreamingResponse
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.testclient import TestClient
from werkzeug.test import Client

import tollspan
from tollspan import threads
from tollspan.web import asgi, wsgi
from tollspan.web.fastapi import attribution
from tollspan.web.flask import init_app
from tollspan.web.source import Source

HEADERS = {"x-customer-id": "acme"}


def customer() -> str:
    return str(tollspan.current().values.get("customer"))


def token(**claims: Any) -> str:
    return ".".join(
        base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in ({}, claims, 0)
    )


# --- FastAPI and Starlette -------------------------------------------------------------------
async def endpoint() -> str:
    return customer()


def sync_endpoint() -> str:
    return customer()


async def by_create_task() -> str:
    return await asyncio.create_task(endpoint())


async def by_to_thread() -> str:
    return await asyncio.to_thread(customer)


async def async_stream() -> StreamingResponse:
    async def pieces() -> AsyncIterator[str]:
        yield customer()
        await asyncio.sleep(0)
        yield customer()

    return StreamingResponse(pieces())


def sync_stream() -> StreamingResponse:
    return StreamingResponse(customer() for _ in range(2))


async def background(tasks: BackgroundTasks, request: Request) -> None:
    tasks.add_task(lambda: request.app.state.later.append(customer()))


async def later(request: Request) -> str:
    return str(request.app.state.later.pop())


async def by_executor() -> str:
    return await asyncio.get_running_loop().run_in_executor(None, customer)


async def async_background(tasks: BackgroundTasks, request: Request) -> None:
    async def task() -> None:
        request.app.state.later.append(customer())

    tasks.add_task(task)


# Cells by their words in docs/concepts/attribution.md: the endpoint, and what it says.
CELLS: dict[str, tuple[str, str]] = {
    "an async view": ("endpoint", "acme"),
    "a sync view": ("sync_endpoint", "acme"),
    "`create_task` in it": ("by_create_task", "acme"),
    "`asyncio.to_thread` in it": ("by_to_thread", "acme"),
    "an executor's job in it": ("by_executor", "acme"),
    "an async streamed body": ("async_stream", "acmeacme"),
    "a sync streamed body": ("sync_stream", "acmeacme"),
    "an async background task": ("async_background", "acme"),
    "a sync background task": ("background", "acme"),
}


def fastapi_app(*dependencies: Any) -> FastAPI:
    app = FastAPI(dependencies=dependencies)
    app.state.later = []
    for name in (*(endpoint for endpoint, _said in CELLS.values()), "later"):
        app.get(f"/{name}", response_model=None)(globals()[name])
    return app


def asgi_middleware() -> Any:
    return asgi.AttributionMiddleware(fastapi_app(), header="x-customer-id")


def added_middleware() -> Any:
    app = fastapi_app()
    app.add_middleware(asgi.AttributionMiddleware, header="x-customer-id")
    return app


def dependency() -> Any:
    return fastapi_app(Depends(attribution(header="x-customer-id")))


class OfOnesOwn(BaseHTTPMiddleware):
    async def dispatch(self, request: Any, call_next: Any) -> Any:
        with tollspan.attribute(customer=request.headers.get("x-customer-id")):
            return await call_next(request)


def base_http_middleware() -> Any:
    app = fastapi_app()
    app.add_middleware(OfOnesOwn)
    return app


ASGI: dict[str, Callable[[], Any]] = {
    "ASGI middleware": asgi_middleware,
    "`add_middleware`": added_middleware,
    "FastAPI dependency": dependency,
    "`BaseHTTPMiddleware`": base_http_middleware,
}


@pytest.fixture
def carrying() -> Iterator[None]:
    threads.put_in(threads=False)
    yield
    threads.take_out()


@pytest.mark.usefixtures("carrying")
@pytest.mark.parametrize("way", ASGI)
@pytest.mark.parametrize("cell", CELLS)
def test_asgi_reaches(cell: str, way: str) -> None:
    endpoint, wanted = CELLS[cell]
    with TestClient(ASGI[way]()) as client:
        said = client.get(f"/{endpoint}", headers=HEADERS).text
        if endpoint.endswith("background"):
            said = client.get("/later").text
        assert said.replace('"', "") == wanted
        assert client.get("/endpoint").json() == "None"


def test_a_sync_dependency_reaches_nothing() -> None:
    def sync_one() -> Iterator[None]:
        with tollspan.attribute(customer="acme"):
            yield

    with TestClient(fastapi_app(Depends(sync_one))) as client:
        assert client.get("/endpoint").json() == "None"


def test_a_stream_made_inside_a_scope_of_the_endpoint_falls_back_to_the_request() -> None:
    app = FastAPI()

    @app.get("/")
    async def endpoint() -> StreamingResponse:
        with tollspan.attribute(customer="inner"):
            return StreamingResponse(customer() for _ in range(1))

    with TestClient(asgi.AttributionMiddleware(app, header="x-customer-id")) as client:
        assert client.get("/", headers=HEADERS).text == "acme"


# --- WSGI and Flask --------------------------------------------------------------------------
class Reading:
    """A body that looks at each step, and when it is closed."""

    def __init__(self) -> None:
        self.closed: list[str] = []

    def __iter__(self) -> Iterator[bytes]:
        yield customer().encode()
        yield customer().encode()

    def close(self) -> None:
        self.closed.append(customer())


WSGI_CELLS = {"a sync view": "call", "an executor's job in it": "job", "a sync streamed body": "steps"}


@pytest.mark.usefixtures("carrying")
def test_wsgi_reaches_the_call_each_step_and_the_close() -> None:
    body, said = Reading(), {}

    def app(_environ: Any, start_response: Any) -> Any:
        said["call"] = customer()
        with ThreadPoolExecutor(1) as pool:
            said["job"] = pool.submit(customer).result()
        start_response("200 OK", [])
        return body

    answer = Client(wsgi.AttributionMiddleware(app, header="X-Customer-Id")).get("/", headers=HEADERS, buffered=True)
    said["steps"] = answer.text
    assert said == dict(zip(WSGI_CELLS.values(), ("acme", "acme", "acmeacme"), strict=True))
    assert (body.closed, customer()) == (["acme"], "None")


def test_wsgi_leaves_a_finished_body_as_it_is() -> None:
    body = [b"whole"]
    app = wsgi.AttributionMiddleware(lambda _environ, _start: body, header="x-customer-id")
    assert app({}, None) is body


def flask_app(**options: Any) -> flask.Flask:
    app = flask.Flask("shop")
    init_app(app, **options)

    @app.get("/view")
    def view() -> str:
        return customer()

    @app.get("/async_view")
    async def async_view() -> str:
        return await asyncio.create_task(endpoint())

    @app.get("/job")
    def job() -> str:
        with ThreadPoolExecutor(1) as pool:
            return pool.submit(customer).result()

    @app.get("/stream")
    def stream() -> flask.Response:
        return flask.Response(customer() for _ in range(2))

    @app.get("/stream_with_context")
    def stream_with_context() -> flask.Response:
        return flask.Response(flask.stream_with_context(customer() + flask.request.path for _ in range(1)))

    return app


WAYS: dict[str, dict[str, Any]] = {
    "header": {"header": "x-customer-id"},
    "function": {"resolve": lambda request: {"customer": request.headers.get("x-customer-id")}},
}


FLASK_CELLS = {
    "a sync view": ("view", "acme"),
    "an async view": ("async_view", "acme"),
    "`create_task` in it": ("async_view", "acme"),
    "an executor's job in it": ("job", "acme"),
    "a sync streamed body": ("stream", "acmeacme"),
    "a body with Flask's context": ("stream_with_context", "acme/stream_with_context"),
}


@pytest.mark.usefixtures("carrying")
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("cell", FLASK_CELLS)
def test_flask_reaches(cell: str, way: str) -> None:
    client = flask_app(**WAYS[way]).test_client()
    view, said = FLASK_CELLS[cell]
    assert client.get(f"/{view}", headers=HEADERS).text == said
    assert client.get("/view").text == "None"
    assert customer() == "None"


# --- Django ----------------------------------------------------------------------------------
def resolve(request: Any) -> str | None:
    found = request.headers.get("x-customer-id")
    return found and found + request.path


def view(_request: Any) -> HttpResponse:
    return HttpResponse(customer())


async def aview(_request: Any) -> HttpResponse:
    return HttpResponse(customer())


def stream(_request: Any) -> StreamingHttpResponse:
    return StreamingHttpResponse(customer() for _ in range(2))


async def astream(_request: Any) -> StreamingHttpResponse:
    async def pieces() -> AsyncIterator[str]:
        yield customer()
        await asyncio.sleep(0)
        yield customer()

    return StreamingHttpResponse(pieces())


async def tasks(_request: Any) -> HttpResponse:
    return HttpResponse(await asyncio.create_task(endpoint()) + await asyncio.to_thread(customer))


def executor(_request: Any) -> HttpResponse:
    with ThreadPoolExecutor(1) as pool:
        return HttpResponse(pool.submit(customer).result())


DJANGO_CELLS = {
    "a sync view": "view",
    "an async view": "aview",
    "`create_task` in it": "tasks",
    "`asyncio.to_thread` in it": "tasks",
    "an executor's job in it": "executor",
    "a sync streamed body": "stream",
    "an async streamed body": "astream",
}
TWICE = {"stream", "astream", "tasks"}


@pytest.fixture(scope="module")
def django_urls() -> None:
    if django_settings.configured:
        return
    django_settings.configure(
        ALLOWED_HOSTS=["*"],
        ROOT_URLCONF=__name__,
        MIDDLEWARE=["tollspan.web.django.AttributionMiddleware"],
        TOLLSPAN={"resolve": f"{__name__}.resolve", "jwt_claim": "sub"},
    )
    django.setup()
    from django.urls import path

    module: Any = sys.modules[__name__]
    module.urlpatterns = [path(one.__name__, one) for one in (view, aview, tasks, executor, stream, astream)]


async def read(answer: Any) -> str:
    return b"".join([piece async for piece in answer]).decode()


@pytest.mark.filterwarnings("ignore:StreamingHttpResponse must consume:Warning")
@pytest.mark.usefixtures("carrying", "django_urls")
@pytest.mark.parametrize("cell", DJANGO_CELLS)
def test_django_reaches(cell: str) -> None:
    from django.test import Client as DjangoClient

    name = DJANGO_CELLS[cell]
    answer = DjangoClient().get(f"/{name}", headers=HEADERS)
    said = (b"".join(answer) if answer.streaming else answer.content).decode()
    assert said == f"acme/{name}" * (2 if name in TWICE else 1)
    assert DjangoClient().get("/view").content == b"None"


@pytest.mark.filterwarnings("ignore:StreamingHttpResponse must consume:Warning")
@pytest.mark.usefixtures("carrying", "django_urls")
@pytest.mark.parametrize("cell", DJANGO_CELLS)
def test_django_reaches_under_asgi(cell: str) -> None:
    from django.test import AsyncClient

    async def main() -> None:
        name = DJANGO_CELLS[cell]
        answer: Any = await AsyncClient().get(f"/{name}", headers=HEADERS)
        said = await read(answer) if answer.streaming else answer.content.decode()
        assert said == f"acme/{name}" * (2 if name in TWICE else 1)
        assert customer() == "None"

    asyncio.run(main())


# --- where the names come from ---------------------------------------------------------------
def fails(_request: Any) -> str:
    raise RuntimeError


@pytest.mark.parametrize(
    ("source", "headers", "keys"),
    [
        (Source(header="x-c"), {"x-c": "acme"}, {"customer": "acme"}),
        (Source(header={"customer": "x-c", "user": "x-u"}), {"x-u": "u1"}, {"user": "u1"}),
        (Source(jwt_claim="sub"), {"authorization": f"Bearer {token(sub='acme')}"}, {"customer": "acme"}),
        (
            Source(jwt_claim={"customer": "tid", "user": "sub"}),
            {"authorization": f"bearer {token(tid=7, sub='é')}"},
            {"customer": "7", "user": "é"},
        ),
        (Source(jwt_claim="sub"), {"authorization": "Basic abc"}, {}),
        (Source(jwt_claim="sub"), {"authorization": "Bearer not.a.token"}, {}),
        (Source(jwt_claim="sub"), {"authorization": f"Bearer {token(sub={'a': 1})}"}, {}),
        (Source(jwt_claim="sub"), {}, {}),
        (
            Source(resolve=lambda request: {"customer": request, "feature": "x"}),
            {},
            {"customer": "the request", "feature": "x"},
        ),
        (Source(resolve=lambda _request: None, header="x-c"), {"x-c": "acme"}, {"customer": "acme"}),
        (Source(resolve=fails, header="x-c"), {"x-c": "acme"}, {"customer": "acme"}),
        (Source(resolve=lambda _request: 7), {}, {}),  # type: ignore[arg-type,return-value]
        (
            Source(baggage=True),
            {"baggage": "a=b,tollspan.customer=ac%20me;p=1,tollspan.tags.t=r"},
            {"customer": "ac me"},
        ),
        (Source(), {"baggage": "tollspan.customer=acme"}, {}),
        (
            Source(baggage=True, header="x-c"),
            {"baggage": "tollspan.customer=other", "x-c": "acme"},
            {"customer": "acme"},
        ),
    ],
)
def test_sources(source: Source, headers: dict[str, str], keys: dict[str, str]) -> None:
    with source.scope("the request", headers.get):
        assert tollspan.current().values == keys
