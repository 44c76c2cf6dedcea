"""Chargebee usages: the classic records of metered items, of any age, one a day and item price."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from http import HTTPStatus
from typing import Final
from urllib.parse import quote

from tollspan_rater.export.contract import FOREVER, Contract, Needs
from tollspan_rater.export.draft import Draft
from tollspan_rater.export.http import Answer, Request
from tollspan_rater.export.over_http import OverHttp
from tollspan_rater.export.rules import at, named, outcome, silence
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
from tollspan_rater.export.targets import chargebee

CONTRACT: Final = Contract(
    name="chargebee-usages",
    takes="usage",
    source="https://apidocs.chargebee.com/docs/api/usages",
    per_second=2,  # 150 requests a minute on the smallest plan
    dedup_s=FOREVER,  # our id is the record's own, and `dedupe_option` says to skip a known one
    settle_s=120,
    digits=6,
    negative="carried",
    needs=Needs(customer=("subscription",), meter=("item_price",)),
    compares="entries",
)
_PAGE: Final = "100"


def target(settings: Settings) -> Usages:
    """Make the target; option ``site``, secret ``key``."""
    return Usages(CONTRACT, chargebee.connect(settings, "{site}.chargebee.com"))


class Usages(OverHttp):
    """Hands over usage as usage records, each under an id of ours."""

    def element(self, draft: Draft, item_id: str, stamp_ns: int, mapped: Mapped) -> Element:
        """Return the form of a usage record and the subscription it belongs to.

        Raises:
            UntellableError: the draft's quantity is unknown.
        """
        return {
            "subscription": mapped.customer["subscription"],
            "usage": {
                "id": item_id,
                "item_price_id": mapped.meter["item_price"],
                "quantity": self.quantity(draft),
                "usage_date": str(stamp_ns // chargebee.SECOND),
                "dedupe_option": "skip",
                "note": draft.description[:250],
            },
        }

    def send(self, sendings: Sequence[Sending]) -> Sequence[Outcome]:
        """Create one usage record."""
        return [self._send(sending) for sending in sendings]

    def look(self, sending: Sending) -> Sight:
        """Read the record of our id."""
        answer = self.http.ask(Request("GET", _path(sending.element), query={"id": sending.item_id}))
        if isinstance(answer, Answer) and answer.status == HTTPStatus.NOT_FOUND:
            return Absent()
        found = isinstance(answer, Answer) and answer.ok and at(answer.body, "usage", "id") == sending.item_id
        return Accepted(sending.item_id) if found else silence(answer)

    def held(self, wanted: Wanted) -> Held | Unclear:
        """List the records of a subscription, an item price and a span of time."""
        first_s, last_s = wanted.start_ns // chargebee.SECOND, (wanted.end_ns - 1) // chargebee.SECOND
        query = {
            "limit": _PAGE,
            "subscription_id[is]": wanted.customer["subscription"],
            "item_price_id[is]": wanted.meter["item_price"],
            "usage_date[between]": f"[{first_s},{last_s}]",
        }
        found = self.rows(Request("GET", "/usages", query=query), "list", chargebee.following)
        if isinstance(found, Unclear):
            return found
        return Held.of(Entry.of(at(one, "usage", "id"), Decimal(at(one, "usage", "quantity"))) for one in found)

    def _send(self, sending: Sending) -> Outcome:
        headers = {"chargebee-idempotency-key": sending.key}
        request = Request("POST", _path(sending.element), form=sending.element["usage"], headers=headers)
        return outcome(self.http.ask(request), chargebee.RULES, chargebee.said, named("usage", "id"))


def _path(element: Element) -> str:
    return f"/subscriptions/{quote(element['subscription'], safe='')}/usages"
