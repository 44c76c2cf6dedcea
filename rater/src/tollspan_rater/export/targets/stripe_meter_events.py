"""Stripe meter events, one by one: usage that Stripe prices itself.

The event's ``identifier`` is the item's id, which Stripe takes once in 24 hours; there is no idempotency key, for
under one Stripe would repeat a server error for a day. An event cannot be asked for, so what stays without an answer
longer than that is held for a person, who finds the day's sum in ``export reconcile``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from tollspan_rater.export.contract import Contract
from tollspan_rater.export.draft import Draft
from tollspan_rater.export.http import Answer, Http, Request
from tollspan_rater.export.rules import Rule, at, outcome
from tollspan_rater.export.settings import Settings
from tollspan_rater.export.target import Element, Held, Mapped, Outcome, Refused, Sending, Sight, Unclear, Wanted
from tollspan_rater.export.targets import stripe, stripe_meters, stripe_reports

CONTRACT: Final = Contract(
    name="stripe-meter-events",
    takes="usage",
    source="https://docs.stripe.com/api/billing/meter-event/create",
    per_second=100,
    dedup_s=stripe.DAY_S,
    looks=False,
    past_s=stripe_meters.PAST_S,
    future_s=stripe_meters.FUTURE_S,
    bucket="hour",
    late="next",
    needs=stripe_meters.NEEDS,
)
_KNOWN: Final = "An event already exists with identifier"  # the sentence is all that tells this error from others
_RULES: Final = (Rule(400, "accepted", "duplicate_meter_event"), *stripe.RULES)


def target(settings: Settings) -> MeterEvents:
    """Make the target; secrets ``key`` and, for the reports of later rejections, ``webhook``."""
    return MeterEvents(stripe.connect(settings), settings.secrets.get("webhook", ""))


class MeterEvents:
    """Hands over usage as meter events of Stripe's first interface."""

    def __init__(self, http: Http, webhook_secret: str) -> None:
        self._http, self._webhook_secret = http, webhook_secret

    @property
    def contract(self) -> Contract:
        """What Stripe allows."""
        return CONTRACT

    def element(self, draft: Draft, item_id: str, stamp_ns: int, mapped: Mapped) -> Element:
        """Return the form of a meter event.

        Raises:
            UntellableError: the draft has no quantity.
        """
        return {
            **stripe_meters.event(CONTRACT.name, draft, item_id, mapped),
            "timestamp": str(stripe.unix_s(stamp_ns)),
        }

    def send(self, sendings: Sequence[Sending]) -> Sequence[Outcome]:
        """Create one event; one that Stripe knows already is accepted."""
        answers = (self._http.ask(Request("POST", "/v1/billing/meter_events", form=one.element)) for one in sendings)
        return [outcome(answer, _RULES, _said, lambda answer: at(answer.body, "identifier")) for answer in answers]

    def look(self, sending: Sending) -> Sight:
        """Say that Stripe cannot be asked for an event."""
        return Unclear("Stripe shows sums of events only")

    def held(self, wanted: Wanted) -> Held | None:
        """Return what the meter adds up to."""
        return stripe_meters.held(self._http, wanted)

    def rejections(self, headers: Mapping[str, str], body: bytes, now_ns: int) -> Iterable[tuple[str, Refused]]:
        """Return the items that an error report takes back.

        Raises:
            SignatureError: the report is not signed by Stripe, or too old.
            TargetSilentError: Stripe does not tell the report's content; it is to be delivered again.
        """
        stripe_reports.verify(CONTRACT.name, self._webhook_secret, headers, body, now_ns)
        return stripe_reports.rejections(CONTRACT.name, self._http, body)

    def close(self) -> None:
        """End the connections."""
        self._http.close()


def _said(answer: Answer) -> tuple[str, str]:
    code, sentence = stripe.said(answer)
    return ("duplicate_meter_event" if sentence.startswith(_KNOWN) else code), sentence
