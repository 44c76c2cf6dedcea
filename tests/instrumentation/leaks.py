"""Does anything about a customer reach the provider? Every wire and every SDK, under every condition.

``python -m tests.instrumentation.leaks`` prints the table: a cell names the headers that the provider should not have
received, and ends with 1 if there is one while tollspan is installed. The first column is the application without
tollspan: what leaks by itself.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from conformance.provider import Provider
from opentelemetry import baggage, context
from tests.instrumentation.conftest import Sink

import tollspan

SECRET = "acme-secret"
GPT, CLAUDE, GEMINI, NOVA = "gpt-4o", "claude-sonnet-5", "gemini-2.5-flash", "amazon.nova-lite-v1:0"
ASK: list[Any] = [{"role": "user", "content": "hi"}]
BODY = {"model": GPT, "messages": ASK}
PATH = "/v1/chat/completions"
OVERRIDE = {"X-Tollspan-Customer": SECRET, "x-tollspan-tags-team": "red", "X-TOLLSPAN-NONSENSE": SECRET}
Headers = Mapping[str, str]


# --- ways to the provider: (base address, headers that the application writes) --------------------
def by_httpx2(url: str, headers: Headers) -> None:
    library("httpx2").post(url + PATH, json=BODY, headers=dict(headers)).raise_for_status()


def by_httpx2_client(url: str, headers: Headers) -> None:
    with library("httpx2").Client(base_url=url, headers=dict(headers)) as client:
        client.post(PATH, json=BODY).raise_for_status()


def by_httpx2_async(url: str, headers: Headers) -> None:
    async def sent() -> None:
        async with library("httpx2").AsyncClient() as client:
            await client.post(url + PATH, json=BODY, headers=dict(headers))

    asyncio.run(sent())


def by_httpx(url: str, headers: Headers) -> None:
    library("httpx").post(url + PATH, json=BODY, headers=dict(headers)).raise_for_status()


def by_httpx_async(url: str, headers: Headers) -> None:
    async def sent() -> None:
        async with library("httpx").AsyncClient(headers=dict(headers)) as client:
            await client.post(url + PATH, json=BODY)

    asyncio.run(sent())


def by_aiohttp(url: str, headers: Headers) -> None:
    async def sent() -> None:
        async with (
            library("aiohttp").ClientSession() as session,
            session.post(url + PATH, json=BODY, headers=headers) as answer,
        ):
            await answer.read()

    asyncio.run(sent())


def by_aiohttp_session(url: str, headers: Headers) -> None:
    async def sent() -> None:
        async with (
            library("aiohttp").ClientSession(headers=headers) as session,
            session.post(url + PATH, json=BODY) as answer,
        ):
            await answer.read()

    asyncio.run(sent())


def by_requests(url: str, headers: Headers) -> None:
    library("requests").post(url + PATH, json=BODY, headers=dict(headers), timeout=9).raise_for_status()


def by_requests_session(url: str, headers: Headers) -> None:
    with library("requests").Session() as session:
        session.headers.update(headers)
        session.post(url + PATH, json=BODY, timeout=9).raise_for_status()


def by_urllib3(url: str, headers: Headers) -> None:
    answer = library("urllib3").request("POST", url + PATH, json=BODY, headers=dict(headers))
    assert answer.status < 400


def by_urllib3_pool(url: str, headers: Headers) -> None:
    with library("urllib3").PoolManager(headers=dict(headers)) as pool:
        assert pool.request("POST", url + PATH, json=BODY).status < 400


def by_openai(url: str, headers: Headers) -> None:
    with library("openai").OpenAI(base_url=f"{url}/v1", api_key="k") as client:
        client.chat.completions.create(model=GPT, messages=ASK, extra_headers=headers)


def by_openai_stream(url: str, headers: Headers) -> None:
    with library("openai").OpenAI(base_url=f"{url}/v1", api_key="k", default_headers=headers) as client:
        assert [*client.chat.completions.create(model=GPT, messages=ASK, stream=True)]


def by_openai_async(url: str, headers: Headers) -> None:
    async def sent() -> None:
        async with library("openai").AsyncOpenAI(base_url=f"{url}/v1", api_key="k") as client:
            await client.responses.create(model=GPT, input="hi", extra_headers=headers)

    asyncio.run(sent())


def by_openai_realtime(url: str, headers: Headers) -> None:
    client = library("openai").OpenAI(base_url=f"{url}/v1", api_key="k")
    with client.realtime.connect(model="gpt-realtime", extra_headers=headers) as session:
        session.response.create()
        assert "response.done" in (event.type for event in session)


def by_anthropic(url: str, headers: Headers) -> None:
    with library("anthropic").Anthropic(base_url=url, api_key="k") as client:
        client.messages.create(model=CLAUDE, max_tokens=9, messages=ASK, extra_headers=headers)


def by_anthropic_async(url: str, headers: Headers) -> None:
    async def sent() -> None:
        async with library("anthropic").AsyncAnthropic(base_url=url, api_key="k") as client:
            await client.messages.create(model=CLAUDE, max_tokens=9, messages=ASK, extra_headers=headers)

    asyncio.run(sent())


def gemini(url: str, headers: Headers) -> Any:
    return library("google.genai").Client(api_key="k", http_options={"base_url": url, "headers": dict(headers)})


def by_google(url: str, headers: Headers) -> None:
    client = gemini(url, headers)
    client.models.generate_content(model=GEMINI, contents="hi")


def by_google_async(url: str, headers: Headers) -> None:
    async def sent() -> None:
        client = gemini(url, headers)
        async with client.aio as made:
            await made.models.generate_content(model=GEMINI, contents="hi")

    asyncio.run(sent())


def by_boto3(url: str, headers: Headers) -> None:
    keys = {"aws_access_key_id": "k", "aws_secret_access_key": "k", "region_name": "us-east-1"}
    client = library("boto3").client("bedrock-runtime", endpoint_url=url, **keys)
    client.meta.events.register("before-sign.bedrock-runtime.*", lambda request, **_: [
        request.headers.add_header(name, value) for name, value in headers.items()])  # fmt: skip
    client.converse(modelId=NOVA, messages=[{"role": "user", "content": [{"text": "hi"}]}])


def by_cohere(url: str, headers: Headers) -> None:
    client = library("cohere").ClientV2(api_key="k", base_url=url)
    client.chat(model="command-a", messages=ASK, request_options={"additional_headers": dict(headers)})


def by_mistral(url: str, headers: Headers) -> None:
    with library("mistralai.client").Mistral(api_key="k", server_url=url) as client:
        client.chat.complete(model="mistral-small-latest", messages=ASK, http_headers=headers)


def by_groq(url: str, headers: Headers) -> None:
    with library("groq").Groq(api_key="k", base_url=url) as client:
        client.chat.completions.create(model="llama-3.3-70b", messages=ASK, extra_headers=headers)


def by_ollama(url: str, headers: Headers) -> None:
    library("ollama").Client(host=url, headers=dict(headers)).chat(model="llama3.2", messages=ASK)


def library(name: str) -> Any:
    """Import what only the way in question needs."""
    return import_module(name)


@dataclass(frozen=True, slots=True)
class Way:
    """A wire or an SDK over one.

    ``generic`` ways can send any body to any path. The headers of a ``session`` are those of its opening, so that
    what is in force where a call is asked for lies over them.
    """

    send: Callable[[str, Headers], None]
    package: str
    generic: bool = False
    session: bool = False

    @property
    def name(self) -> str:
        """Its name in the table."""
        return self.send.__name__.removeprefix("by_").replace("_", " ")

    @property
    def installed(self) -> bool:
        """Whether it can be gone here."""
        return find_spec(self.package.split(".")[0]) is not None and find_spec(self.package) is not None


WAYS = (
    Way(by_httpx2, "httpx2", generic=True),
    Way(by_httpx2_client, "httpx2", generic=True),
    Way(by_httpx2_async, "httpx2", generic=True),
    Way(by_httpx, "httpx", generic=True),
    Way(by_httpx_async, "httpx", generic=True),
    Way(by_aiohttp, "aiohttp", generic=True),
    Way(by_aiohttp_session, "aiohttp", generic=True),
    Way(by_requests, "requests", generic=True),
    Way(by_requests_session, "requests", generic=True),
    Way(by_urllib3, "urllib3", generic=True),
    Way(by_urllib3_pool, "urllib3", generic=True),
    Way(by_openai, "openai"),
    Way(by_openai_stream, "openai"),
    Way(by_openai_async, "openai"),
    Way(by_openai_realtime, "websockets", session=True),
    Way(by_anthropic, "anthropic"),
    Way(by_anthropic_async, "anthropic"),
    Way(by_google, "google.genai"),
    Way(by_google_async, "google.genai"),
    Way(by_boto3, "boto3"),
    Way(by_cohere, "cohere"),
    Way(by_mistral, "mistralai"),
    Way(by_groq, "groq"),
    Way(by_ollama, "ollama"),
)


# --- conditions -----------------------------------------------------------------------------------
THEIRS = (
    ("opentelemetry.instrumentation.httpx", "HTTPX2ClientInstrumentor"),
    ("opentelemetry.instrumentation.httpx", "HTTPXClientInstrumentor"),
    ("opentelemetry.instrumentation.aiohttp_client", "AioHttpClientInstrumentor"),
    ("opentelemetry.instrumentation.requests", "RequestsInstrumentor"),
    ("opentelemetry.instrumentation.urllib3", "URLLib3Instrumentor"),
    ("opentelemetry.instrumentation.botocore", "BotocoreInstrumentor"),
)
"""OpenTelemetry's instrumentations of HTTP libraries: they write the application's Baggage into every request."""


@dataclass(frozen=True, slots=True)
class Condition:
    """How the application is set up: in which order (``ours``, ``theirs``), with what headers, with Baggage or not."""

    name: str
    installed: tuple[str, ...]
    headers: Headers
    baggage: bool = True


CONDITIONS = (
    Condition("without tollspan", ("theirs",), {}),
    Condition("attribution", ("ours",), {}, baggage=False),
    Condition("and headers, Baggage", ("ours",), {**OVERRIDE, "Baggage": f"customer={SECRET}"}),
    Condition("and their HTTP spans", ("ours", "theirs"), {}),
    Condition("theirs first", ("theirs", "ours"), OVERRIDE),
)


@dataclass(frozen=True, slots=True)
class Received:
    """What came of one call: the headers that should not have been there, and whose record was made."""

    leaked: tuple[str, ...]
    kept: bool
    customers: tuple[object, ...]


@contextmanager
def under(condition: Condition, sink: Sink) -> Iterator[None]:
    """Be an application under a condition; afterwards all is as it was."""
    set_up = {"ours": lambda: ours(sink), "theirs": theirs}
    with ExitStack() as stack:
        for one in condition.installed:
            stack.enter_context(set_up[one]())
        if condition.baggage:
            stack.enter_context(with_baggage())
        yield


@contextmanager
def ours(sink: Sink) -> Iterator[None]:
    """Have tollspan installed, which sends to the sink."""
    tollspan.install(endpoint=sink.url, include_usage_hosts=())
    try:
        yield
    finally:
        tollspan.uninstall(5)


@contextmanager
def theirs() -> Iterator[None]:
    """Have every instrumentation of an HTTP library on that is here."""
    found = [getattr(import_module(module), kind)() for module, kind in THEIRS if find_spec(module)]
    for one in found:
        one.instrument()
    try:
        yield
    finally:
        for one in found:
            one.uninstrument()


@contextmanager
def with_baggage() -> Iterator[None]:
    """Have a customer in the application's Baggage."""
    token = context.attach(baggage.set_baggage("customer.id", SECRET))
    try:
        yield
    finally:
        context.detach(token)


