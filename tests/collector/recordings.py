"""Recorded OTLP/JSON requests, one a line, in the form in which an exporter sends them."""

from __future__ import annotations

import re
from pathlib import Path

# Two recordings hold JavaScript's [seconds, nanoseconds] pair as the time of an event, as it was in memory.
# No exporter sends that, and the Collector answers 400 to the whole request.
HRTIME = re.compile(r'"\[(\d+), ?(\d+)\]"')


def requests_in(path: Path) -> list[str]:
    """Return the requests of a file, times of events in nanoseconds as OTLP/JSON wants them."""
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    return [HRTIME.sub(lambda pair: f'"{int(pair[1]) * 1_000_000_000 + int(pair[2])}"', line) for line in lines]
