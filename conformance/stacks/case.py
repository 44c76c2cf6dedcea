"""Runs the cases of one stack, each below a root span of its own; the only thing that all stacks share.

A stack's script registers cases by decorating functions (or by importing modules that do), sets up its
instrumentation and calls ``run``. It knows four settings of the environment: ``CONFORMANCE_STACK``,
``CONFORMANCE_PROVIDER`` and ``CONFORMANCE_OTLP`` (addresses), ``CONFORMANCE_ONLY`` (cases, joined by commas).
"""

from __future__ import annotations

import asyncio
import inspect
import os
import sys
import time
from collections.abc import Callable
from typing import Any

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

STACK = os.environ["CONFORMANCE_STACK"]
PROVIDER = os.environ["CONFORMANCE_PROVIDER"]
OTLP = os.environ["CONFORMANCE_OTLP"]
ONLY = {name for name in os.environ.get("CONFORMANCE_ONLY", "").split(",") if name}
SETTLE_S = 0.05  # between two cases, so that what an instrumentation does in a thread falls to the right one

CASES: list[tuple[str, str, Callable[[str], Any]]] = []


def case(traits: str = "plain") -> Callable[[Callable[[str], Any]], Callable[[str], Any]]:
    """Register a function as a case; it is given the address of the provider for this case and these traits."""

    def register(function: Callable[[str], Any]) -> Callable[[str], Any]:
        CASES.append((function.__name__, traits, function))
        return function

    return register


def exporter() -> OTLPSpanExporter:
    """Return an exporter to the run's receiver."""
    return OTLPSpanExporter(endpoint=f"{OTLP}/v1/traces")


def tracer_provider() -> TracerProvider:
    """Make the ordinary tracer provider of an application and register it."""
    provider = TracerProvider(resource=Resource.create({"service.name": f"conformance-{STACK}"}))
    provider.add_span_processor(BatchSpanProcessor(exporter()))
    trace.set_tracer_provider(provider)
    return provider


def run(*flushes: Callable[[], Any]) -> None:
    """Run all registered cases, flushing after each; say of each whether it raised."""
    tracer = trace.get_tracer("conformance")
    for name, traits, function in CASES:
        if ONLY and name not in ONLY:
            continue
        said = "done"
        with tracer.start_as_current_span(f"CASE {name}"):
            try:
                made = function(f"{PROVIDER}/{STACK}/{name}/{traits}")
                if inspect.iscoroutine(made):
                    asyncio.run(made)
            except Exception as error:  # noqa: BLE001 - an SDK raises what it likes; the case is over either way
                said = f"raised {type(error).__name__}: {str(error)[:300]!r}"
        time.sleep(SETTLE_S)
        for flush in flushes:
            flush()
        sys.stdout.write(f"{name}\t{said}\n")
        sys.stdout.flush()
