"""Chargebee usage events: usage of a subscription, hour by hour, told while Chargebee still takes it.

Chargebee takes an event for twelve hours only and can be asked for their sum alone, so what becomes known later is told
in the hour that is open then, and an event without an answer is sent again while its key is remembered.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final
from urllib.parse import quote

from tollspan_rater.domain.money import exact_sum
from tollspan_rater.export.contract import Contract, Needs
from tollspan_rater.export.draft import Draft
from tollspan_rater.export.http import Answer, Lost, Request
from tollspan_rater.export.over_http import Asks, OverHttp
from tollspan_rater.export.rules import at, named, outcome
from tollspan_rater.export.settings import Settings
from tollspan_rater.export.target import (
    Element,
    Held,
    Mapped,
    NotTaken,
    Outcome,
    Refused,
    Sending,
    Unclear,
    Wanted,
)
from tollspan_rater.export.targets import chargebee

CONTRACT: Final = Contract(
    name="chargebee-usage-events",
    takes="usage",
    source="https://apidocs.chargebee.com/docs/api/usage_events",
    batch=500,
    per_second=chargebee.EVENT_BATCHES_A_SECOND,
    dedup_s=12 * 3600,  # (subscription, time, id) counts once, and after twelve hours the time is refused
    looks=False,
    past_s=12 * 3600,
    future_s=0,
    bucket="hour",
    late="next",
    negative="carried",
    needs=Needs(customer=("subscription",), meter=("property",)),
    compares="sums",
)
_PATH: Final = "/batch/usage_events"
_PARTIAL: Final = "ubb_batch_ingestion_invalid_request"  # the type of the error that names the events at fault


def target(settings: Settings) -> UsageEvents:
    """Make the target; option ``site``, secret ``key``."""
    site = chargebee.connect(settings, "{site}.chargebee.com")
    return UsageEvents(CONTRACT, chargebee.connect(settings, "{site}.ingest.chargebee.com"), site)


class UsageEvents(OverHttp):
    """Hands over usage as batches of usage events; the ``site`` has another address and tells what they come to."""

    def __init__(self, contract: Contract, http: Asks, site: Asks) -> None:
        super().__init__(contract, http)
        self._site = OverHttp(contract, site)

    def element(self, draft: Draft, item_id: str, stamp_ns: int, mapped: Mapped) -> Element:
        """Return a usage event; the quantity is text under the property that the metered feature adds up.

        Raises:
            UntellableError: the draft's quantity is unknown.
        """
        return {
            "deduplication_id": item_id,
            "subscription_id": mapped.customer["subscription"],
            "usage_timestamp": stamp_ns // 1_000_000,
            "properties": {**dict(draft.dimensions), mapped.meter["property"]: self.quantity(draft)},
        }

    def send(self, sendings: Sequence[Sending]) -> Sequence[Outcome]:
        """Send a batch; Chargebee names the events that it did not take."""
        answer = self.http.ask(Request("POST", _PATH, json={"events": [dict(one.element) for one in sendings]}))
        failed = dict(_failed(answer))
        others = _others(answer, failed)
        if any(item_id not in {one.item_id for one in sendings} for item_id in failed):
            return [Unclear("Chargebee names events at fault that cannot be told apart")] * len(sendings)
        return [failed.get(one.item_id, others) for one in sendings]

    def held(self, wanted: Wanted) -> Held | Unclear | None:
        """Return what the meter's metered feature adds up to in a span of time; None where none is mapped."""
        feature = wanted.meter.get("feature")
        if feature is None:
            return None
        path = f"/subscriptions/{quote(wanted.customer['subscription'], safe='')}/usage_summary"
        start, end = (str(instant // chargebee.SECOND) for instant in (wanted.start_ns, wanted.end_ns))
        query = {"feature_id": feature, "timeframe_start": start, "timeframe_end": end}
        found = self._site.rows(Request("GET", path, query=query), "list", chargebee.following)
        if isinstance(found, Unclear):
            return found
        return Held(exact_sum(Decimal(at(one, "usage_summary", "aggregated_value")) for one in found))

    def close(self) -> None:
        """End the connections."""
        super().close()
        self._site.close()


def _others(answer: Answer | Lost, failed: Mapping[str, Refused]) -> Outcome:
    """Say what became of the events that are not named as failed."""
    if failed and isinstance(answer, Answer) and not answer.ok:
        return NotTaken("another event of its batch was at fault", after_s=0)
    if isinstance(answer, Answer) and at(answer.body, "type") == _PARTIAL and not failed:
        return Unclear("Chargebee found faults in the batch and does not name them")
    return outcome(answer, chargebee.RULES, chargebee.said, named("batch_id"))


def _failed(answer: Answer | Lost) -> Iterator[tuple[str, Refused]]:
    """Yield the events that Chargebee names as failed, by their id; an empty id where it names none."""
    body = answer.body if isinstance(answer, Answer) else None
    entries: Any = body.get("failed_events") if isinstance(body, Mapping) else None
    for entry in entries if isinstance(entries, list) else ():
        event = entry.get("usage_event") if isinstance(entry, Mapping) else None
        item_id = at(entry, "deduplication_id") or at(event, "deduplication_id")
        code = at(entry, "error_code") or at(entry, "api_error_code") or "failed_event"
        why = at(entry, "error_message") or at(entry, "message") or str(entry)[:200]
        yield item_id, Refused(code, why)