def received(way: Way, condition: Condition, provider: Provider, sink: Sink) -> Received:
    """Make one call; return what the provider and the sink received."""
    before, sent = len(provider.requests), len(sink.spans)
    with under(condition, sink), tollspan.attribute(customer="outer", user=SECRET):
        way.send(f"{provider.url}/leaks/{way.send.__name__}/plain", {"x-mine": "kept", **condition.headers})
        tollspan.flush(5)
    requests = provider.requests[before:]
    leaked = sorted({name for request in requests for name, value in request.items() if _tells(name, value)})
    customers = tuple(span["tollspan.customer"] for span in sink.spans[sent:])
    kept = bool(requests) and all(request.get("x-mine") == "kept" for request in requests)
    return Received(tuple(leaked), kept, customers)


def _tells(name: str, value: str) -> bool:
    told = SECRET in value or "red" == value  # noqa: SIM300 - the header's value, whatever its name
    return told or name == "baggage" or name.startswith("x-tollspan") or "tollspan" in value


def main() -> int:
    """Print the table; 1 if anything leaks although tollspan is installed."""
    bad = False
    os.environ["TOLLSPAN_SPOOL_DIR"] = tempfile.mkdtemp(prefix="tollspan-leaks-")
    sys.stdout.write(f"| way | {' | '.join(condition.name for condition in CONDITIONS)} |\n")
    sys.stdout.write(f"|---|{'---|' * len(CONDITIONS)}\n")
    with Provider(thinking_s=0.0) as provider:
        sink = Sink()
        for way in WAYS:
            cells = []
            for condition in CONDITIONS if way.installed else ():
                found = received(way, condition, provider, sink)
                cells.append(", ".join(found.leaked) or "nothing")
                bad |= "ours" in condition.installed and bool(found.leaked)
            sys.stdout.write(f"| {way.name} | {' | '.join(cells) or 'not installed here'} |\n")
            sys.stdout.flush()
        sink.close()
    return int(bad)


if __name__ == "__main__":
    sys.exit(main())
