"""Zuora usage records: one a day, unit of measure and subscription, by the REST interface.

A record without a subscription would be billed on every subscription of the account that has its unit of measure,
so one is always named.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from tollspan_rater.domain.clock import from_ns
from tollspan_rater.domain.money import exact_sum
from tollspan_rater.export.bearer import Bearer
from tollspan_rater.export.contract import Contract, Needs
from tollspan_rater.export.draft import Draft
from tollspan_rater.export.http import Answer, Http, Request
from tollspan_rater.export.rules import Rule, at, outcome
from tollspan_rater.export.settings import Settings
from tollspan_rater.export.target import (
    Absent,
    Accepted,
    Element,
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
)
URL: Final = "https://rest.zuora.com"
_RULES: Final = (
    Rule(200, "accepted"),
    Rule(409, "unclear"),  # the first request with this key is still under way
)


def target(settings: Settings) -> Usage:
    """Make the target; secrets ``client_id`` and ``client_secret``; ``url`` for another data centre."""
    http = Http(settings.client, settings.url or URL, settings.clock)
    known = {name: settings.secrets.get(name, "") for name in ("client_id", "client_secret")}
    asked = Request("POST", "/oauth/token", form={**known, "grant_type": "client_credentials"})
    return Usage(Bearer(http, http, asked, settings.clock))


class Usage:
    """Hands over usage as usage records, and finds them again by their description, which is our id."""

    def __init__(self, bearer: Bearer) -> None:
        self._bearer = bearer

    @property
    def contract(self) -> Contract:
        """What Zuora allows."""
        return CONTRACT

    def element(self, draft: Draft, item_id: str, stamp_ns: int, mapped: Mapped) -> Element:
        """Return a usage record; ``charge`` is named where the mapping of the customer or meter does."""
        names = {**mapped.customer, **mapped.meter}
        return {
            "AccountNumber": names["account"],
            "SubscriptionNumber": names["subscription"],
            **({"ChargeNumber": names["charge"]} if "charge" in names else {}),
            "UOM": names["uom"],
            "Quantity": "0" if draft.quantity is None else f"{draft.quantity:f}",
            "StartDateTime": from_ns(stamp_ns).isoformat(timespec="milliseconds"),
            "Description": item_id,
        }

    def send(self, sendings: Sequence[Sending]) -> Sequence[Outcome]:
        """Create one usage record under its idempotency key."""
        return [self._send(sending) for sending in sendings]

    def look(self, sending: Sending) -> Sight:
        """Ask for the records that have our id as their description."""
        for page in self._pages(f"description.EQ:{sending.item_id}"):
            if page is None:
                return Unclear("Zuora did not list its usage records")
            if page:
                return Accepted(at(page[0], "id"))
        return Absent()

    def held(self, wanted: Wanted) -> Held | None:
        """Add up an account's records of a unit of measure whose time is in a span."""
        found = list(self._pages(f"accountNumber.EQ:{wanted.customer['account']}"))
        if None in found:
            return None
        first, end = (from_ns(at_ns).isoformat(timespec="milliseconds") for at_ns in (wanted.start_ns, wanted.end_ns))
        records = (one for page in found for one in page or () if one.get("uOM") == wanted.meter["uom"])
        return Held(
            exact_sum(Decimal(str(one["quantity"])) for one in records if first <= at(one, "startDateTime") < end)
        )

    def close(self) -> None:
        """End the connections."""
        self._bearer.close()

    def _send(self, sending: Sending) -> Outcome:
        record = {**sending.element, "Quantity": Decimal(sending.element["Quantity"])}
        headers = {"Idempotency-Key": sending.key}
        answer = self._bearer.ask(Request("POST", "/v1/object/usage", json=record, headers=headers))
        if isinstance(answer, Answer) and answer.ok and answer.body.get("Success") is False:
            answer = Answer(400, answer.body, answer.headers, answer.text)  # older tenants say no with a 200
        return outcome(answer, _RULES, _said, lambda answer: at(answer.body, "Id"))

    def _pages(self, asked: str) -> Iterator[Sequence[Mapping[str, Any]] | None]:
        query = {"pageSize": "50", "filter[]": asked}
        while True:
            answer = self._bearer.ask(Request("GET", "/object-query/usages", query=query))
            if not isinstance(answer, Answer) or not answer.ok or not isinstance(answer.body, Mapping):
                yield None
                return
            yield answer.body["data"]
            if not (cursor := at(answer.body, "nextPage")):
                return
            query = {**query, "cursor": cursor}


def _said(answer: Answer) -> tuple[str, str]:
    errors = answer.body.get("Errors") if isinstance(answer.body, Mapping) else None
    first = errors[0] if isinstance(errors, list) and errors else answer.body
    return at(first, "Code"), at(first, "Message") or at(first, "message")
