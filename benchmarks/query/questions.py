"""What is asked: the API's main questions, each beside the bare query over the same rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from benchmarks.query.history import TENANT

HEAVY, MIDDLE = "customer-0001", "customer-0100"  # the one with the most calls, and one of the hundred busiest
_SUMS: Final = "count(*), sum(input), sum(cache_read), sum(output)"
_MONTH: Final = f"FROM legs WHERE tenant = '{TENANT}' AND started_ns >= $month"
_WHOSE: Final = " AND customer = $customer"
_OF_ONE: Final = f"SELECT provider, model, {_SUMS} {_MONTH}{_WHOSE} GROUP BY provider, model"
_DAY: Final = "started_ns // 86400000000000"


@dataclass(frozen=True, slots=True)
class Asked:
    """A question as it is asked over HTTP, the bare query beside it, and the aim for its p99 in milliseconds.

    ``month`` says whether it is given the first day of the running month as ``from``.
    """

    what: str
    path: str
    params: Mapping[str, str]
    bare: str
    aim_ms: int | None = None
    month: bool = True


def _by(dimension: str, sql: str) -> str:
    return f"SELECT {sql} AS {dimension}, {_SUMS} {_MONTH} GROUP BY ALL"


ASKED: Final = (
    Asked("usage of the largest customer", "usage", {"customer": HEAVY}, _OF_ONE, 50),
    Asked("usage of one customer", "usage", {"customer": MIDDLE}, _OF_ONE, 50),
    Asked("charges of one customer by model", "usage", {"customer": MIDDLE, "by": "model"}, _OF_ONE, 50),
    Asked("invoice of one customer", "invoice", {"customer": MIDDLE}, _OF_ONE, month=False),
    Asked("allowance of one customer", "allowance", {"customer": MIDDLE}, _OF_ONE, month=False),
    Asked(
        "100 calls of one customer", "calls", {"customer": MIDDLE, "limit": "100"},
        f"SELECT * {_MONTH}{_WHOSE} ORDER BY started_ns, call_id LIMIT 100",
    ),
    Asked("overview: usage, top 20 customers", "usage", {"top": "20"}, _by("customer", "customer"), 500),
    Asked("overview: margin, top 20 customers", "margin", {"top": "20"}, _by("customer", "customer"), 500),
    Asked("margin by model", "margin", {"by": "model"}, _by("model", "model"), 500),
    Asked("usage by day", "usage", {"by": "day"}, _by("day", _DAY), 500),
)  # fmt: skip
