"""OpenMeter: usage as CloudEvents, which its meters add up.

It remembers a source and id for 32 days and drops copies without a word; after that it is asked first. It takes an
event before it has looked at it: what its meters cannot read shows when the event is listed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final
from urllib.parse import quote

from tollspan_rater.domain.money import exact_sum
from tollspan_rater.export.contract import Contract, Needs
from tollspan_rater.export.draft import Draft
from tollspan_rater.export.http import Answer, Http, Request
from tollspan_rater.export.over_http import OverHttp
from tollspan_rater.export.rules import Rule, at, outcome
from tollspan_rater.export.settings import Settings
from tollspan_rater.export.target import (
    Absent,
    Accepted,
    Element,
    Held,
    Mapped,
    Outcome,
    Refused,
    Sending,
    Sight,
    Unclear,
    Wanted,
)
from tollspan_rater.query.wording import instant

URL: Final = "https://openmeter.cloud"
USAGE: Final = Contract(
    name="openmeter",
    takes="usage",
    source="openmeter api/openapi.yaml 1.0.0 /api/v1/events; openmeter/dedupe (32 days)",
    batch=100,
    all_or_nothing=True,
    dedup_s=32 * 86_400,
    settle_s=300,
    bucket="hour",
    needs=Needs(customer=("subject",), meter=("event_type", "meter_slug")),
    compares="sums",
)
_RULES: Final = (Rule(404, "not_taken"), Rule(412, "not_taken"))


class OpenMeter(OverHttp):
    """Sends events to one namespace. Option ``source`` (default ``tollspan``).

    Secret: ``key``, its API token, which one of your own at a ``url`` may not ask for.
    """

    def __init__(self, settings: Settings) -> None:
        open_door = settings.url is not None and "key" not in settings.secrets
        credential = {} if open_door else {"Authorization": f"Bearer {settings.secret()}"}
        super().__init__(USAGE, Http(settings.client, settings.url or URL, settings.clock, credential))
        self._source = settings.options.get("source", "tollspan")

    def element(self, draft: Draft, item_id: str, stamp_ns: int, mapped: Mapped) -> Element:
        """Make an event with the quantity as ``$.value`` and the dimensions beside it, to group by.

        Raises:
            UntellableError: the draft's quantity is unknown.
        """
        return {
            "specversion": "1.0",
            "id": item_id,
            "source": self._source,
            "type": mapped.meter["event_type"],
            "subject": mapped.customer["subject"],
            "time": instant(stamp_ns),
            "datacontenttype": "application/json",
            "data": {**dict(draft.dimensions), "value": self.quantity(draft)},
        }

    def send(self, sendings: Sequence[Sending]) -> Sequence[Outcome]:
        """Send a batch; nothing tells one event of it from another."""
        content = {"Content-Type": "application/cloudevents-batch+json"}
        request = Request("POST", "/api/v1/events", json=[one.element for one in sendings], headers=content)
        whole = outcome(self.http.ask(request), _RULES, _said, _taken)
        return [Accepted(one.item_id) if isinstance(whole, Accepted) else whole for one in sendings]

    def look(self, sending: Sending) -> Sight:
        """List the event by its id, from its own time on: without a beginning only 72 hours are listed."""
        query = {"id": sending.item_id, "from": sending.element["time"], "limit": "100"}
        events = self.array(Request("GET", "/api/v1/events", query=query))
        if isinstance(events, Unclear):
            return events
        found = next((row for row in events if _same(row["event"], sending.element)), None)
        if found is None:
            return Absent()
        fault = found.get("validationError")
        return Refused("validation_error", str(fault)) if fault else Accepted(sending.item_id)

    def held(self, wanted: Wanted) -> Held | Unclear:
        """Ask the meter for the sum of a subject; OpenMeter answers with a JSON number."""
        query = {
            "from": instant(wanted.start_ns) or "",
            "to": instant(wanted.end_ns) or "",
            "subject": wanted.customer["subject"],
        }
        path = f"/api/v1/meters/{quote(wanted.meter['meter_slug'], safe='')}/query"
        found = self.rows(Request("GET", path, query=query), "data")
        if isinstance(found, Unclear):
            return found
        return Held(exact_sum(Decimal(str(row["value"])) for row in found))


def target(settings: Settings) -> OpenMeter:
    """Make the target."""
    return OpenMeter(settings)


def _same(event: Mapping[str, Any], element: Element) -> bool:
    return all(event.get(name) == element[name] for name in ("id", "source"))


def _taken(answer: Answer) -> str | None:
    return "" if answer.body is None else None  # a success has no content


def _said(answer: Answer) -> tuple[str, str]:
    return "", at(answer.body, "detail") or at(answer.body, "title")
