"""The oldest releases of the SDKs under which all their cases are right, found by trying; one table."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Oldest:
    """A row: the release, what else must be held back for it to run at all, and the cases of these SDKs."""

    name: str
    sdks: frozenset[str]
    packages: tuple[str, ...]


def _row(sdk: str, version: str, *beside: str) -> Oldest:
    return Oldest(f"oldest-{sdk}", frozenset({sdk}), (f"{sdk}=={version}", *beside))


OLDEST: tuple[Oldest, ...] = (
    _row("openai", "1.40.0", "httpx<0.28"),
    _row("anthropic", "0.39.0", "httpx<0.28"),
    _row("google-genai", "1.0.0"),
    _row("boto3", "1.34.131"),
    _row("cohere", "5.13.0"),
    _row("mistralai", "1.0.0"),
    _row("groq", "0.9.0", "httpx<0.28"),
    _row("ollama", "0.4.0"),
)
