"""Stripe meter events, one by one: usage that Stripe prices itself.

The event's ``identifier`` is the item's id, which Stripe takes once in 24 hours; there is no idempotency key, for
under one Stripe would repeat a server error for a day. An event cannot be asked for, so what stays without an answer
longer than that is held for a person, who finds the day's sum in ``export reconcile``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from tollspan_rater.export.contract import Contract
from tollspan_rater.export.draft import Draft
from tollspan_rater.export.http import Answer, Request
from tollspan_rater.export.rules import Rule, named, outcome
from tollspan_rater.export.settings import Settings
from tollspan_rater.export.target import Element, Mapped, Outcome, Sending
from tollspan_rater.export.targets import stripe, stripe_meters

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
    compares="sums",
)
_KNOWN: Final = "An event already exists with identifier"  # the sentence is all that tells this error from others
_RULES: Final = (Rule(400, "accepted", "duplicate_meter_event"), *stripe.RULES)


def target(settings: Settings) -> MeterEvents:
    """Make the target; secrets ``key`` and, for the reports of later rejections, ``webhook``."""
    return MeterEvents(CONTRACT, stripe.connect(settings), settings.secrets.get("webhook", ""))


class MeterEvents(stripe_meters.Meters):
    """Hands over usage as meter events of Stripe's first interface."""

    def element(self, draft: Draft, item_id: str, stamp_ns: int, mapped: Mapped) -> Element:
        """Return the form of a meter event.

        Raises:
            UntellableError: the draft's quantity is unknown.
        """
        return {**self.event(draft, item_id, mapped), "timestamp": str(stripe.unix_s(stamp_ns))}

    def send(self, sendings: Sequence[Sending]) -> Sequence[Outcome]:
        """Create one event; one that Stripe knows already is accepted."""
        answers = (self.http.ask(Request("POST", "/v1/billing/meter_events", form=one.element)) for one in sendings)
        return [outcome(answer, _RULES, _said, named("identifier")) for answer in answers]


def _said(answer: Answer) -> tuple[str, str]:
    code, sentence = stripe.said(answer)
    return ("duplicate_meter_event" if sentence.startswith(_KNOWN) else code), sentence
