"""How a serving rater is: does it take spans, does it keep up, whom does it refuse, does money reach the traces."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final
from urllib.parse import urlsplit

from tollspan_rater.doctor.finding import Finding, ok, problem, unknown, warning
from tollspan_rater.doctor.samples import Samples
from tollspan_rater.doctor.setup import Setup

HALF: Final = 0.5
OTLP_PORTS: Final = {"http": 80, "https": 443}
REFUSED_SENDERS: Final = "tollspan_sender_key_refused"
_THROWN_AWAY: Final[Mapping[str, str]] = {
    "too_large": "Lower the batch size of the sender (sending_queue.batch.max_size), or raise limits.message_bytes.",
    "malformed": "Look at proxies between sender and rater.",
    "unsupported": "Let the sender speak OTLP traces as protobuf or JSON, with gzip or nothing.",
    "unauthenticated": "Give the sender a key with scope ingest; auth.on_failure: retry lets it wait instead.",
}


def rater(setup: Setup) -> Iterator[Finding]:
    """Look whether a rater serves, takes spans and keeps up."""
    if not setup.served:
        yield warning("no rater serves this data folder", "Start one: tollspan serve")
    elif setup.scraped is None:
        yield problem("the rater serves and does not tell its figures", "Look into its log.")
    else:
        yield from _pulse(setup.scraped)
        yield from _refusals(setup.scraped)


def _pulse(scraped: Samples) -> Iterator[Finding]:
    lag, most = scraped.sum("tollspan_lag_seconds") or 0, scraped.sum("tollspan_max_lag_seconds") or 0
    queue = f"{scraped.sum('tollspan_queue_entries') or 0:.0f} entries wait for the store, the oldest for {lag:.0f} s"
    if not scraped.sum("tollspan_taking_spans"):
        yield problem(
            f"senders are told to come again; {queue}", "See its log; free the disk, or wait until it has caught up."
        )
    elif lag > HALF * most:
        yield warning(f"takes spans; {queue}, senders wait from {most:.0f} s on", "Send less, or give it more CPUs.")
    else:
        yield ok(f"takes spans; {queue}")


def _refusals(scraped: Samples) -> Iterator[Finding]:
    counts = {one.labels.get("outcome", ""): int(one.value) for one in scraped.each("tollspan_requests")}
    for outcome, remedy in _THROWN_AWAY.items():
        if counts.get(outcome):
            yield problem(f"{counts[outcome]} requests since its start were refused for good ({outcome})", remedy)
    if counts.get("unavailable"):
        yield warning(
            f"{counts['unavailable']} requests since its start were told to come again, {counts.get('accepted', 0)} "
            "were taken",
            "Its log names the senders and says why.",
        )
    else:
        yield ok(f"{counts.get('accepted', 0)} requests were taken since its start, none was told to come again")


def refused_senders(setup: Setup) -> Iterator[Finding]:
    """Look for senders that wait because their key is refused."""
    if setup.scraped is None:
        yield unknown("no rater serves")
        return
    waiting = sorted(one.labels["sender"] for one in setup.scraped.each(REFUSED_SENDERS) if one.value)
    if waiting:
        yield problem(
            f"the key of {', '.join(waiting)} is refused; what they send waits with them",
            "Give each a key with scope ingest: tollspan keys create --scope ingest",
        )
    else:
        yield ok("no sender waits for its key")


def money_spans(setup: Setup) -> Iterator[Finding]:
    """Look whether the place for money spans can be reached and takes them."""
    endpoint = setup.resolved.config.trace_out.endpoint
    if endpoint is None:
        yield ok("off: trace_out.endpoint is not set")
        return
    parts = urlsplit(endpoint)
    trouble = setup.probe.trouble_reaching(parts.hostname or "", parts.port or OTLP_PORTS[parts.scheme])
    if trouble:
        yield problem(f"{endpoint} cannot be reached: {trouble}", "Correct trace_out.endpoint, or start what is there.")
    else:
        yield ok(f"{endpoint} can be reached")
    if setup.scraped is not None:
        yield from _outbox(setup.scraped)


def _outbox(scraped: Samples) -> Iterator[Finding]:
    waiting = scraped.sum("tollspan_trace_out_waiting") or 0
    for name, remedy in (
        ("refused", "The endpoint said no for good: look at its limits and at trace_out.headers_file."),
        ("dropped", "It was away for too long; traces of that time lack money. Raise trace_out.max_waiting."),
    ):
        count = scraped.sum(f"tollspan_trace_out_{name}_total")
        if count:
            yield warning(f"{count:.0f} money spans were {name} since the start", remedy)
    yield ok(f"{scraped.sum('tollspan_trace_out_sent_total') or 0:.0f} money spans were sent, {waiting:.0f} wait")
