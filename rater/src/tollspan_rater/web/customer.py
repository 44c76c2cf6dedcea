"""One customer: the bill of a period with its lines, allowances, what was used, and the calls."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Final

from tollspan_rater.api.access import Denied
from tollspan_rater.domain.clock import Clock
from tollspan_rater.errors import UsageError
from tollspan_rater.web.address import page
from tollspan_rater.web.asking import Asking
from tollspan_rater.web.cell import of_id
from tollspan_rater.web.month import month_at, month_of
from tollspan_rater.web.overview import quiet
from tollspan_rater.web.page import Choice, Page
from tollspan_rater.web.table import Table, table

CALLS_A_PAGE: Final = "50"
_LINES: Final = (
    "line_id", "description", "quantity", "included", "billable", "unit_price", "amount", "calls", "why",
)  # fmt: skip
_LEFT: Final = ("plan", "meter", "limit", "used", "used_percent", "remaining", "over", "resets_at")
_USED: Final = ("calls", "input_tokens", "cache_read_tokens", "output_tokens", "charge", "cost", "share", "unpriced")
_CALLS: Final = (
    "started_at", "call_id", "model", "feature", "input_tokens", "output_tokens", "quality", "outcome", "reason",
    "charge",
)  # fmt: skip
_STATES: Final[Mapping[str, str]] = {
    "preview": "The period is running; its amounts are those of now.",
    "draft": "The period has ended and is not closed.",
    "closed": "The period is closed; its lines stay.",
}


def customer(asking: Asking, given: Mapping[str, str], clock: Clock) -> Page:
    """Make a customer's page for a period, by default the running one.

    Raises:
        UsageError: no customer is named.
    """
    name = asking.identity.customer if asking.identity.customer is not None else given.get("customer")
    if not name:
        raise UsageError("name a customer: the overview lists them")
    parts, bill = _bill(asking, name, given, clock)
    span = {"customer": name, "from_": bill["from"], "to": bill["to"]}
    parts.append(_left(asking, name, bill["period"]))
    for dimension in ("model", "feature"):
        answer = asking.ask("usage", by=dimension, **span)
        parts.append(table(f"Usage by {dimension}", answer, (dimension, *quiet(answer, _USED)), empty="No usage."))
    parts.append(_calls(asking, span, given, bill["period"]))
    return Page(
        f"Customer {name}",
        tuple(parts),
        asking.position,
        asking.zone,
        about=f"Period {bill['period']}. {_STATES.get(bill.get('state', ''), '')} Amounts are net of tax.",
        choices=(
            Choice("period", "Period", bill["period"], "2026-11"),
            Choice("as_of", "As it was known at", asking.kept or "", "position or day"),
        ),
        hidden={"customer": name},
        fixed=page("customer", customer=name, period=bill["period"], as_of=str(asking.position)),
    )


def _bill(asking: Asking, name: str, given: Mapping[str, str], clock: Clock) -> tuple[list[Table], Mapping[str, str]]:
    """Return the bill and its frame; for readers who see no money, the frame of a calendar month."""
    period = given.get("period") or None
    try:
        reply = asking.told("invoice", customer=name, period=period)
    except Denied:
        asking.ask("usage", customer=name, top="1")  # fixes position and zone
        month = month_of(period) if period else month_at(clock.now_ns(), asking.zone)
        span = {"from": month.first.isoformat(), "to": month.after().first.isoformat()}
        return [], {"period": month.label, **span}
    links = {"line_id": partial(of_id, as_of=asking.kept)} if asking.may("explain") else {}
    lines = table("Bill", reply.answer, _LINES, links=links, empty="Nothing to bill in this period.")
    return [lines], reply.bill


def _left(asking: Asking, name: str, period: str) -> Table:
    answer = asking.ask("allowance", customer=name, period=period)
    return table("Allowances", answer, _LEFT, empty="The plan includes no allowance in this period.")


def _calls(asking: Asking, span: Mapping[str, str], given: Mapping[str, str], period: str) -> Table:
    """Return a page of the calls, oldest first, and where the next one begins."""
    reply = asking.told("calls", limit=CALLS_A_PAGE, cursor=given.get("cursor") or None, **span)
    more = None
    if reply.cursor is not None:
        at = str(asking.position)
        more = page("customer", customer=span["customer"], period=period, as_of=at, cursor=reply.cursor)
    links = {"call_id": partial(of_id, as_of=asking.kept)} if asking.may("explain") else {}
    bare = replace(reply.answer, notes=())  # they name the option of a command
    heading = "Calls" if not given.get("cursor") else "Calls, continued"
    return table(heading, bare, _CALLS, links=links, empty="No calls in this period.", more=more)
