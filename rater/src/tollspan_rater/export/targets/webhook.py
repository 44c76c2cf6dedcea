"""A webhook of your own: CloudEvents 1.0, signed as Standard Webhooks asks, until the receiver answers 2xx.

What holds between the two: the receiver checks the signature, counts each event ``id`` once, and then answers 2xx;
400, 413, 415 and 422 say that it does not want what it got, every other answer that it is to come again. Ids never
come back with another content.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from tollspan_rater.domain.clock import Clock
from tollspan_rater.errors import ConfigError
from tollspan_rater.export.contract import Contract
from tollspan_rater.export.draft import Draft
from tollspan_rater.export.event import event
from tollspan_rater.export.http import Answer, Http, Request
from tollspan_rater.export.over_http import OverHttp
from tollspan_rater.export.rules import Rule, at, outcome
from tollspan_rater.export.settings import Settings
from tollspan_rater.export.target import Accepted, Element, Mapped, Outcome, Sending

AMOUNTS: Final = Contract(
    bills=False,
    name="webhook",
    takes="amount",
    source="CloudEvents 1.0 JSON batch format; Standard Webhooks 1.0",
    batch=100,
    all_or_nothing=True,
    looks=False,
    bucket="hour",
)
USAGE: Final = replace(AMOUNTS, name="webhook-usage", takes="usage")
_RULES: Final = (
    Rule(range(200, 300), "accepted"),  # whatever the receiver says beside it
    *(Rule(status, "refused") for status in (400, 413, 415, 422)),
    *(Rule(status, "unclear") for status in (408, 409)),
    Rule(range(400, 500), "not_taken"),
)
_SECOND: Final = 1_000_000_000
_PREFIX: Final = "whsec_"


class Webhook(OverHttp):
    """Posts events to ``settings.url``, one for each thing handed over.

    Secret: ``key``, the signing secret as ``whsec_`` and base64. Options: ``mode`` ``batch`` (default) or ``single``;
    ``source`` (default ``tollspan``).
    """

    def __init__(self, settings: Settings, contract: Contract) -> None:
        if not settings.url:
            raise ConfigError(f"exports.{settings.name}.url", None, "tollspan.yaml", "say where to send the events")
        self._single = settings.options.get("mode", "batch") == "single"
        allowed = replace(contract, batch=1) if self._single else contract
        super().__init__(allowed, Http(settings.client, settings.url, settings.clock))
        self._signature = Signature(_secret(settings), settings.clock)
        self._source = settings.options.get("source", "tollspan")

    def element(self, draft: Draft, item_id: str, stamp_ns: int, mapped: Mapped) -> Element:
        """Make an event that says all that a draft says; ``subject`` is the mapped name of the customer or ours."""
        return event(draft, item_id, stamp_ns, source=self._source, subject=mapped.customer.get("subject"))

    def send(self, sendings: Sequence[Sending]) -> Sequence[Outcome]:
        """Post one signed request."""
        events = [one.element for one in sendings]
        kind, name, document = (
            ("application/cloudevents+json", events[0]["id"], events[0])
            if self._single
            else ("application/cloudevents-batch+json", _name([str(one["id"]) for one in events]), events)
        )
        body = json.dumps(document, separators=(",", ":")).encode()
        headers = {"Content-Type": kind, **self._signature.headers(name, body)}
        whole = outcome(self.http.ask(Request("POST", "", content=body, headers=headers)), _RULES, _said)
        return [Accepted(one.item_id) if isinstance(whole, Accepted) else whole for one in sendings]


class Signature:
    """Signs requests with a shared secret (HMAC-SHA256 over id, time and body)."""

    def __init__(self, secret: bytes, clock: Clock) -> None:
        self._secret, self._clock = secret, clock

    def headers(self, name: str, body: bytes) -> dict[str, str]:
        """Return the three headers of a request; a request that is made again is signed again, with its own time."""
        at = str(self._clock.now_ns() // _SECOND)
        mac = hmac.new(self._secret, b".".join((name.encode(), at.encode(), body)), hashlib.sha256).digest()
        signature = f"v1,{base64.b64encode(mac).decode()}"
        return {"webhook-id": name, "webhook-timestamp": at, "webhook-signature": signature}


def target(settings: Settings) -> Webhook:
    """Make the target that hands rated lines over."""
    return Webhook(settings, AMOUNTS)


def usage(settings: Settings) -> Webhook:
    """Make the target that hands usage over."""
    return Webhook(settings, USAGE)


def _secret(settings: Settings) -> bytes:
    """Read the signing secret.

    Raises:
        ConfigError: it is missing, not base64, or shorter than the 24 bytes that Standard Webhooks asks for.
    """
    try:
        secret = base64.b64decode(settings.secrets.get("key", "").removeprefix(_PREFIX), validate=True)
    except binascii.Error:
        secret = b""
    if len(secret) < 24:  # noqa: PLR2004 - the least that Standard Webhooks allows
        remedy = "give whsec_ and at least 24 random bytes in base64"
        raise ConfigError(f"exports.{settings.name}.secret_file", "...", "the file it names", remedy)
    return secret


def _name(ids: Sequence[str]) -> str:
    return "msg_" + hashlib.sha256(" ".join(ids).encode()).hexdigest()[:32]


def _said(answer: Answer) -> tuple[str, str]:
    return "", at(answer.body, "message") or at(answer.body, "error")
