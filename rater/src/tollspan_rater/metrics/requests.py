"""How many requests the doors answered, and how."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from typing import Final

from prometheus_client.core import CounterMetricFamily
from prometheus_client.metrics_core import Metric

from tollspan_rater.ingest.admission import Accepted, Kind, Outcome

ACCEPTED: Final = "accepted"


class Requests:
    """Counts the outcomes of requests since the start; safe to call from many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counted: Counter[str] = Counter(dict.fromkeys((ACCEPTED, *(kind.value for kind in Kind)), 0))

    def observe(self, _sender: str, outcome: Outcome) -> None:
        """Count one request; a sender is no label, for there may be any number of them."""
        name = ACCEPTED if isinstance(outcome, Accepted) else outcome.kind.value
        with self._lock:
            self._counted[name] += 1

    def metrics(self, _tenant: str) -> Iterator[Metric]:
        """Yield the counts by outcome, with zeros: a rate needs to see a counter before its first step."""
        family = CounterMetricFamily(
            "tollspan_requests",
            "Requests of senders since the start, by outcome; accepted is durable.",
            labels=["outcome"],
        )
        with self._lock:
            for outcome, count in self._counted.items():
                family.add_metric([outcome], count)
        yield family
