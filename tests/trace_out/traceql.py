"""The forms of TraceQL that the page uses, answered from spans: for the page's tables, not for anyone's Tempo."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, Final

from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.trace_out.spans import attributes

_SUM: Final = (
    r"\{ span\.(?P<given>[\w.]+) != nil \} \| sum_over_time\(span\.(?P<summed>[\w.]+)\) by \(span\.(?P<by>[\w.]+)\)"
)
_ABOVE: Final = re.compile(r"\{ span\.(?P<name>[\w.]+) > (?P<least>\d+\.\d+) \}")
_NO_GROUPS: Final = re.sub(r"\?P<\w+>", "?:", _SUM)
_SHARE: Final = re.compile(
    rf"100 \* \(\((?P<one>{_NO_GROUPS})\) - \((?P<less>{_NO_GROUPS})\)\) / \((?P<of>{_NO_GROUPS})\)"
)


def answer(query: str, spans: Iterable[Span]) -> dict[str, float]:
    """Return a value by group for a metrics query over all time, and by trace id for a search."""
    found = [(span, attributes(span)) for span in spans]
    said = " ".join(query.split())
    if share := _SHARE.fullmatch(said):
        one, less, of = (_summed(share[name], found) for name in ("one", "less", "of"))
        return {key: 100 * (one[key] - less[key]) / of[key] for key in one.keys() & less.keys() if of[key]}
    if above := _ABOVE.fullmatch(said):
        least = float(above["least"])
        return {
            span.trace_id.hex(): value
            for span, one in found
            if isinstance(value := one.get(above["name"]), float) and value > least
        }
    return _summed(said, found)


def _summed(query: str, found: Iterable[tuple[Span, Mapping[str, Any]]]) -> dict[str, float]:
    """Add doubles up by a dimension; spans without the amount are filtered out, as every sum must."""
    asked = re.fullmatch(_SUM, query)
    assert asked is not None, f"the page may not use this form: {query}"
    assert asked["given"] == asked["summed"], f"{query} sums what it does not filter"
    sums: dict[str, float] = defaultdict(float)
    for _span, said in found:
        if isinstance(said.get(asked["summed"]), float):
            sums[said.get(asked["by"], "nil")] += said[asked["summed"]]
    return sums
