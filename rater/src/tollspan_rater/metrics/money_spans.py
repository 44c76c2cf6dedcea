"""Money spans since the start: queued, sent, given up, and how many wait."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from tollspan_rater.trace_out.trace_out import Figures

_COUNTERS: Final = {
    "calls": "Calls whose money was queued for traces.",
    "adjustments": "Later differences that were queued for traces.",
    "sampled_out": "Calls without a money span, for their trace was sampled out.",
    "sent": "Money spans that the endpoint took.",
    "refused": "Money spans that the endpoint refused for good.",
    "dropped": "Money spans given up because too many waited.",
    "failures": "Requests that the endpoint did not take; they are sent again.",
}


def families(figures: Figures) -> Iterator[Metric]:
    """Yield a counter for each figure, and a gauge of the spans that wait."""
    for name, words in _COUNTERS.items():
        yield CounterMetricFamily(f"tollspan_trace_out_{name}", words, value=getattr(figures, name))
    yield GaugeMetricFamily("tollspan_trace_out_waiting", "Money spans that wait to be sent.", value=figures.waiting)
