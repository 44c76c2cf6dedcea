"""Quantiles by name, and what of a call they are asked of: the words of the question about latency."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

OUTPUT_LENGTH: Final = "output_length"  # a dimension: classes of output lengths
RATE: Final = "output_tokens_per_second"
QUANTILES: Final[Mapping[str, str]] = {
    "p10": "0.1", "p25": "0.25", "p50": "0.5", "p75": "0.75", "p90": "0.9", "p95": "0.95", "p99": "0.99",
    "p999": "0.999",
}  # fmt: skip
MEASURES: Final[Mapping[str, str]] = {  # name: the column that counts the calls that do not state it
    "ttft_ms": "unknown_ttft",
    "duration_ms": "unknown_duration",
    "output_tokens": "unknown_output",
    RATE: "unknown_rate",
}


def quantile_columns(quantiles: Sequence[str]) -> Iterator[str]:
    """Yield the columns of some quantiles of every measure, each measure followed by its count of unknown."""
    for measure, unknown in MEASURES.items():
        yield from (f"{measure}_{quantile}" for quantile in quantiles)
        yield unknown
