"""What starting costs, in fresh processes: CPU time of importing and switching on, and memory.

``python -m benchmarks.overhead.fresh BASE WHAT ENDPOINT SPOOL`` is one of these processes.
"""

from __future__ import annotations

import gc
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

SDK_ONLY, APPLICATION = "opentelemetry-sdk", "opentelemetry-sdk, openai and calls"
NOTHING, TOLLSPAN, OTEL = "nothing", "tollspan", "OTel genai"
ROWS: Final = (
    (SDK_ONLY, NOTHING), (SDK_ONLY, TOLLSPAN), (APPLICATION, NOTHING), (APPLICATION, TOLLSPAN), (APPLICATION, OTEL),
)  # fmt: skip
CALLS: Final = 100
REPOSITORY: Final = Path(__file__).parents[2]
_PAGE: Final = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, slots=True)
class Start:
    """CPU milliseconds of importing and switching on, resident megabytes at the end."""

    cpu_ms: float
    rss_mb: float


def measured(endpoint: str, spool: str, rounds: int) -> dict[tuple[str, str], list[Start]]:
    """Run fresh processes, one of each row in turn; the first round of several is not counted."""
    found: dict[tuple[str, str], list[Start]] = {row: [] for row in ROWS}
    for number in range(rounds):
        for row in ROWS:
            command = [sys.executable, "-m", "benchmarks.overhead.fresh", *row, endpoint, spool]
            said = subprocess.run(command, cwd=REPOSITORY, check=True, capture_output=True, text=True).stdout
            if number or rounds == 1:
                found[row].append(Start(**json.loads(said)))
    return found


def lines(found: dict[tuple[str, str], list[Start]]) -> Iterator[str]:
    """Yield the lines of the table: medians and spread, memory beside that of the same application without."""
    for (base, what), starts in found.items():
        cpu, memory = sorted(one.cpu_ms for one in starts), sorted(one.rss_mb for one in starts)
        alone = statistics.median(one.rss_mb for one in found[base, NOTHING])
        yield (
            f"| {base} | {what} | {statistics.median(cpu):.0f} | {cpu[0]:.0f} to {cpu[-1]:.0f} | "
            f"{statistics.median(memory):.1f} | {memory[0]:.1f} to {memory[-1]:.1f} | "
            f"{statistics.median(memory) - alone:+.1f} |"
        )


def start(base: str, what: str, endpoint: str, spool: str) -> Start:
    """Be one of these processes."""
    import opentelemetry.sdk.trace.export  # noqa: F401 - what an application with traces has imported before

    if base == APPLICATION:
        import openai  # noqa: F401 - the application has imported it before
    before = time.process_time()
    _switch_on(what, endpoint, spool)
    cpu_ms = (time.process_time() - before) * 1_000
    if base == APPLICATION:
        _call()
    gc.collect()
    return Start(cpu_ms, int(Path("/proc/self/statm").read_text().split()[1]) * _PAGE / 1e6)


def _switch_on(what: str, endpoint: str, spool: str) -> None:
    if what == TOLLSPAN:
        os.environ["TOLLSPAN_SPOOL_DIR"] = spool
        import tollspan

        tollspan.install(endpoint=endpoint)
    if what == OTEL:
        from opentelemetry.instrumentation.genai.openai import OpenAIInstrumentor
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
        from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

        provider = TracerProvider()
        provider.add_span_processor(BatchSpanProcessor(InMemorySpanExporter()))
        OpenAIInstrumentor().instrument(tracer_provider=provider)


def _call() -> None:
    import httpx2
    import openai

    from benchmarks.overhead.provider import MESSAGES, MODEL, Canned

    with httpx2.Client(transport=Canned()) as http:
        gpt = openai.OpenAI(api_key="made-up", http_client=http, max_retries=0)
        for _ in range(CALLS):
            gpt.chat.completions.create(model=MODEL, messages=MESSAGES)


def main(arguments: Sequence[str]) -> None:
    """Print what this process's start cost."""
    found = start(*arguments)
    print(json.dumps({"cpu_ms": found.cpu_ms, "rss_mb": found.rss_mb}))


if __name__ == "__main__":
    main(sys.argv[1:])
