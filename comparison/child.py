"""``python -m comparison.child NAME`` runs all cases under an instrumentation, in the environment made for it."""

from __future__ import annotations

import asyncio
import inspect
import os
import signal
import sys
from collections.abc import Callable
from typing import Any

from conformance.stacks import case as runner

from comparison.instrumentation import INSTRUMENTATIONS, Application

MOST_S = 60  # of a case: an SDK's own limit is ten minutes


def limited(call: Callable[[str], Any]) -> Callable[[str], Any]:
    """Return a case that fails when it takes too long."""

    def too_long(*_about: object) -> None:
        raise TimeoutError(f"took more than {MOST_S} s")

    def run(url: str) -> None:
        signal.signal(signal.SIGALRM, too_long)
        signal.alarm(MOST_S)
        try:
            made = call(url)
            if inspect.iscoroutine(made):
                asyncio.run(made)
        finally:
            signal.alarm(0)

    return run


def main(name: str) -> None:
    """Start the instrumentation before any SDK is imported, then run the cases below a root span each."""
    os.environ.setdefault("ANTHROPIC_OPEN_TELEMETRY", "false")
    chosen = next(one for one in INSTRUMENTATIONS if one.name == name)
    flushes = chosen.start(Application(runner.OTLP, runner.tracer_provider, runner.exporter))
    from comparison.cases import all_cases  # noqa: PLC0415 - instrumentation comes first

    runner.CASES.extend((case.slug, case.traits, limited(case.call)) for case in all_cases())
    runner.run(*flushes)


if __name__ == "__main__":
    main(sys.argv[1])
