"""Stripe's later word on meter events: signed notifications of error reports, and what is in a report.

Source: https://docs.stripe.com/billing/subscriptions/usage-based/recording-usage-api#handle-meter-event-errors,
https://docs.stripe.com/webhooks#verify-manually. A report names samples of the events at fault, not all of them;
the others show as missing in a reconciliation.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from tollspan_rater.errors import SignatureError, TargetSilentError
from tollspan_rater.export.http import Answer, Request
from tollspan_rater.export.item import item_of
from tollspan_rater.export.over_http import Asks
from tollspan_rater.export.rules import at
from tollspan_rater.export.target import Refused

TYPES: Final = frozenset({"v1.billing.meter.error_report_triggered", "v1.billing.meter.no_meter_found"})
TOLERANCE_S: Final = 300
_HEADER: Final = "stripe-signature"
_SCHEME: Final = "v1"
_SECOND: Final = 1_000_000_000


def verify(target: str, secret: str, headers: Mapping[str, str], body: bytes, now_ns: int) -> None:
    """Check that Stripe signed a notification, not longer ago than five minutes.

    Raises:
        SignatureError: it did not, or no secret is configured.
    """
    header = next((value for name, value in headers.items() if name.lower() == _HEADER), "")
    parts = [part.partition("=") for part in header.split(",")]
    at_s = next((value for name, _, value in parts if name.strip() == "t"), "")
    if not secret or not at_s.isdigit():
        raise SignatureError(target, "no webhook secret is set" if not secret else "it has no Stripe-Signature")
    expected = hmac.new(secret.encode(), at_s.encode() + b"." + body, hashlib.sha256).hexdigest()
    if not any(
        name.strip() == _SCHEME and hmac.compare_digest(value.encode(), expected.encode()) for name, _, value in parts
    ):
        raise SignatureError(target, "its Stripe-Signature is not that of the secret")
    if abs(now_ns // _SECOND - int(at_s)) > TOLERANCE_S:
        raise SignatureError(target, f"it was signed more than {TOLERANCE_S} s ago")


def rejections(target: str, http: Asks, body: bytes) -> Iterator[tuple[str, Refused]]:
    """Return the items that a report names, each with Stripe's code and sentence; nothing for other notifications.

    Raises:
        TargetSilentError: a notification without data, and Stripe does not tell them.
    """
    event = _json(body)
    if event.get("type") not in TYPES:
        return
    for kind in _data(target, http, event).get("reason", {}).get("error_types", ()):
        for sample in kind.get("sample_errors", ()):
            key = at(sample, "request", "identifier")
            if key:
                yield item_of(key), Refused(at(kind, "code"), at(sample, "error_message"))


def _data(target: str, http: Asks, event: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the data of an event; a notification is thin and does not carry them."""
    if "data" not in event:
        answer = http.ask(Request("GET", f"/v2/core/events/{at(event, 'id')}"))
        if not isinstance(answer, Answer) or not answer.ok or not isinstance(answer.body, Mapping):
            raise TargetSilentError(target, f"event {at(event, 'id')} cannot be fetched")
        event = answer.body
    data = event.get("data")
    return data if isinstance(data, Mapping) else {}


def _json(body: bytes) -> Mapping[str, Any]:
    try:
        event = json.loads(body)
    except ValueError:
        return {}
    return event if isinstance(event, Mapping) else {}
