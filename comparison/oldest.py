"""The oldest releases of the SDKs under which all calls that they have are right, found by trying; one table."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Oldest:
    """A row: an SDK's release, what it needs beside it to run at all, the HTTP library that it sends with."""

    sdk: str
    version: str
    sends: str
    beside: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The name of its environment."""
        return f"oldest-{self.sdk}"

    @property
    def packages(self) -> tuple[str, ...]:
        """What is installed."""
        return (f"{self.sdk}=={self.version}", *self.beside)


OLDEST: tuple[Oldest, ...] = (
    Oldest("openai", "1.26.0", "httpx", ("httpx<0.28",)),
    Oldest("anthropic", "0.28.0", "httpx", ("httpx<0.28", "boto3", "google-auth")),
    Oldest("google-genai", "1.24.0", "httpx"),
    Oldest("boto3", "1.34.116", "botocore"),
    Oldest("cohere", "5.16.0", "httpx"),
    Oldest("mistralai", "1.5.0", "httpx"),
    Oldest("groq", "0.9.0", "httpx", ("httpx<0.28",)),
    Oldest("ollama", "0.4.0", "httpx"),
)
