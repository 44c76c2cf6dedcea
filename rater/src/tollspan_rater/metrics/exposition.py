"""Metrics as text, in the form that the scraper asks for: OpenMetrics or Prometheus's own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import CollectorRegistry

Source = Callable[[str], Iterable[Metric]]


def exposed(sources: Sequence[Source], tenant: str, accept: str) -> tuple[bytes, str]:
    """Return the metrics of all sources for a tenant, and the media type that an Accept header leads to."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Once(sources, tenant))
    encode, media = choose_encoder(accept)
    return encode(registry), media


class _Once:
    def __init__(self, sources: Sequence[Source], tenant: str) -> None:
        self._sources, self._tenant = sources, tenant

    def collect(self) -> Iterator[Metric]:
        for source in self._sources:
            yield from source(self._tenant)

    def describe(self) -> Iterable[Metric]:
        """Say nothing beforehand: to tell the names would be to ask everything."""
        return ()
