"""The state of a bill in words and cells: preview, draft or closed, and the adjustments that go with it."""

from __future__ import annotations

from collections.abc import Iterator

from tollspan_rater.query.answer import Cell
from tollspan_rater.query.books import Bill, Since
from tollspan_rater.query.wording import instant, plain
from tollspan_rater.rating.line import Line


def service(bill: Bill, line: Line) -> dict[str, Cell]:
    """Return in which period a line's usage was, and the line there that an adjustment corrects."""
    corrected = {one.line.line_id: one.corrects for one in bill.adjustments}.get(line.line_id)
    if corrected is None:
        return {"service_period": bill.rated.period.label, "corrects": None}
    return {"service_period": corrected.period.label, "corrects": corrected.line_id}


def state_notes(bill: Bill) -> Iterator[str]:
    """Say how final a bill is."""
    who, close = f"{bill.customer}: ", bill.close
    if bill.state == "preview":
        yield f"{who}preview of a running period; amounts for the whole of it are as if it ended now"
    elif close is None:
        yield f"{who}draft of a period that has ended: tollspan close --period {bill.rated.period.label} closes it"
    else:
        words = f"closed {instant(close.at_ns)} by {close.actor}, as of position {close.cutoff}"
        yield f"{who}{words}, digest {close.digest}"
    for since in bill.since:
        yield f"{who}{_words(since)}"


def state_details(bill: Bill) -> dict[str, object]:
    """Return the state for machines.

    ``corrected`` holds the bounds of the periods that its adjustments correct; ``adjustments_since`` lists what later
    bills hold of this period.
    """
    details: dict[str, object] = {"state": bill.state}
    if bill.adjustments:
        periods = [one.corrects.period for one in bill.adjustments]
        details["corrected"] = {
            period.label: {"from": instant(period.start_ns), "to": instant(period.end_ns)} for period in periods
        }
    if bill.close is not None:
        details |= {"digest": bill.close.digest, "cutoff": bill.close.cutoff, "closed_at": instant(bill.close.at_ns)}
        details["adjustments_since"] = [_cells(since) for since in bill.since]
    return details


def _words(since: Since) -> str:
    line = since.adjustment.line
    place = f"on the bill of {since.booked_in}" if since.booked_in else "on the open bill"
    return f"adjusted since by {line.amount:+f} {line.currency} {place} ({line.line_id}): {line.description}"


def _cells(since: Since) -> dict[str, str | None]:
    adjustment = since.adjustment
    return {
        "line_id": adjustment.line.line_id,
        "corrects": adjustment.corrects.line_id,
        "booked_in": since.booked_in,
        "amount": f"{adjustment.line.amount:f}",
        "amount_exact": f"{plain(adjustment.line.amount_exact):f}",
        "currency": adjustment.line.currency,
    }
