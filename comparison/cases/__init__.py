"""The cases, a module for each group of SDKs; ``all_cases`` returns those whose SDKs are installed."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from typing import Final

from comparison.case import Case, Cases

MODULES: Final = {
    "openai_chat": ("openai",),
    "openai_responses": ("openai",),
    "openai_media": ("openai",),
    "realtime": ("openai", "websockets"),
    "compatible": ("openai",),
    "anthropic_messages": ("anthropic",),
    "gemini": ("google.genai",),
    "bedrock": ("boto3",),
    "cohere_chat": ("cohere",),
    "mistral_chat": ("mistralai",),
    "groq_chat": ("groq",),
    "ollama_chat": ("ollama",),
    "plain_http": ("httpx", "requests", "aiohttp"),
}
"""Module of cases to what it imports."""


def all_cases() -> list[Case]:
    """Return all cases that can run here, in the order of the table."""
    return [case for name, needs in MODULES.items() if all(map(_is_there, needs)) for case in _cases_in(name)]


def _is_there(package: str) -> bool:
    try:
        return find_spec(package) is not None
    except ModuleNotFoundError:
        return False


def _cases_in(name: str) -> Iterator[Case]:
    for value in vars(import_module(f"comparison.cases.{name}")).values():
        if isinstance(value, Cases):
            yield from value.found
