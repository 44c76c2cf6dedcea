"""Google's GenAI SDK, on the Gemini API and on Vertex."""

from __future__ import annotations

from google import genai
from google.genai import errors, types
from google.oauth2.credentials import Credentials

from comparison.case import ABORTED, BROKEN, ESTIMATED, EXACT, REFUSED, cases_of
from comparison.reading import aread, close_after, failing, read

CASES = cases_of("google-genai")
MODEL, EMBEDDER = "gemini-2.5-pro", "gemini-embedding-001"
USED = "cached+reasoning+tool-prompt"
ASK = "How many tokens is this?"


def options(url: str) -> types.HttpOptions:
    """Return where the provider is, and quick retries."""
    retry = types.HttpRetryOptions(attempts=3, initial_delay=0.01, max_delay=0.01)
    return types.HttpOptions(base_url=url, retry_options=retry)


def client(url: str) -> genai.Client:
    """Return a client as an application makes it; the caller holds it, for the SDK closes one without a reference."""
    return genai.Client(api_key="made-up", http_options=options(url))


async def close(made: genai.Client) -> None:
    """Close the asynchronous side, as far as a release can."""
    if hasattr(made.aio, "aclose"):
        await made.aio.aclose()


def on_vertex(url: str) -> genai.Client:
    """Return a client of Vertex."""
    return genai.Client(
        vertexai=True, project="made-up", location="l", credentials=Credentials("made-up"), http_options=options(url)
    )


def weather(place: str) -> str:
    """Return the weather of a place."""
    return f"rain in {place}"


@CASES("Gemini: sync", traits=USED)
def sync(url: str) -> None:
    made = client(url)
    made.models.generate_content(model=MODEL, contents=ASK)


@CASES("Gemini: async", traits=USED)
async def asynchronous(url: str) -> None:
    made = client(url)
    await made.aio.models.generate_content(model=MODEL, contents=ASK)
    await close(made)


@CASES("Gemini: audio and pictures", traits=f"{USED}+audio+image")
def audio_and_pictures(url: str) -> None:
    made = client(url)
    made.models.generate_content(model=MODEL, contents=ASK)


@CASES("Gemini: stream", traits=USED)
def stream(url: str) -> None:
    made = client(url)
    read(made.models.generate_content_stream(model=MODEL, contents=ASK))


@CASES("Gemini: stream async", traits=USED)
async def stream_async(url: str) -> None:
    made = client(url)
    await aread(await made.aio.models.generate_content_stream(model=MODEL, contents=ASK))
    await close(made)


@CASES("Gemini: stream abort", ABORTED, traits="cached", input_stated=True)
def stream_abort(url: str) -> None:
    made = client(url)
    close_after(2, made.models.generate_content_stream(model=MODEL, contents=ASK))


@CASES("Gemini: stream server cut", BROKEN, traits="cached+cut", input_stated=True)
def stream_server_cut(url: str) -> None:
    made = client(url)
    failing(Exception, lambda: read(made.models.generate_content_stream(model=MODEL, contents=ASK)))


@CASES("Gemini: retry 429 then ok", REFUSED, EXACT, traits=f"{USED}+429-once")
def retry_429_then_ok(url: str) -> None:
    made = client(url)
    made.models.generate_content(model=MODEL, contents=ASK)


@CASES("Gemini: always 429", REFUSED, REFUSED, REFUSED, traits="429")
def always_429(url: str) -> None:
    made = client(url)
    failing(errors.ClientError, lambda: made.models.generate_content(model=MODEL, contents=ASK))


@CASES("Gemini: afc two calls", EXACT, EXACT, traits="reasoning")
def afc_two_calls(url: str) -> None:
    made = client(url)
    config = types.GenerateContentConfig(tools=[weather])
    made.models.generate_content(model=MODEL, contents="Weather in Oslo?", config=config)


@CASES("Gemini: afc two calls async", EXACT, EXACT, traits="reasoning")
async def afc_two_calls_async(url: str) -> None:
    made = client(url)
    config = types.GenerateContentConfig(tools=[weather])
    await made.aio.models.generate_content(model=MODEL, contents="Weather in Oslo?", config=config)
    await close(made)


@CASES("Gemini: chat", traits=USED)
def chat(url: str) -> None:
    made = client(url)
    made.chats.create(model=MODEL).send_message(ASK)


@CASES("Gemini: chat stream", traits=USED)
def chat_stream(url: str) -> None:
    made = client(url)
    read(made.chats.create(model=MODEL).send_message_stream(ASK))


@CASES("Gemini: embed", ESTIMATED)
def embed(url: str) -> None:
    made = client(url)
    made.models.embed_content(model=EMBEDDER, contents=ASK)


@CASES("Gemini: no usage", ESTIMATED, traits="no-usage")
def no_usage(url: str) -> None:
    made = client(url)
    made.models.generate_content(model=MODEL, contents=ASK)


@CASES.free("Gemini: count tokens")
def count_tokens(url: str) -> None:
    made = client(url)
    made.models.count_tokens(model=MODEL, contents=ASK)


@CASES("Gemini: interaction", traits=USED)
def interaction(url: str) -> None:
    made = client(url)
    made.interactions.create(model=MODEL, input=ASK)


@CASES("Gemini: interaction stream", traits=USED)
def interaction_stream(url: str) -> None:
    made = client(url)
    read(made.interactions.create(model=MODEL, input=ASK, stream=True))


@CASES("Vertex: sync", traits=USED)
def vertex(url: str) -> None:
    made = on_vertex(url)
    made.models.generate_content(model=MODEL, contents=ASK)


@CASES("Vertex: async", traits=USED)
async def vertex_async(url: str) -> None:
    made = on_vertex(url)
    await made.aio.models.generate_content(model=MODEL, contents=ASK)
    await close(made)


@CASES("Vertex: stream", traits=USED)
def vertex_stream(url: str) -> None:
    made = on_vertex(url)
    read(made.models.generate_content_stream(model=MODEL, contents=ASK))


@CASES("Vertex: embed")
def vertex_embed(url: str) -> None:
    made = on_vertex(url)
    made.models.embed_content(model="text-embedding-005", contents=ASK)
