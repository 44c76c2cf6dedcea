"""Which answers the wires have recorded lately, for callbacks that hear of the same calls from a library."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import Final

from tollspan.record import CallRecord

KEPT: Final = 10_000  # answers; a callback comes within seconds


class Metered:
    """The newest ids under which answers with usage were recorded: the provider's request ids and response ids."""

    def __init__(self, kept: int = KEPT) -> None:
        self._kept = kept
        self._ids: dict[str, None] = {}
        self._lock = threading.Lock()

    def observe(self) -> Metered:
        """Return what hears of the record of a call that begins."""
        return self

    def __call__(self, record: CallRecord) -> None:
        """Remember a record that says what was used; of one that does not, another source may know more."""
        if record.quality == "unmeasured":
            return
        with self._lock:
            for name in filter(None, (record.provider_request_id, record.response_id)):
                self._ids[name] = None
            while len(self._ids) > self._kept:
                del self._ids[next(iter(self._ids))]

    def has(self, names: Iterable[object]) -> bool:
        """Tell whether an answer with one of these ids was recorded."""
        with self._lock:
            return any(isinstance(name, str) and name in self._ids for name in names)
