"""An application with the real SDKs against a provider with its own bill: `calls` shows that bill, call by call."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.collector.process import REPOSITORY, CollectorProcess, running
from tests.end_to_end.conftest import Serve
from tests.end_to_end.process import TOLLSPAN, RaterProcess, environment, run, wait_until

from tollspan_rater.demo.provider import FakeProvider

CHAT_APP, ATTRIBUTED_APP = "examples/chat_app.py", "examples/attributed_app.py"
INSTRUMENT = (str(Path(sys.executable).with_name("opentelemetry-instrument")), sys.executable)
NO_OTHER_EXPORTERS = {f"OTEL_{signal}_EXPORTER": "none" for signal in ("TRACES", "METRICS", "LOGS")}
CALLS_OF_CHAT_APP, CALLS_OF_ATTRIBUTED_APP = 8, 2
ROUNDS = 4
CALLS_A_ROUND = CALLS_OF_CHAT_APP + CALLS_OF_ATTRIBUTED_APP


@pytest.fixture
def provider() -> Iterator[FakeProvider]:
    with FakeProvider(seed=7) as started:
        yield started


def around(provider: FakeProvider, endpoint: str) -> dict[str, str]:
    """Return what the operator of an application sets: its providers, and where records go."""
    return environment(
        OPENAI_API_KEY="made-up",
        ANTHROPIC_API_KEY="made-up",
        OPENAI_BASE_URL=f"{provider.url}/v1",
        ANTHROPIC_BASE_URL=provider.url,
        TOLLSPAN_OTLP_ENDPOINT=f"http://{endpoint}",
        OTEL_SERVICE_NAME="assistant",
        **NO_OTHER_EXPORTERS,
    )


@contextmanager
def application(command: Sequence[str], env: Mapping[str, str]) -> Iterator[subprocess.Popen[str]]:
    """Run an application beside the test; it must end well by itself."""
    process = subprocess.Popen(
        command, env=env, cwd=REPOSITORY, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    try:
        yield process
        _, said = process.communicate(timeout=60)
        assert process.returncode == 0, said
    finally:
        process.kill()
        process.communicate()


def as_the_provider_bills(provider: FakeProvider) -> Counter[tuple[object, ...]]:
    """Return the provider's own bill; it counts nothing as 0 where an API has no such number."""
    kinds = ("input", "cache_read", "cache_write", "output", "reasoning")
    return Counter(
        (entry["provider"], entry["model"], *(entry[kind] for kind in kinds), entry["outcome"])
        for entry in provider.bill.entries
    )


def as_we_do(calls: Sequence[Mapping[str, Any]]) -> Counter[tuple[object, ...]]:
    """Return our calls in the same form; each must be told exactly."""
    kinds = ("input", "cache_read", "cache_write", "output", "reasoning")
    assert {call["quality"] for call in calls} == {"exact"}
    return Counter(
        (call["provider"], call["model"], *(call[f"{kind}_tokens"] or 0 for kind in kinds), call["outcome"])
        for call in calls
    )


def calls_by_command(rater: RaterProcess) -> list[dict[str, Any]]:
    """Return what the command line shows."""
    done = run([*TOLLSPAN, "--data", str(rater.data), "calls", "--limit", "100000", "--format", "json"])
    assert done.returncode == 0, done.stderr
    return list(json.loads(done.stdout))


def test_an_application_that_knows_nothing_of_us(serve: Serve, provider: FakeProvider) -> None:
    rater = serve()
    with application([*INSTRUMENT, CHAT_APP], around(provider, rater.http)):
        pass
    rater.wait_for_calls(CALLS_OF_CHAT_APP)
    assert as_we_do(calls_by_command(rater)) == as_the_provider_bills(provider)
    rater.assert_audit_holds()


@pytest.mark.collector
def test_through_a_collector_with_both_killed(
    serve: Serve, provider: FakeProvider, collector_binary: Path, tmp_path: Path
) -> None:
    rater = serve()
    gate = tmp_path / "gate"
    gate.write_text("1")

    def go_on(number: int) -> None:
        """Let the applications do one more round, and wait until the provider has answered all of it."""
        gate.write_text(str(number))
        wait_until(lambda: len(provider.bill.entries) >= number * CALLS_A_ROUND, f"round {number}", 60)

    with running(CollectorProcess(collector_binary, tmp_path, rater.grpc)) as collector:
        env = around(provider, collector.http)
        several = ("tests/end_to_end/app.py", str(ROUNDS))
        with (
            application([*INSTRUMENT, *several, CHAT_APP, str(gate)], env),
            application([sys.executable, *several, ATTRIBUTED_APP, str(gate)], env),
        ):
            go_on(1)
            rater.wait_for_calls(1)
            rater.kill()
            go_on(2)
            collector.kill()
            go_on(3)
            rater.start()
            collector.start()
            go_on(4)
        rater.wait_for_calls(ROUNDS * CALLS_A_ROUND)
        calls = calls_by_command(rater)
        assert as_we_do(calls) == as_the_provider_bills(provider)
        assert Counter((call["customer"], call["feature"]) for call in calls) == {
            (None, None): ROUNDS * CALLS_OF_CHAT_APP,
            ("acme", "support-chat"): ROUNDS,
            ("globex", "support-chat"): ROUNDS,
        }
        rater.assert_audit_holds()
