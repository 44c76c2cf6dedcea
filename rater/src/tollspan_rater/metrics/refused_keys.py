"""Senders whose key is refused now: whose data waits on their side until somebody mends the key."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from time import monotonic
from typing import Final

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from tollspan_rater.ingest.admission import Outcome, Refused

LASTS_S: Final = 600.0  # a sender that is told to come again does so at least every five minutes
MOST: Final = 20
OTHERS: Final = "other"


@dataclass(slots=True)
class _Spell:
    """Refusals of one sender that follow each other closely."""

    count: int
    last_s: float


class RefusedKeys:
    """Counts refusals by sender until none came for ten minutes; safe to call from many threads.

    A sender without a valid key is known by its address, one whose key lacks the scope by the key's id. At most
    ``MOST`` have names at a time, so that strangers cannot make labels without end; the rest are ``other``.
    """

    def __init__(self, passed_s: Callable[[], float] = monotonic) -> None:
        """Begin with none; ``passed_s`` is a clock that never goes back."""
        self._passed_s, self._lock = passed_s, threading.Lock()
        self._spells: dict[str, _Spell] = {}

    def observe(self, sender: str, outcome: Outcome) -> None:
        """Take one outcome; only refused keys count."""
        if not (isinstance(outcome, Refused) and outcome.bad_key):
            return
        with self._lock:
            self._forget()
            name = sender if sender in self._spells or len(self._spells) < MOST else OTHERS
            spell = self._spells.setdefault(name, _Spell(0, 0.0))
            spell.count += 1
            spell.last_s = self._passed_s()

    def metrics(self) -> Iterator[Metric]:
        """Yield the refusals of each sender."""
        family = GaugeMetricFamily(
            "tollspan_sender_key_refused",
            "Requests of a sender that were refused for its key, while the last of them is less than 10 minutes old.",
            labels=["sender"],
        )
        with self._lock:
            self._forget()
            for sender, spell in self._spells.items():
                family.add_metric([sender], spell.count)
        yield family

    def _forget(self) -> None:
        since_s = self._passed_s() - LASTS_S
        for sender in [sender for sender, spell in self._spells.items() if spell.last_s <= since_s]:
            del self._spells[sender]
