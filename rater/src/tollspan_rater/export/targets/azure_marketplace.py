"""Azure Marketplace metering: one event an hour for each resource and dimension, for good, of the last 24 hours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from tollspan_rater.domain.clock import from_ns
from tollspan_rater.domain.money import exact_sum
from tollspan_rater.export.bearer import Bearer
from tollspan_rater.export.contract import Contract, Needs
from tollspan_rater.export.draft import Draft
from tollspan_rater.export.http import Answer, Http, Request
from tollspan_rater.export.over_http import Asks, OverHttp, Rows
from tollspan_rater.export.rules import at, objects, outcome
from tollspan_rater.export.settings import Settings
from tollspan_rater.export.target import (
    Accepted,
    Element,
    Held,
    Mapped,
    Outcome,
    Refused,
    Sending,
    Unclear,
    Wanted,
)

CONTRACT: Final = Contract(
    name="azure-marketplace",
    takes="usage",
    source="https://learn.microsoft.com/partner-center/marketplace-offers/marketplace-metering-service-apis",
    batch=25,
    per_second=2,
    dedup_s=22 * 3600,  # a second event of an hour is refused with the first one, as long as its time is taken
    looks=False,
    past_s=24 * 3600,
    future_s=0,
    bucket="hour",
    once=True,
    late="next",
    negative="carried",
    digits=6,
    needs=Needs(customer=("resource", "plan"), meter=("dimension",)),
    compares="sums",
)
URL: Final = "https://marketplaceapi.microsoft.com"
LOGIN: Final = "https://login.microsoftonline.com"
RESOURCE: Final = "20e940b3-4c77-4b0b-9a53-9e16a1b010a7"  # the metering service, as every publisher names it
_PATH: Final = "/api/batchUsageEvent"
_VERSION: Final = "2018-08-31"
_LIST: Final = "/api/usageEvents"
_PLACE: Final = ("usageResourceId", "planId", "dimension", "usageDate")
_COUNTED: Final = {"Submitted": "submittedQuantity", "Accepted": "processedQuantity", "Mismatch": "processedQuantity"}
_KEY: Final = ("resourceId", "dimension", "effectiveStartTime")


def target(settings: Settings) -> Metering:
    """Make the target; option ``tenant``, secrets ``client_id`` and ``client_secret``."""
    http = Http(settings.client, settings.url or URL, settings.clock)
    login = Http(settings.client, settings.options.get("login_url", LOGIN), settings.clock)
    known = {name: settings.secret(name) for name in ("client_id", "client_secret")}
    asked = Request(
        "POST",
        f"/{settings.option('tenant')}/oauth2/token",
        form={**known, "grant_type": "client_credentials", "resource": RESOURCE},
    )
    return Metering(CONTRACT, Bearer(http, login, asked, settings.clock))


class Metering(OverHttp):
    """Hands over usage with the batch usage event interface."""

    def __init__(self, contract: Contract, http: Asks) -> None:
        super().__init__(contract, http)
        self._days: dict[str, Rows | Unclear] = {}  # of all resources, for one reconciliation

    def element(self, draft: Draft, item_id: str, stamp_ns: int, mapped: Mapped) -> Element:
        """Return a usage event; its key is resource, dimension and hour, ours is not kept there.

        Raises:
            UntellableError: the draft's quantity is unknown.
        """
        return {
            "resourceId": mapped.customer["resource"],
            "planId": mapped.customer["plan"],
            "dimension": mapped.meter["dimension"],
            "effectiveStartTime": from_ns(stamp_ns).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "quantity": self.quantity(draft),
        }

    def send(self, sendings: Sequence[Sending]) -> Sequence[Outcome]:
        """Send a batch; Azure answers for each event."""
        events = [{**one.element, "quantity": Decimal(one.element["quantity"])} for one in sendings]
        answer = self.http.ask(Request("POST", _PATH, json={"request": events}, query={"api-version": _VERSION}))
        if not isinstance(answer, Answer) or not answer.ok:
            return [outcome(answer, (), _said)] * len(sendings)
        told = {_key(one): one for one in objects(answer.body, "result")}
        return [_outcome(one.element, told.get(_key(one.element))) for one in sendings]

    def held(self, wanted: Wanted) -> Held | Unclear:
        """Return what Azure's list of usage has of a resource, a plan and a dimension on a day."""
        day, following = (from_ns(instant).date().isoformat() for instant in (wanted.start_ns, wanted.end_ns))
        if day not in self._days:
            query = {"api-version": _VERSION, "usageStartDate": day, "usageEndDate": following}
            self._days[day] = self.array(Request("GET", _LIST, query=query))
        usage = self._days[day]
        if isinstance(usage, Unclear):
            return usage
        words = {**wanted.customer, **wanted.meter}
        key = (words["resource"], words["plan"], words["dimension"], day)
        return Held(exact_sum(_counted(one) for one in usage if _place(one) == key))


def _place(usage: Mapping[str, Any]) -> tuple[str, ...]:
    resource, plan, dimension, date = (at(usage, name) for name in _PLACE)
    return resource, plan, dimension, date[:10]


def _counted(usage: Mapping[str, Any]) -> Decimal:
    """Return what counts of a row; of one that Azure rejected, or does not bill, nothing."""
    quantity = _COUNTED.get(at(usage, "reconStatus"))
    return Decimal(0) if quantity is None else Decimal(str(usage[quantity]))


def _key(event: Mapping[str, Any]) -> tuple[str, ...]:
    resource, dimension, at_text = (at(event, name) for name in _KEY)
    return resource, dimension, at_text[:19]


def _outcome(element: Element, result: Mapping[str, Any] | None) -> Outcome:
    """Say what became of an event; the same one that Azure has already is accepted, another one is not."""
    if result is None:
        return Unclear("Azure does not mention it in its answer")
    status = at(result, "status")
    if status == "Accepted":
        return Accepted(at(result, "usageEventId"))
    error = result.get("error")
    if status == "Duplicate" and isinstance(error, Mapping):
        more = error.get("additionalInfo")
        first = more.get("acceptedMessage") if isinstance(more, Mapping) else None
        quantity = first.get("quantity") if isinstance(first, Mapping) else None
        if isinstance(quantity, int | Decimal) and quantity == Decimal(element["quantity"]):
            return Accepted(at(first, "usageEventId"))
    return Refused(status or "error", f"{status}: {at(error, 'message') or 'Azure did not accept the event'}")


def _said(answer: Answer) -> tuple[str, str]:
    error = answer.document.get("error") if isinstance(answer.body, Mapping) else None
    where = error if isinstance(error, Mapping) else answer.body
    return at(where, "code"), at(where, "message")
