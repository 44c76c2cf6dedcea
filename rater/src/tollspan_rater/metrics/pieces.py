"""What became of the pieces that came in, and what never did."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from tollspan_rater.domain.fates import Fate
from tollspan_rater.query import senders
from tollspan_rater.query.scope import Scope
from tollspan_rater.store import fates

_LOST: Final = "Records that the sequence numbers of sending processes show and that never came."


def families(scope: Scope) -> Iterator[Metric]:
    """Yield the pieces by fate, zeros included, and the records lost on the way to us."""
    counted = fates.counts(scope.connection, scope.accounts.tenant)
    pieces = GaugeMetricFamily("tollspan_pieces", "Pieces in the journal by their present fate.", labels=["fate"])
    for fate in Fate:
        pieces.add_metric([fate.value], counted.get(fate.value, 0))
    yield pieces
    yield GaugeMetricFamily("tollspan_sender_lost_records", _LOST, value=senders.lost(scope))
