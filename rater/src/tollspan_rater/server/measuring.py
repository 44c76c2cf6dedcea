"""What Prometheus is told of a rater: one source after the other."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client.metrics_core import Metric

from tollspan_rater.api.app import Scrape
from tollspan_rater.metrics import money_spans, pieces, vitals
from tollspan_rater.metrics.answers import Figures
from tollspan_rater.metrics.exposition import exposed
from tollspan_rater.metrics.refused_keys import RefusedKeys
from tollspan_rater.metrics.requests import Requests
from tollspan_rater.server.rater import Rater


@contextmanager
def scraping(rater: Rater, requests: Requests, refused_keys: RefusedKeys) -> Iterator[Scrape]:
    """Give what answers a scrape: the rater's state first, so that it is there when a question fails."""
    figures = Figures(rater, rater.clock, rater.config.zone)

    def state(_tenant: str) -> Iterator[Metric]:
        return vitals.families(_vitals(rater))

    def of_pieces(tenant: str) -> Iterator[Metric]:
        with rater.asker.scope(tenant) as scope:
            yield from pieces.families(scope)

    def of_money_spans(tenant: str) -> Iterator[Metric]:
        if rater.trace_out is not None and tenant == rater.config.tenant:
            yield from money_spans.families(rater.trace_out.figures)

    def of_refused_keys(tenant: str) -> Iterator[Metric]:
        if tenant == rater.config.tenant:  # who has no valid key has no tenant either
            yield from refused_keys.metrics()

    sources = (requests.metrics, of_refused_keys, state, of_money_spans, of_pieces, figures.metrics)
    try:
        yield lambda tenant, accept: exposed(sources, tenant, accept)
    finally:
        figures.close()


def _vitals(rater: Rater) -> vitals.Vitals:
    store, journal = rater.writer.position, rater.journal.last_position
    return vitals.Vitals(
        journal_position=journal,
        store_position=store,
        queue_entries=max(0, journal - store),
        summed_legs=rater.day_sums.legs,
        lag_seconds=rater.writer.lag_s(rater.clock.now_ns()),
        max_lag_seconds=rater.config.pressure.max_lag,
        disk_free_bytes=shutil.disk_usage(rater.folder.path).free,
        disk_floor_bytes=rater.config.pressure.min_free_disk,
        taking_spans=rater.trouble() is None,
    )
