"""What people do with Google's GenAI SDK."""

from __future__ import annotations

from case import case
from google import genai
from google.genai import types

MODEL = "gemini-2.5-pro"


def client(url: str) -> genai.Client:
    """Return a client as an application makes it; the caller holds it, for the SDK closes one without a reference."""
    retry = types.HttpRetryOptions(attempts=3, initial_delay=0.01, max_delay=0.01)
    return genai.Client(api_key="made-up", http_options=types.HttpOptions(base_url=url, retry_options=retry))


def weather(place: str) -> str:
    """Return the weather of a place."""
    return f"rain in {place}"


@case()
def gemini_generate(url: str) -> None:
    made = client(url)
    made.models.generate_content(model=MODEL, contents="How many?")


@case("cached+reasoning")
async def gemini_generate_async(url: str) -> None:
    made = client(url)
    await made.aio.models.generate_content(model=MODEL, contents="How many?")


@case("cached+reasoning+tool-prompt")
def gemini_tool_prompt(url: str) -> None:
    made = client(url)
    made.models.generate_content(model=MODEL, contents="How many?")


@case("cached+reasoning")
def gemini_stream(url: str) -> None:
    made = client(url)
    list(made.models.generate_content_stream(model=MODEL, contents="How many?"))


@case()
def gemini_stream_aborted(url: str) -> None:
    made = client(url)
    stream = made.models.generate_content_stream(model=MODEL, contents="How many?")
    next(iter(stream))
    stream.close()


@case("429-once")
def gemini_retried(url: str) -> None:
    made = client(url)
    made.models.generate_content(model=MODEL, contents="How many?")


@case("429")
def gemini_error(url: str) -> None:
    made = client(url)
    made.models.generate_content(model=MODEL, contents="How many?")


@case("reasoning")
def gemini_functions_called_by_the_sdk(url: str) -> None:
    made = client(url)
    config = types.GenerateContentConfig(tools=[weather])
    made.models.generate_content(model=MODEL, contents="Weather in Oslo?", config=config)
