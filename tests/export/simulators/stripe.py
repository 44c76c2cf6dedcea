"""Stripe's billing interfaces together, behind credential, rate limit and idempotency keys.

API 2026-09-30.endive. The first answer to an idempotency key, a server error as well, is kept for a day and repeated;
the same key with other parameters is an error; what fails validation is not kept. The second interface (``/v2``)
keeps nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

from tests.export.case import Case
from tests.export.simulators.simulator import Call, Receipt, Reply, Simulator, reply
from tests.export.simulators.stripe_form import INVALID, error, nested
from tests.export.simulators.stripe_invoices import InvoiceItems
from tests.export.simulators.stripe_meters import DAY_S, WEBHOOK_SECRET, Meters
from tollspan_rater.domain.clock import Clock

KEY = "sk_test_simulator"
EVENTS_A_SECOND = 1_000


class Stripe(Simulator):
    """One account."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self.invoices, self.meters = InvoiceItems(), Meters()
        self._kept: dict[str, tuple[int, bytes, Reply]] = {}
        self._second, self._in_second = 0, 0

    def handle(self, call: Call) -> Reply:
        return self._refused(call) or self._repeated(call) or self._keeping(call, self._answer(call))

    def fail(self, call: Call, *, taken: bool) -> Reply:
        """Fail; a server error is an answer like any other to an idempotency key."""
        before = self._refused(call) or self._repeated(call)
        if before is not None:
            return before
        if taken:
            self._answer(call)
        return self._keeping(call, error(500, "api_error", "", "An unknown error occurred"))

    def busy(self, call: Call) -> Reply:
        return error(429, INVALID, "rate_limit", "Request rate limit exceeded", {"retry-after": "2"})

    def receipts(self) -> Sequence[Receipt]:
        return [*self.invoices.receipts(), *self.meters.receipts()]

    def _refused(self, call: Call) -> Reply | None:
        path, token = urlsplit(call.url).path, _token(call)
        if path != "/v2/billing/meter_event_stream" and token != KEY:
            return error(401, INVALID, "", f"Invalid API Key provided: {token[:3]}***")
        if path.endswith("/meter_events"):
            self._in_second = self._in_second + 1 if self._second == self.now_s() else 1
            self._second = self.now_s()
            return self.busy(call) if self._in_second > EVENTS_A_SECOND else None
        return None

    def _repeated(self, call: Call) -> Reply | None:
        at_s, body, kept = self._kept.get(_key(call), (-DAY_S, b"", Reply(0)))
        if self.now_s() - at_s >= DAY_S:
            return None
        if body != call.body:
            words = "Keys for idempotent requests can only be used with the same parameters they were first used with."
            return error(400, "idempotency_error", "", words)
        return Reply(kept.status, {**kept.headers, "idempotent-replayed": "true"}, kept.body)

    def _keeping(self, call: Call, answer: Reply) -> Reply:
        if _key(call) and answer.status in {200, 500}:
            self._kept[_key(call)] = (self.now_s(), call.body, answer)
        return answer

    def _answer(self, call: Call) -> Reply:
        url, now_s = urlsplit(call.url), self.now_s()
        match (call.method, *url.path.strip("/").split("/")):
            case "POST", "v1", "invoiceitems":
                return self.invoices.create(nested(call.body.decode()), now_s)
            case "GET", "v1", "invoiceitems":
                return self.invoices.list(nested(url.query))
            case "POST", "v1", "billing", "meter_events":
                return self.meters.create(nested(call.body.decode()), now_s)
            case "POST", "v1", "billing", "meter_event_adjustments":
                return self.meters.cancel(nested(call.body.decode()), now_s)
            case "GET", "v1", "billing", "meters":
                return self.meters.list(nested(url.query))
            case "GET", "v1", "billing", "meters", meter, "event_summaries":
                return self.meters.summaries(meter, nested(url.query))
            case "POST", "v2", "billing", "meter_event_session":
                return self.meters.begin(now_s)
            case "POST", "v2", "billing", "meter_event_stream":
                return self.meters.stream(_token(call), call.body, now_s)
            case "GET", "v2", "core", "events", name if name in self.meters.reports:
                return reply(200, self.meters.reports[name])
        return error(404, INVALID, "", f"Unrecognized request URL ({call.method}: {url.path}).")


def _key(call: Call) -> str:
    of_v1 = call.method == "POST" and urlsplit(call.url).path.startswith("/v1/")
    return call.headers.get("idempotency-key", "") if of_v1 else ""


def _token(call: Call) -> str:
    return call.headers.get("authorization", "").removeprefix("Bearer ")


_CUSTOMERS = {"acme": {"customer": "cus_acme"}, "beta": {"customer": "cus_beta"}}
_METERS = {"input": {"event_name": "input_tokens"}, "output": {"event_name": "output_tokens"}}
CASES = tuple(
    Case(name, Stripe, _CUSTOMERS, _METERS, secrets={"key": KEY, "webhook": WEBHOOK_SECRET})
    for name in ("stripe-invoice-items", "stripe-meter-events", "stripe-meter-stream")
)
