"""Where records wait that cannot be written to a file: a bounded queue in memory."""

from __future__ import annotations

from collections import deque

from tollspan.frame import Frame
from tollspan.segment import Batch


class Memory:
    """Keeps up to ``most`` records in order. Any thread appends; one thread reads."""

    def __init__(self, resource: bytes, most: int) -> None:
        self._resource, self._most = resource, most
        self._frames: deque[Frame] = deque()

    def append(self, frame: Frame) -> bool:
        """Keep a record; False when there is no room."""
        if len(self._frames) >= self._most:
            return False
        self._frames.append(frame)
        return True

    def read(self, most: int) -> Batch | None:
        """Return the oldest records; ``None`` when there are none."""
        count = min(most, len(self._frames))
        frames = tuple(self._frames[index] for index in range(count))  # others append meanwhile
        return Batch(self, self._resource, frames, count) if frames else None

    def acknowledge(self, end: int) -> None:
        """Forget the ``end`` oldest records."""
        for _ in range(end):
            self._frames.popleft()

    def clear(self) -> int:
        """Forget everything; return how many records that were."""
        count = len(self._frames)
        self._frames.clear()
        return count
