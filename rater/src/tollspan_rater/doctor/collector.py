"""The Collector in front of a rater: is it up, is its configuration safe, does its queue empty."""

from __future__ import annotations

from collections.abc import Iterator
from http import HTTPStatus
from typing import Final

from tollspan_rater.doctor.billing_pipeline import findings
from tollspan_rater.doctor.finding import Finding, ok, problem, unknown, warning
from tollspan_rater.doctor.samples import Samples
from tollspan_rater.doctor.setup import Setup

HALF, FULL = 0.5, 0.9
_COUNTERS: Final = (
    (
        "otelcol_exporter_send_failed_spans", problem, "were dropped after an answer that must not be repeated",
        "Its log says which answer: look at key, limits and address of the rater.",
    ),
    (
        "otelcol_exporter_enqueue_failed_spans", problem, "did not fit into its queue",
        "Look at the disk of its queue, and give the queue more room.",
    ),
    (
        "otelcol_receiver_refused_spans", warning, "were held off",
        "Its memory or queue is full: senders come again, for a while.",
    ),
)  # fmt: skip


def health(setup: Setup) -> Iterator[Finding]:
    """Look whether it answers its health check."""
    place = setup.collector
    said = setup.probe.get(place.health)
    if said.status == HTTPStatus.OK:
        yield ok(f"{place.health} says that its pipelines run")
    elif said.status:
        yield problem(f"{place.health} answers {said.status}", "Look into the Collector's log.")
    else:
        found = f"{place.health} does not answer: {said.trouble}"
        remedy = "Start it, or say where it is: --collector URL of its health check."
        yield problem(found, remedy) if place.meant else warning(found, remedy)


def config(setup: Setup) -> Iterator[Finding]:
    """Look whether its configuration loses nothing, if it was given."""
    if setup.collector.config is None:
        yield unknown("not looked at", "Give it: --collector-config FILE, once for each --config of the Collector.")
        return
    settings = setup.resolved.config
    addresses = (settings.listen.grpc, settings.listen.http)
    yield from findings(setup.collector.config, addresses, int(settings.limits.message_bytes))


def queue(setup: Setup) -> Iterator[Finding]:
    """Look what its own figures say of what it could not deliver."""
    said = setup.probe.get(setup.collector.metrics)
    try:
        samples = Samples(said.text) if said.status == HTTPStatus.OK else None
    except ValueError:
        samples = None
    if samples is None:
        yield unknown(f"{setup.collector.metrics} gives no metrics", "Say where they are: --collector-metrics URL")
        return
    yield from _filling(samples)
    for name, state, what, remedy in _COUNTERS:
        count = sum(one.value for one in samples.each(name) if _counts(samples, one.labels.get("exporter")))
        if count:
            yield state(f"{count:.0f} spans since its start {what}", remedy)


def _filling(samples: Samples) -> Iterator[Finding]:
    for one in samples.each("otelcol_exporter_queue_size"):
        exporter = one.labels.get("exporter", "")
        most = samples.sum("otelcol_exporter_queue_capacity", exporter=exporter)
        if not _counts(samples, exporter) or not most:
            continue
        said = f"the queue of {exporter} is filled to {100 * one.value / most:.0f} %"
        remedy = "The rater is down, too slow, or refuses the key: see the findings about it."
        if one.value > FULL * most:
            yield problem(said, remedy)
        elif one.value > HALF * most:
            yield warning(said, remedy)
        else:
            yield ok(said)


def _counts(samples: Samples, exporter: str | None) -> bool:
    """Whether an exporter's figures are about billing: those of the rater's, if one is named so, else all."""
    named = {one.labels.get("exporter", "") for one in samples.each("otelcol_exporter_queue_size")}
    return exporter is None or "rater" in exporter or not any("rater" in name for name in named)
