"""Stripe's meter event stream: up to 100 events a request, for much usage.

A session of 15 minutes opens it. Stripe answers before it looks at the events: what is wrong with them, it tells
later by an error report. Events are known by their ``identifier`` for 24 hours.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from tollspan_rater.domain.clock import Clock, from_ns, to_ns
from tollspan_rater.export.contract import Contract
from tollspan_rater.export.draft import Draft
from tollspan_rater.export.http import Answer, Http, Lost, Request
from tollspan_rater.export.rules import Rule, at, outcome
from tollspan_rater.export.settings import Settings
from tollspan_rater.export.target import (
    Element,
    Mapped,
    NotTaken,
    Outcome,
    Sending,
)
from tollspan_rater.export.targets import stripe, stripe_meters

CONTRACT: Final = Contract(
    name="stripe-meter-stream",
    takes="usage",
    source="https://docs.stripe.com/api/v2/billing-meter-stream",
    batch=100,
    all_or_nothing=True,
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
URL: Final = "https://meter-events.stripe.com"
_MARGIN_NS: Final = 60 * 1_000_000_000
_EXPIRED: Final = "billing_meter_event_session_expired"
_KNOWN: Final = "duplicate_meter_event"
_RULES: Final = (
    Rule(400, "accepted", _KNOWN),
    Rule(range(400, 500), "not_taken", "too_many_concurrent_requests"),
    *stripe.RULES,
)


def target(settings: Settings) -> MeterStream:
    """Make the target; secrets ``key`` and, for the reports of later rejections, ``webhook``.

    Option ``stream_url`` is another address of the stream than Stripe's.
    """
    url = settings.options.get("stream_url") or settings.url or URL
    stream = Http(settings.client, url, settings.clock, {"Stripe-Version": stripe.VERSION})
    http, secret = stripe.connect(settings), settings.secrets.get("webhook", "")
    return MeterStream(CONTRACT, http, secret, stream, settings.clock)


class MeterStream(stripe_meters.Meters):
    """Hands over usage as meter events of Stripe's second interface."""

    def __init__(self, contract: Contract, http: Http, webhook_secret: str, stream: Http, clock: Clock) -> None:
        super().__init__(contract, http, webhook_secret)
        self._stream, self._clock = stream, clock
        self._token, self._until_ns = "", 0

    def element(self, draft: Draft, item_id: str, stamp_ns: int, mapped: Mapped) -> Element:
        """Return one event of the stream.

        Raises:
            UntellableError: the draft's quantity is unknown.
        """
        timestamp = from_ns(stamp_ns).strftime("%Y-%m-%dT%H:%M:%SZ")
        return {**self.event(draft, item_id, mapped), "timestamp": timestamp}

    def send(self, sendings: Sequence[Sending]) -> Sequence[Outcome]:
        """Send events in one request, under a session that is begun when there is none."""
        answer = self._post(sendings)
        if isinstance(answer, Answer) and _code(answer) == _EXPIRED:
            self._until_ns = 0
            answer = self._post(sendings)
        if isinstance(answer, NotTaken):
            return [answer] * len(sendings)
        if len(sendings) > 1 and isinstance(answer, Answer) and _code(answer) == _KNOWN:
            return [NotTaken("an event of the request is known already", after_s=0)] * len(sendings)
        return [outcome(answer, _RULES, stripe.said, _taken)] * len(sendings)

    def _post(self, sendings: Sequence[Sending]) -> Answer | Lost | NotTaken:
        refused = self._begin()
        if refused is not None:
            return refused
        events = {"events": [sending.element for sending in sendings]}
        headers = {"Authorization": f"Bearer {self._token}"}
        return self._stream.ask(Request("POST", "/v2/billing/meter_event_stream", json=events, headers=headers))

    def _begin(self) -> NotTaken | None:
        """Begin a session when the present one ends soon; say why when there is none, and no event has left."""
        if self._until_ns - _MARGIN_NS > self._clock.now_ns():
            return None
        answer = self.http.ask(Request("POST", "/v2/billing/meter_event_session", json={}))
        if isinstance(answer, Lost) or not answer.ok:
            told = outcome(answer, stripe.RULES, stripe.said)
            return told if isinstance(told, NotTaken) else NotTaken(f"no session of the stream could be begun: {told}")
        try:
            self._until_ns = to_ns(datetime.fromisoformat(at(answer.body, "expires_at")))
        except ValueError:
            return NotTaken("a session of the stream has no end")
        self._token = at(answer.body, "authentication_token")
        return None if self._token else NotTaken("a session of the stream has no token")


def _taken(answer: Answer) -> str | None:
    return "" if answer.body == {} else None  # the published schema: an object without anything in it


def _code(answer: Answer) -> str:
    return stripe.said(answer)[0]
