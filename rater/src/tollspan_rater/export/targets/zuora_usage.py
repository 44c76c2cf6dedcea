"""Zuora usage records: one a day, unit of measure and subscription, by the REST interface.

A record without a subscription would be billed on every subscription of the account that has its unit of measure,
so one is always named.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from tollspan_rater.domain.clock import from_ns, to_ns
from tollspan_rater.export.bearer import Bearer
from tollspan_rater.export.contract import Contract, Needs
from tollspan_rater.export.draft import Draft
from tollspan_rater.export.http import Answer, Http, Request
from tollspan_rater.export.over_http import OverHttp, Rows
from tollspan_rater.export.rules import Rule, at, named, outcome
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
    name="zuora-usage",
    takes="usage",
    source="https://developer.zuora.com/v1-api-reference/api/operation/Object_POSTUsage/",
    per_second=10,
    dedup_s=24 * 3600,  # of an Idempotency-Key
    settle_s=120,
    digits=9,
    negative="carried",  # a quantity below zero is refused
    needs=Needs(customer=("account", "subscription"), meter=("uom",)),
    compares="entries",
)
URL: Final = "https://rest.zuora.com"
_PAGE: Final = "50"
_RULES: Final = (Rule(409, "unclear"),)  # the first request with this key is still under way


def target(settings: Settings) -> Usage:
    """Make the target; secrets ``client_id`` and ``client_secret``; ``url`` for another data centre."""
    http = Http(settings.client, settings.url or URL, settings.clock)
    known = {name: settings.secret(name) for name in ("client_id", "client_secret")}
    asked = Request("POST", "/oauth/token", form={**known, "grant_type": "client_credentials"})
    return Usage(CONTRACT, Bearer(http, http, asked, settings.clock))


class Usage(OverHttp):
    """Hands over usage as usage records, and finds them again by their description, which is our id."""

    def element(self, draft: Draft, item_id: str, stamp_ns: int, mapped: Mapped) -> Element:
        """Return a usage record; ``charge`` is named where the mapping of the customer or meter does.

        Raises:
            UntellableError: the draft's quantity is unknown.
        """
        names = {**mapped.customer, **mapped.meter}
        return {
            "AccountNumber": names["account"],
            "SubscriptionNumber": names["subscription"],
            **({"ChargeNumber": names["charge"]} if "charge" in names else {}),
            "UOM": names["uom"],
            "Quantity": self.quantity(draft),
            "StartDateTime": from_ns(stamp_ns).isoformat(timespec="milliseconds"),
            "Description": item_id,
        }

    def send(self, sendings: Sequence[Sending]) -> Sequence[Outcome]:
        """Create one usage record under its idempotency key."""
        return [self._send(sending) for sending in sendings]

    def look(self, sending: Sending) -> Sight:
        """Ask for the records that have our id as their description."""
        records = self._records(f"description.EQ:{sending.item_id}")
        if isinstance(records, Unclear):
            return records
        found = next((one for one in records if at(one, "description") == sending.item_id), None)
        return Absent() if found is None else Accepted(at(found, "id"))

    def held(self, wanted: Wanted) -> Held | Unclear:
        """List an account's records of a unit of measure whose time is in a span."""
        found = self._records(f"accountNumber.EQ:{wanted.customer['account']}")
        if isinstance(found, Unclear):
            return found
        records = (one for one in found if one.get("uOM") == wanted.meter["uom"])
        try:
            return Held.of(
                Entry.of(at(one, "description"), Decimal(str(one["quantity"])))
                for one in records
                if _within(one, wanted)
            )
        except ValueError:
            return Unclear("the time of a record cannot be read")

    def _send(self, sending: Sending) -> Outcome:
        record = {**sending.element, "Quantity": Decimal(sending.element["Quantity"])}
        headers = {"Idempotency-Key": sending.key}
        answer = self.http.ask(Request("POST", "/v1/object/usage", json=record, headers=headers))
        if isinstance(answer, Answer) and answer.ok and answer.document.get("Success") is False:
            answer = Answer(400, answer.body, answer.headers, answer.text)  # older tenants say no with a 200
        return outcome(answer, _RULES, _said, named("Id"))

    def _records(self, asked: str) -> Rows | Unclear:
        query = {"pageSize": _PAGE, "filter[]": asked}
        return self.rows(Request("GET", "/object-query/usages", query=query), "data", _following)


def _following(page: Mapping[str, Any], asked: Request) -> Request | None:
    cursor = at(page, "nextPage")
    return asked.also(cursor=cursor) if cursor else None


def _within(record: Mapping[str, Any], wanted: Wanted) -> bool:
    return wanted.start_ns <= to_ns(datetime.fromisoformat(at(record, "startDateTime"))) < wanted.end_ns


def _said(answer: Answer) -> tuple[str, str]:
    errors = answer.document.get("Errors")
    first = errors[0] if isinstance(errors, list) and errors else answer.body
    return at(first, "Code"), at(first, "Message") or at(first, "message")
