"""Google Cloud Marketplace metering: reports to Service Control, hour by hour, after asking whether the customer may.

The token comes from the metadata server of the machine, or from whatever the option ``token_url`` names in its place.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote

from tollspan_rater.domain.clock import from_ns
from tollspan_rater.export.bearer import Bearer
from tollspan_rater.export.contract import Contract, Needs
from tollspan_rater.export.draft import Draft
from tollspan_rater.export.http import Answer, Http, Request
from tollspan_rater.export.over_http import Asks, OverHttp
from tollspan_rater.export.rules import at, objects, outcome, silence
from tollspan_rater.export.settings import Settings
from tollspan_rater.export.target import (
    Accepted,
    Element,
    Mapped,
    Outcome,
    Refused,
    Sending,
)

CONTRACT: Final = Contract(
    name="gcp-marketplace",
    takes="usage",
    source="https://cloud.google.com/service-infrastructure/docs/service-control/reference/rest/v1/services/report",
    batch=100,
    per_second=5,
    dedup_s=24 * 3600,  # the same operation again changes nothing; for how long is not published
    looks=False,
    bucket="hour",
    negative="carried",
    digits=0,
    needs=Needs(customer=("consumer",), meter=("metric",)),
)
URL: Final = "https://servicecontrol.googleapis.com"
METADATA: Final = "http://metadata.google.internal"
_TOKEN: Final = "/computeMetadata/v1/instance/service-accounts/default/token"  # noqa: S105 - a path
_OPERATION: Final = "tollspan usage"


def target(settings: Settings) -> Metering:
    """Make the target; option ``service`` is the product's service name."""
    http = Http(settings.client, settings.url or URL, settings.clock)
    issuer = Http(settings.client, settings.options.get("token_url", METADATA), settings.clock)
    asked = Request("GET", _TOKEN, headers={"Metadata-Flavor": "Google"})
    return Metering(CONTRACT, Bearer(http, issuer, asked, settings.clock), settings.option("service"))


class Metering(OverHttp):
    """Hands over usage with ``services:report``, each item an operation of its own."""

    def __init__(self, contract: Contract, http: Asks, service: str) -> None:
        super().__init__(contract, http)
        self._path = f"/v1/services/{quote(service, safe='')}"

    def element(self, draft: Draft, item_id: str, stamp_ns: int, mapped: Mapped) -> Element:
        """Return an operation; its id is made of ours, so that it is the same whenever it is sent.

        Raises:
            UntellableError: the draft's quantity is unknown.
        """
        return {
            "operationId": str(uuid.uuid5(uuid.NAMESPACE_URL, item_id)),
            "operationName": _OPERATION,
            "consumerId": mapped.customer["consumer"],
            "startTime": _instant(draft.service.start_ns),
            "endTime": _instant(draft.service.end_ns),
            "labels": {"tollspan_item": item_id},
            "metricValueSets": [
                {
                    "metricName": mapped.meter["metric"],
                    "metricValues": [{"int64Value": self.quantity(draft)}],
                }
            ],
        }

    def send(self, sendings: Sequence[Sending]) -> Sequence[Outcome]:
        """Ask whether each customer may be charged, then report those who may in one request."""
        consumers = dict.fromkeys(one.element["consumerId"] for one in sendings)
        refusals = {consumer: self._refusal(consumer, sendings) for consumer in consumers}
        free = [one for one in sendings if refusals[one.element["consumerId"]] is None]
        reported = dict(zip((one.item_id for one in free), self._report(free) if free else (), strict=True))
        return [refusals[one.element["consumerId"]] or reported[one.item_id] for one in sendings]

    def _refusal(self, consumer: str, sendings: Sequence[Sending]) -> Outcome | None:
        first = next(one.element for one in sendings if one.element["consumerId"] == consumer)
        asked = {name: first[name] for name in ("operationId", "operationName", "consumerId", "startTime")}
        answer = self.http.ask(Request("POST", f"{self._path}:check", json={"operation": asked}))
        if not isinstance(answer, Answer) or not answer.ok:
            return outcome(answer, (), _said)
        if not _told(answer, "checkErrors"):
            return silence(answer)
        errors = objects(answer.body, "checkErrors")
        return (
            Refused(at(errors[0], "code"), at(errors[0], "detail") or "the customer may not be charged")
            if errors
            else None
        )

    def _report(self, sendings: Sequence[Sending]) -> Sequence[Outcome]:
        operations = [dict(one.element) for one in sendings]
        answer = self.http.ask(Request("POST", f"{self._path}:report", json={"operations": operations}))
        if not isinstance(answer, Answer) or not answer.ok:
            return [outcome(answer, (), _said)] * len(sendings)
        if not _told(answer, "reportErrors"):
            return [silence(answer)] * len(sendings)
        failed = {at(one, "operationId"): one for one in objects(answer.body, "reportErrors")}
        return [_reported(failed.get(one.element["operationId"])) for one in sendings]


def _told(answer: Answer, errors: str) -> bool:
    """Tell whether an answer is an object with a list of errors, which it may leave out when there is none."""
    return isinstance(answer.body, Mapping) and isinstance(answer.body.get(errors, []), list)


def _reported(error: Mapping[str, Any] | None) -> Outcome:
    if error is None:
        return Accepted()
    status = error.get("status")
    code = status.get("code", "") if isinstance(status, Mapping) else ""
    return Refused(str(code), at(error, "status", "message") or "not reported")


def _instant(at_ns: int) -> str:
    return from_ns(at_ns).strftime("%Y-%m-%dT%H:%M:%SZ")


def _said(answer: Answer) -> tuple[str, str]:
    return at(answer.body, "error", "status"), at(answer.body, "error", "message")
