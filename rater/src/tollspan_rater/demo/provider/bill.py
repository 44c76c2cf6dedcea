"""What the fake provider would charge for: drawn from the request by a seeded rule, kept as a list."""

from __future__ import annotations

import hashlib
import random
import threading
from dataclasses import dataclass
from typing import Any

CACHED_SHARE = 0.4  # of the calls, that read from or write to a prompt cache
LONG_TTL_SHARE = 0.3  # of the Anthropic cache writes, that are kept for an hour
REASONING_MODELS = ("o1", "o3", "o4", "gpt-5", "claude-opus", "claude-sonnet")


@dataclass(frozen=True, slots=True)
class Counts:
    """Tokens of one answer; ``input`` contains both caches, ``output`` contains reasoning."""

    input: int
    cache_read: int
    cache_write_5m: int
    cache_write_1h: int
    output: int
    reasoning: int

    @property
    def cache_write(self) -> int:
        """Tokens written to the cache, of either lifetime."""
        return self.cache_write_5m + self.cache_write_1h


def draw(seed: int, provider: str, model: str, body: bytes) -> Counts:
    """Draw the counts of an answer: the same seed and request give the same counts."""
    digest = hashlib.sha256(b"%d " % seed + body).digest()
    rng = random.Random(digest)
    fresh, read, written = 8 + len(body) // 4 + rng.randrange(400), 0, 0
    if rng.random() < CACHED_SHARE:
        read, written = rng.choice(((rng.randrange(64, 4096), 0), (0, rng.randrange(64, 4096)), (1024, 128)))
    if provider == "openai":
        written = 0
    long_lived = rng.randrange(written + 1) if written and rng.random() < LONG_TTL_SHARE else 0
    reasoning = rng.randrange(16, 600) if model.startswith(REASONING_MODELS) else 0
    output = rng.randrange(4, 300) + reasoning
    return Counts(fresh + read + written, read, written - long_lived, long_lived, output, reasoning)


class Bill:
    """Every answer that the provider charges for; safe across threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: list[dict[str, Any]] = []

    def charge(self, about: dict[str, Any], counts: Counts) -> dict[str, Any]:
        """Write an entry and return it; ``outcome`` may change while a stream is still running."""
        entry = {
            **about,
            "input": counts.input,
            "cache_read": counts.cache_read,
            "cache_write": counts.cache_write,
            "cache_write_5m": counts.cache_write_5m,
            "cache_write_1h": counts.cache_write_1h,
            "output": counts.output,
            "reasoning": counts.reasoning,
            "outcome": "complete",
        }
        with self._lock:
            self._entries.append(entry)
        return entry

    @property
    def entries(self) -> list[dict[str, Any]]:
        """Copies of the entries so far, oldest first."""
        with self._lock:
            return [dict(entry) for entry in self._entries]
