"""Small applications that use models as real ones do; each sees the same with tollspan and without it."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import anthropic
import boto3
import flask
import httpx
import httpx2
import openai
import requests
import urllib3
import websockets.sync.client
from botocore.config import Config
from celery import Celery
from conformance.provider.server import Provider
from fastapi import Depends, FastAPI
from starlette.responses import StreamingResponse
from werkzeug.test import Client as WsgiClient

import tollspan
from tollspan.tasks import celery as celery_tasks
from tollspan.tasks.rq import Attributed
from tollspan.web import asgi, wsgi
from tollspan.web.fastapi import attribution
from tollspan.web.flask import init_app
from tollspan_rater.demo.provider import FakeProvider

GPT, CLAUDE = "gpt-4o", "claude-sonnet-5"
ASK: Any = [{"role": "user", "content": "How many tokens is this?"}]
BODY = {"model": GPT, "messages": ASK}
STREAM = {**BODY, "stream": True}
CLAUDE_ON_AWS = "anthropic.claude-3-5-sonnet-20241022-v2:0"
ASK_ON_AWS: Any = [{"role": "user", "content": [{"text": "How many?"}]}]
KEYS = {"aws_access_key_id": "made-up", "aws_secret_access_key": "made-up", "region_name": "eu-central-1"}
ACME = {"x-customer-id": "acme"}


@dataclass
class World:
    """A provider and clients of it that are made once: making them costs more than calling."""

    provider: FakeProvider
    gpt: openai.OpenAI = field(init=False)
    claude: anthropic.Anthropic = field(init=False)
    http: httpx.Client = field(init=False)
    http2: httpx2.Client = field(init=False)
    aws: boto3.Session = field(init=False)

    def __post_init__(self) -> None:
        self.gpt = openai.OpenAI(api_key="made-up", base_url=f"{self.url}/v1")
        self.claude = anthropic.Anthropic(api_key="made-up", base_url=self.url)
        self.http, self.http2 = httpx.Client(), httpx2.Client()
        self.aws = boto3.Session(**KEYS)

    @property
    def url(self) -> str:
        return self.provider.url

    def close(self) -> None:
        for client in (self.gpt, self.claude, self.http, self.http2):
            client.close()


def said(answer: Any) -> Any:
    """Return what an answer says, without its id and time."""
    return answer.model_dump(exclude={"id", "created"}, mode="json")


def openai_calls(world: World) -> Any:
    headers = {"x-tollspan-customer": "acme", "x-tollspan-billable": "no"}
    whole = world.gpt.chat.completions.create(model=GPT, messages=ASK, extra_headers=headers)
    retried = world.gpt.chat.completions.create(model=f"{GPT}!500-once", messages=ASK)
    responses = world.gpt.responses.create(model=GPT, input="How many?")
    embedded = world.gpt.embeddings.create(model="text-embedding-3-small", input="one")
    try:
        world.gpt.chat.completions.create(model=f"{GPT}!429", messages=ASK)
    except openai.RateLimitError as error:
        refused = error.status_code
    try:
        world.gpt.with_options(base_url="http://127.0.0.1:1", max_retries=0).models.list()
        world.gpt.with_options(base_url="http://127.0.0.1:1", max_retries=0).embeddings.create(model="m", input="one")
    except openai.APIConnectionError as error:
        refused += len(str(error))
    return said(whole), said(retried), responses.output_text, embedded.usage.total_tokens, refused


def openai_streams(world: World) -> Any:
    def stream(model: str = GPT, **more: Any) -> Any:
        return world.gpt.chat.completions.create(model=model, messages=ASK, stream=True, **more)

    whole = [
        said(chunk) for chunk in stream() if chunk.choices
    ]  # one with usage alone was not asked for, and is no harm
    asked = [said(chunk) for chunk in stream(stream_options={"include_usage": True})]
    left = stream()
    first = said(next(left))
    left.close()
    dropped = said(next(iter(stream())))
    try:
        cut = [said(chunk) for chunk in stream(f"{GPT}!cut")]
    except httpx2.RemoteProtocolError as error:
        cut = [str(error)]
    except openai.APIError as error:
        cut = [type(error).__name__]
    return whole, asked, first, dropped, cut


def anthropic_calls(world: World) -> Any:
    ask: Any = {"model": CLAUDE, "max_tokens": 9, "messages": ASK}
    whole = world.claude.messages.create(**ask)
    with world.claude.messages.stream(**ask) as stream:
        streamed = stream.get_final_message()
    counted = world.claude.messages.count_tokens(model=CLAUDE, messages=ASK)
    return said(whole), said(streamed), counted.input_tokens


def httpx_calls(world: World) -> Any:
    with tollspan.attribute(customer="acme"):
        foreign = world.http2.post(f"{world.url}/survey/responses", json={"answers": [1]}).status_code
        own = world.http.post(f"{world.url}/nothing").status_code
        with world.http.stream("POST", f"{world.url}/v1/chat/completions", json=STREAM) as answer:
            lines = [line for line in answer.iter_lines() if line]
    return foreign, own, len(lines), lines[-1]


def asynchronous_calls(world: World) -> Any:
    async def main() -> Any:
        http = httpx2.AsyncClient(verify=False)  # nothing is encrypted, and loading certificates takes long
        async with openai.AsyncOpenAI(api_key="made-up", base_url=f"{world.url}/v1", http_client=http) as client:
            whole = await client.chat.completions.create(model=GPT, messages=ASK)
            stream: Any = await client.chat.completions.create(model=GPT, messages=ASK, stream=True)
            chunks = [said(chunk) async for chunk in stream]
            left: Any = await client.chat.completions.create(model=GPT, messages=ASK, stream=True)
            await anext(aiter(left))
            await left.close()
            try:
                await client.with_options(base_url="http://127.0.0.1:1", max_retries=0).embeddings.create(
                    model="m", input="one"
                )
            except openai.APIConnectionError as error:
                return said(whole), chunks, str(error)

    return asyncio.run(main())


def requests_calls(world: World) -> Any:
    url = f"{world.url}/v1/chat/completions"
    usage = requests.post(url, json=BODY, timeout=9).json()["usage"]
    with requests.post(url, json=STREAM, stream=True, timeout=9) as answer:
        answer.encoding = "utf-8"
        text = list(answer.iter_lines(decode_unicode=True))[-2:]
    with requests.post(url, json=STREAM, stream=True, timeout=9) as answer:
        next(answer.iter_lines())
    try:
        requests.post("http://127.0.0.1:1/v1/chat/completions", json=BODY, timeout=9)
    except requests.ConnectionError as error:
        return usage, text, type(error).__name__


def aiohttp_calls(world: World) -> Any:
    url = f"{world.url}/v1/chat/completions"

    async def main() -> Any:
        async with aiohttp.ClientSession() as session:
            usage = (await (await session.post(url, json=BODY)).json())["usage"]
            async with session.post(url, json=STREAM, headers={"x-tollspan-customer": "acme"}) as answer:
                lines = [line async for line in answer.content]
            async with session.post(url, data=b'{"model": "gpt-4o", "messages": []}') as answer:
                await answer.content.readany()
            left = await session.post(url, json=STREAM)
            await left.content.readline()
            left.close()
            try:
                await session.post("http://127.0.0.1:1/v1/chat/completions", json=BODY)
            except aiohttp.ClientError as error:
                return usage, lines[-2:], type(error).__name__

    return asyncio.run(main())


def bedrock_calls(world: World) -> Any:
    with Provider() as provider:
        bedrock = world.aws.client(
            "bedrock-runtime", endpoint_url=f"{provider.url}/shop/bedrock/-", config=Config(retries={"max_attempts": 2})
        )
        whole = bedrock.converse(modelId=CLAUDE_ON_AWS, messages=ASK_ON_AWS)["usage"]
        events = [
            sorted(event) for event in bedrock.converse_stream(modelId=CLAUDE_ON_AWS, messages=ASK_ON_AWS)["stream"]
        ]
        left = bedrock.converse_stream(modelId=CLAUDE_ON_AWS, messages=ASK_ON_AWS)["stream"]
        next(iter(left))
        left.close()
        body = json.dumps({"anthropic_version": "bedrock-2023-05-31", "max_tokens": 9, "messages": []})
        invoked = json.loads(bedrock.invoke_model(modelId=CLAUDE_ON_AWS, body=body)["body"].read())
        return whole, events, invoked["usage"]


def urllib3_calls(world: World) -> Any:
    url = f"{world.url}/v1/chat/completions"
    with urllib3.PoolManager() as pool:
        whole = pool.request("POST", url, json=BODY).json()["usage"]
        late = pool.request("POST", url, json=STREAM, headers={"x-tollspan-customer": "acme"}, preload_content=False)
        lines = [line for line in late if line.strip()]
        foreign = pool.request("POST", f"{world.url}/nothing", body=b"x").status
    return whole, len(lines), foreign


def realtime_session(world: World) -> Any:
    with Provider() as provider:
        url = f"{provider.url.replace('http', 'ws', 1)}/shop/realtime/-/v1/realtime?model=gpt-realtime"
        with websockets.sync.client.connect(url) as session:
            session.send(json.dumps({"type": "response.create"}))
            kinds = []
            while not kinds or kinds[-1] != "response.done":
                kinds.append(json.loads(session.recv())["type"])
    return kinds


def attributed(world: World) -> Any:
    @tollspan.attribute(feature="f")
    def function() -> str:
        return "function"

    @tollspan.attribute(feature="f")
    def generator() -> Iterator[str]:
        yield (yield "generator") or "nothing"

    @tollspan.attribute(feature="f")
    async def coroutine() -> str:
        return "coroutine"

    @tollspan.attribute(feature="f")
    async def async_generator() -> Any:
        yield "async"
        yield "generator"

    async def main() -> Any:
        return await coroutine(), [item async for item in async_generator()]

    with tollspan.attribute(customer="acme", tags={"a": "b"}), tollspan.extract(tollspan.inject()):
        answer = world.gpt.chat.completions.create(model=GPT, messages=ASK)
    tollspan.current()
    return said(answer), function(), list(generator()), asyncio.run(main())


def threaded(world: World) -> Any:
    def call() -> int:
        return requests.post(f"{world.url}/v1/chat/completions", json=BODY, timeout=9).json()["usage"]["total_tokens"]

    results: list[int] = []
    with tollspan.attribute(customer="acme"), ThreadPoolExecutor(2) as executor:
        thread = threading.Thread(target=lambda: results.append(call()))
        thread.start()
        thread.join()
        results += [executor.submit(call).result(), *executor.map(lambda _: call(), range(1))]
    return results


def told(world: World) -> Any:
    """Use all that tollspan offers to be called; what it returns is its own."""
    tollspan.record("page", 1, customer="acme")
    tollspan.record("page", 1.5)  # type: ignore[arg-type] # refused
    tollspan.record_usage(id="evt_1", model=GPT, input_tokens=1, output_tokens=2)
    tollspan.record_usage(id="evt_2", meter="page", quantity="2", tags={"a": "b"})
    tollspan.record_usage(nonsense=1)
    world.gpt.chat.completions.create(model=GPT, messages=ASK)
    tollspan.stats()
    tollspan.flush(5)
    tollspan.install()
    tollspan.uninstall(0)
    tollspan.uninstall(0)
    tollspan.record("page", 1)
    return said(world.gpt.chat.completions.create(model=GPT, messages=ASK))


def web_asgi(world: World) -> Any:
    app = FastAPI(dependencies=[Depends(attribution(header="x-customer-id"))])

    @app.get("/")
    async def view() -> StreamingResponse:
        return StreamingResponse(piece for piece in ("a", "b"))

    middleware = asgi.AttributionMiddleware(app, header="x-customer-id", jwt_claim="sub", baggage=True)

    async def main() -> Any:
        transport = httpx.ASGITransport(middleware)
        async with httpx.AsyncClient(transport=transport, base_url="http://app") as client:
            headers = {**ACME, "authorization": "Bearer e30.eyJzdWIiOiAiYWNtZSJ9.0", "baggage": "tollspan.user=u"}
            return (await client.get("/", headers=headers)).text

    return asyncio.run(main())


def web_wsgi(world: World) -> Any:
    app = flask.Flask("shop")
    init_app(app, header="x-customer-id", resolve=lambda _request: {"user": "u1"})

    @app.get("/")
    def view() -> flask.Response:
        return flask.Response(piece for piece in ("a", "b"))

    outer = wsgi.AttributionMiddleware(app.wsgi_app, header="x-customer-id")
    return WsgiClient(outer).get("/", headers=ACME, buffered=True).data


def queued(world: World) -> Any:
    app = Celery("shop", broker="memory://", backend="cache+memory://", set_as_current=False)

    @app.task(name="seen", shared=False)
    def seen() -> str:
        return "seen"

    class JobLike:
        def __init__(self) -> None:
            self.meta: dict[str, Any] = {}

        @classmethod
        def create(cls, meta: Any = None) -> Any:
            job = cls()
            job.meta = meta
            return job

        def perform(self) -> str:
            return "performed"

    class Job(Attributed, JobLike):  # type: ignore[misc] # rq's Job has more
        pass

    celery_tasks.connect()
    try:
        with tollspan.attribute(customer="acme"):
            app.tasks["seen"].delay()
            job = Job.create()
        return app.tasks["seen"].apply(headers={celery_tasks.HEADER: {"tollspan.user": "u"}}).get(), job.perform()
    finally:
        celery_tasks.disconnect()


APPLICATIONS: tuple[Callable[[World], Any], ...] = (
    openai_calls, openai_streams, anthropic_calls, httpx_calls, asynchronous_calls, requests_calls, aiohttp_calls,
    bedrock_calls, urllib3_calls, realtime_session, attributed, threaded, told, web_asgi, web_wsgi, queued,
)  # fmt: skip


@contextlib.contextmanager
def noticed() -> Iterator[list[BaseException]]:
    """Collect what ends a thread or cannot be raised: the interpreter writes it to the application's stderr."""
    found: list[BaseException] = []
    before = threading.excepthook, sys.unraisablehook
    threading.excepthook = lambda about: found.append(about.exc_value or SystemExit())
    sys.unraisablehook = lambda about: found.append(about.exc_value or SystemExit())
    try:
        yield found
        gc.collect(0)
    finally:
        threading.excepthook, sys.unraisablehook = before
