"""The benchmark that fills a store by SQL keeps to the store's columns."""

from __future__ import annotations

from benchmarks.ingest.history import history

FIRST_NS = 1_790_000_000_000_000_000


def test_a_small_history_is_measured() -> None:
    found = history((10, 100), ((100, 1),), FIRST_NS)
    assert set(found) == {(100, 10), (100, 100)}
    assert all(cost > 0 for cost in found.values())
