"""How fast an answer came."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Pace:
    """Moments of an attempt, in nanoseconds since the epoch; ``None``: nothing came."""

    start_ns: int
    first_chunk_ns: int | None = None

    @property
    def ttft_seconds(self) -> float | None:
        """Seconds from the request to the first piece of the body."""
        return None if self.first_chunk_ns is None else (self.first_chunk_ns - self.start_ns) / 1e9

    def output_rate(self, tokens: int | None, end_ns: int) -> float | None:
        """Return tokens a second after the first piece, ``None`` where nothing was to be waited for."""
        if not tokens or self.first_chunk_ns is None or end_ns <= self.first_chunk_ns:
            return None
        return tokens / ((end_ns - self.first_chunk_ns) / 1e9)
