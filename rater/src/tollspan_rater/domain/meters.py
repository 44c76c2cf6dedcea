"""The tree of meters: what is counted, and whose price a meter takes when it has none of its own."""

from __future__ import annotations

from typing import Final

PARENT: Final[dict[str, str]] = {
    "cache_write_5m": "cache_write",
    "cache_write_1h": "cache_write",
    "cache_write": "input",
    "cache_read": "input",
    "audio_in": "input",
    "image_in": "input",
    "reasoning": "output",
    "audio_out": "output",
}

TOKEN_METERS: Final[tuple[str, ...]] = (
    "input",
    "cache_read",
    "cache_write",
    "cache_write_5m",
    "cache_write_1h",
    "audio_in",
    "image_in",
    "output",
    "reasoning",
    "audio_out",
)
UNIT_METERS: Final[tuple[str, ...]] = (
    "request",
    "web_search",
    "image",
    "audio_second",
    "tool_call",
    "agent_run",
    "retrieval",
    "gpu_second",
)


def children(meter: str) -> tuple[str, ...]:
    """Return the meters directly below one, in a fixed order."""
    return tuple(child for child in TOKEN_METERS if PARENT.get(child) == meter)


def priced_ancestor(meter: str, priced: frozenset[str]) -> str | None:
    """Return the meter whose price a quantity of ``meter`` takes: itself, else the nearest priced ancestor."""
    at: str | None = meter
    while at is not None and at not in priced:
        at = PARENT.get(at)
    return at
