"""Recurly usage: records of a usage-based add-on of a subscription, one a day.

Recurly has no idempotency, so a record without an answer is looked for by its ``merchant_tag`` before it is sent
again. A negative amount takes back what was told, as long as it is not billed; Recurly bills the rest in its next
invoice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final
from urllib.parse import parse_qsl, quote, urlsplit

from tollspan_rater.domain.clock import from_ns
from tollspan_rater.export.contract import Contract, Needs
from tollspan_rater.export.credential import basic
from tollspan_rater.export.draft import Draft
from tollspan_rater.export.http import Answer, Http, Request
from tollspan_rater.export.over_http import OverHttp, Rows
from tollspan_rater.export.rules import at, named, outcome
from tollspan_rater.export.settings import Settings
from tollspan_rater.export.target import (
    Absent,
    Accepted,
    Element,
    Entry,
    Held,
    Mapped,
    Outcome,
    Sending,
    Sight,
    Unclear,
    Wanted,
)

CONTRACT: Final = Contract(
    name="recurly-usage",
    takes="usage",
    source="https://recurly.com/developers/api/v2021-02-25/index.html#operation/create_usage",
    per_second=6,  # 400 a minute of a sandbox; a live site takes more
    dedup_s=0,
    settle_s=300,
    digits=9,  # with Recurly's decimal quantities; without them it cuts off what is behind the point
    needs=Needs(customer=("subscription",), meter=("add_on",)),
    compares="entries",
)
URL: Final = "https://v3.recurly.com"
VERSION: Final = "application/vnd.recurly.v2021-02-25"
_PAGE: Final = "200"


def target(settings: Settings) -> Usage:
    """Make the target; secret ``key``; ``url`` for a site in the European Union."""
    headers = {"Authorization": basic(settings.secret()), "Accept": VERSION}
    return Usage(CONTRACT, Http(settings.client, settings.url or URL, settings.clock, headers))


class Usage(OverHttp):
    """Hands over usage as usage records, and finds them again by their tag."""

    def element(self, draft: Draft, item_id: str, stamp_ns: int, mapped: Mapped) -> Element:
        """Return a usage record with the place it belongs to; both of its times are the stamp.

        Raises:
            UntellableError: the draft's quantity is unknown.
        """
        at_text = from_ns(stamp_ns).isoformat()
        return {
            "subscription": mapped.customer["subscription"],
            "add_on": mapped.meter["add_on"],
            "usage": {
                "merchant_tag": item_id,
                "amount": self.quantity(draft),
                "recording_timestamp": at_text,
                "usage_timestamp": at_text,
            },
        }

    def send(self, sendings: Sequence[Sending]) -> Sequence[Outcome]:
        """Create one usage record."""
        return [self._send(sending.element) for sending in sendings]

    def look(self, sending: Sending) -> Sight:
        """Look through the records of the same instant, billed or not, for the one with our tag."""
        stamp = sending.element["usage"]["usage_timestamp"]
        records = self._records(_path(sending.element), stamp, stamp)
        if isinstance(records, Unclear):
            return records
        found = next((one for one in records if at(one, "merchant_tag") == sending.item_id), None)
        return Absent() if found is None else Accepted(at(found, "id"))

    def held(self, wanted: Wanted) -> Held | Unclear:
        """List the records of an add-on in a span of time."""
        first, last = (from_ns(instant).isoformat() for instant in (wanted.start_ns, wanted.end_ns - 1000))
        records = self._records(_path({**wanted.customer, **wanted.meter}), first, last)
        if isinstance(records, Unclear):
            return records
        return Held.of(Entry.of(at(one, "merchant_tag"), Decimal(str(one["amount"]))) for one in records)

    def _send(self, element: Element) -> Outcome:
        record = {**element["usage"], "amount": Decimal(element["usage"]["amount"])}
        answer = self.http.ask(Request("POST", _path(element), json=record))
        return outcome(answer, (), _said, named("id"))

    def _records(self, path: str, first: str, last: str) -> Rows | Unclear:
        query = {
            "sort": "usage_timestamp",
            "order": "asc",
            "limit": _PAGE,
            "billing_status": "all",
            "begin_time": first,
            "end_time": last,
        }
        return self.rows(Request("GET", path, query=query), "data", _following)


def _following(page: Mapping[str, Any], asked: Request) -> Request | None:
    return asked.also(**dict(parse_qsl(urlsplit(at(page, "next")).query))) if page.get("has_more") else None


def _path(place: Mapping[str, Any]) -> str:
    subscription, add_on = (quote(place[name], safe="") for name in ("subscription", "add_on"))
    return f"/subscriptions/{subscription}/add_ons/{add_on}/usage"


def _said(answer: Answer) -> tuple[str, str]:
    return at(answer.body, "error", "type"), at(answer.body, "error", "message")
