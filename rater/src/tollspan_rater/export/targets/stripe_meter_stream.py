"""Stripe's meter event stream: up to 100 events a request, for much usage.

A session of 15 minutes opens it. Stripe answers before it looks at the events: what is wrong with them, it tells
later by an error report. Events are known by their ``identifier`` for 24 hours.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
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
    Held,
    Mapped,
    NotTaken,
    Outcome,
    Refused,
    Sending,
    Sight,
    Unclear,
    Wanted,
)
from tollspan_rater.export.targets import stripe, stripe_meters, stripe_reports

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
    return MeterStream(stripe.connect(settings), stream, settings.clock, settings.secrets.get("webhook", ""))


class MeterStream:
    """Hands over usage as meter events of Stripe's second interface."""

    def __init__(self, http: Http, stream: Http, clock: Clock, webhook_secret: str) -> None:
        self._http, self._stream, self._clock, self._webhook_secret = http, stream, clock, webhook_secret
        self._token, self._until_ns = "", 0

    @property
    def contract(self) -> Contract:
        """What Stripe allows."""
        return CONTRACT

    def element(self, draft: Draft, item_id: str, stamp_ns: int, mapped: Mapped) -> Element:
        """Return one event of the stream.

        Raises:
            UntellableError: the draft has no quantity.
        """
        timestamp = from_ns(stamp_ns).strftime("%Y-%m-%dT%H:%M:%SZ")
        return {**stripe_meters.event(CONTRACT.name, draft, item_id, mapped), "timestamp": timestamp}

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
        return [outcome(answer, _RULES, stripe.said)] * len(sendings)

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
        answer = self._http.ask(Request("POST", "/v2/billing/meter_event_session", json={}))
        if isinstance(answer, Lost) or not answer.ok:
            told = outcome(answer, stripe.RULES, stripe.said)
            return told if isinstance(told, NotTaken) else NotTaken(f"no session of the stream could be begun: {told}")
        try:
            self._until_ns = to_ns(datetime.fromisoformat(at(answer.body, "expires_at")))
        except ValueError:
            return NotTaken("a session of the stream has no end")
        self._token = at(answer.body, "authentication_token")
        return None


def _code(answer: Answer) -> str:
    return stripe.said(answer)[0]
