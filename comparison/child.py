"""``python -m comparison.child NAME`` runs all cases under an instrumentation, in the environment made for it."""

from __future__ import annotations

import os
import sys

from conformance.stacks import case as runner

from comparison.instrumentation import INSTRUMENTATIONS, Application


def main(name: str) -> None:
    """Start the instrumentation before any SDK is imported, then run the cases below a root span each."""
    os.environ.setdefault("ANTHROPIC_OPEN_TELEMETRY", "false")
    chosen = next(one for one in INSTRUMENTATIONS if one.name == name)
    flushes = chosen.start(Application(runner.OTLP, runner.tracer_provider, runner.exporter))
    from comparison.cases import all_cases  # noqa: PLC0415 - instrumentation comes first

    runner.CASES.extend((case.slug, case.traits, case.call) for case in all_cases())
    runner.run(*flushes)


if __name__ == "__main__":
    main(sys.argv[1])
