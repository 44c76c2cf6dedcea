"""The overview: who and what made usage, revenue, cost and margin in a month."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Final

from tollspan_rater.domain.clock import Clock
from tollspan_rater.query.answer import Answer
from tollspan_rater.web.address import page
from tollspan_rater.web.asking import Asking
from tollspan_rater.web.cell import of_customer
from tollspan_rater.web.month import month_at, month_of
from tollspan_rater.web.page import Choice, Page
from tollspan_rater.web.table import Table, table

_USED: Final = (
    "calls", "input_tokens", "cache_read_tokens", "output_tokens", "charge", "cost", "share", "unpriced",
    "unknown_cost",
)  # fmt: skip
_MARGIN: Final = (
    "customer", "calls", "revenue", "base_fees", "cost", "margin", "margin_percent", "unpriced", "unknown_cost",
)  # fmt: skip
_LEAKED: Final = (
    "customer", "attempts", "failed", "aborted", "retried", "total_tokens", "cost", "share_of_tokens",
)  # fmt: skip
_EMPTY: Final = (
    "No usage in this month. tollspan demo sends some; the example Collector configuration shows how apps do."
)


def overview(asking: Asking, given: Mapping[str, str], clock: Clock) -> Page:
    """Make the page of a month, by default the running one in the configured zone."""
    asking.ask("usage", by="customer", top="1")  # fixes position and zone
    month = month_of(given["month"]) if given.get("month") else month_at(clock.now_ns(), asking.zone)
    span = {"from_": month.first.isoformat(), "to": month.after().first.isoformat()}
    as_of = asking.kept
    return Page(
        f"Overview of {month.label}",
        tuple(_tables(asking, span)),
        asking.position,
        asking.zone,
        choices=(
            Choice("month", "Month", month.label, "2026-11"),
            Choice("as_of", "As it was known at", as_of or "", "position or day"),
        ),
        steps=(
            (f"Earlier: {month.before().label}", page("", month=month.before().label, as_of=as_of)),
            (f"Later: {month.after().label}", page("", month=month.after().label, as_of=as_of)),
        ),
        fixed=page("", month=month.label, as_of=str(asking.position)),
    )


def _tables(asking: Asking, span: Mapping[str, str]) -> list[Table]:
    found = []
    customers = {"customer": partial(of_customer, as_of=asking.kept)}
    if asking.may("margin"):
        answer = asking.ask("margin", by="customer", **span)
        found.append(table("Revenue, cost and margin by customer", answer, _MARGIN, links=customers, empty=_EMPTY))
    for dimension in ("customer", "model", "feature"):
        answer = asking.ask("usage", by=dimension, **span)
        columns = (dimension, *quiet(answer, _USED))
        found.append(table(f"Usage by {dimension}", answer, columns, links=customers, empty=_EMPTY))
    if asking.may("leakage"):
        answer = asking.ask("leakage", **span)
        found.append(
            table(
                "Failed, aborted and retried", answer, _LEAKED, links=customers, empty="Nothing leaked in this month."
            )
        )
    return found


def quiet(answer: Answer, columns: tuple[str, ...]) -> tuple[str, ...]:
    """Return the columns without those of counts that are zero or unstated in every row."""
    silent = ("cache_read_tokens", "unpriced", "unknown_cost")
    return tuple(name for name in columns if name not in silent or any(row.get(name) for row in answer.rows))
