"""When the next request may leave: the target's rate, and what it asked for itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from tollspan_rater.domain.clock import Clock

SECOND: Final = 1_000_000_000
PATIENCE_S: Final = 60.0


class Pace:
    """Spaces requests evenly, at most ``per_second``; ``None`` is without a limit.

    ``sleep`` waits for seconds, and returns something true to say that nobody should wait any more (``time.sleep``
    and ``threading.Event.wait`` both fit). Longer than ``patience_s`` nobody waits either: the next run comes later.
    """

    def __init__(
        self, per_second: float | None, clock: Clock, sleep: Callable[[float], object], patience_s: float = PATIENCE_S
    ) -> None:
        self._gap_ns = 0 if per_second is None else int(SECOND / per_second)
        self._clock, self._sleep, self._patience_ns = clock, sleep, int(patience_s * SECOND)
        self.open_ns = 0  # before that instant no request may leave

    def ready(self) -> bool:
        """Wait until a request may leave, and count it; False when that is not yet so."""
        wait_ns = self.open_ns - self._clock.now_ns()
        if wait_ns > self._patience_ns:
            return False
        if wait_ns > 0 and self._sleep(wait_ns / SECOND):
            return False
        self.open_ns = self._clock.now_ns() + self._gap_ns
        return True

    def rest(self, seconds: float) -> None:
        """Let no request leave for some seconds, as the target asked."""
        self.open_ns = max(self.open_ns, self._clock.now_ns() + int(seconds * SECOND))
