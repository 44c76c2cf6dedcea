"""``python -m benchmarks.overhead``: what tollspan adds to an application, a bare span and OTel's own beside it."""

from __future__ import annotations

import argparse
import os
import platform
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Final

from benchmarks.overhead import fresh
from benchmarks.overhead.calls import ASKING_STREAM, HTTP_STREAM, NULL, OTEL_STREAM, SPAN, SPAN_BESIDE, STREAM, pairs
from benchmarks.overhead.pairs import Added, measured
from benchmarks.overhead.provider import CHUNKS
from benchmarks.overhead.sink import sink

VERSIONS: Final = ("openai", "httpx2", "opentelemetry-sdk", "opentelemetry-instrumentation-genai-openai")
CALLS_HEAD: Final = (
    "| CPU µs | bare | added | quartiles | of bare | to the span | to one beside |\n|---|---:|---:|---:|---:|---:|---:|"
)
START_HEAD: Final = (
    "| over | with | CPU ms | from, to | memory, MB | from, to | more |\n|---|---|---:|---:|---:|---:|---:|"
)


def main() -> None:
    """Measure and print; nothing is asserted."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.overhead", description=__doc__)
    parser.add_argument("--rounds", type=int, default=40, help="medians of so many rounds, default 40")
    parser.add_argument("--scale", type=int, default=2, help="calls in a batch, in proportion; default 2")
    parser.add_argument("--starts", type=int, default=9, help="fresh processes of each kind, default 9")
    asked = parser.parse_args()
    print(
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {os.cpu_count()} CPUs ({platform.machine()}), "
        f"Python {platform.python_version()}, load average {os.getloadavg()[0]:.1f}; "
        + ", ".join(f"{name} {version(name)}" for name in VERSIONS)
    )
    for text in lines(asked.rounds, asked.scale, asked.starts):
        print(text, flush=True)


def lines(rounds: int, scale: int, starts: int) -> Iterator[str]:
    """Yield the lines of the tables."""
    with tempfile.TemporaryDirectory(prefix="tollspan-bench-") as spool, sink() as endpoint:
        with pairs(endpoint, spool, scale) as measurable:
            found = measured(measurable, rounds)
        yield f"\nMedians of {rounds} rounds\n\n{CALLS_HEAD}"
        for one in found.values():
            yield _line(one, (found[SPAN], found[SPAN_BESIDE]))
        yield "\nA chunk of a stream: " + ", ".join(
            f"{name} {found[name].added / CHUNKS:.1f} µs" for name in (HTTP_STREAM, STREAM, ASKING_STREAM, OTEL_STREAM)
        )
        yield f"\nMedians of {starts} fresh processes\n\n{START_HEAD}"
        yield from fresh.lines(fresh.measured(endpoint, spool, starts))


def _line(one: Added, spans: tuple[Added, Added]) -> str:
    share = "" if one.name == SPAN else f"{one.added / one.bare:.1%}"
    ratios = " | ".join("" if one.name == NULL else f"{one.added / span.added:.1f}" for span in spans)
    return (
        f"| {one.name} | {one.bare:.0f} | {one.added:+.0f} | {one.low:+.0f} to {one.high:+.0f} | {share} | {ratios} |"
    )


if __name__ == "__main__":
    main()
