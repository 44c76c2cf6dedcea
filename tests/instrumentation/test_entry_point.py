"""An application that knows nothing of tollspan, started by opentelemetry-instrument: each call equals the bill."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
NO_OTHER_EXPORTERS = {f"OTEL_{signal}_EXPORTER": "none" for signal in ("TRACES", "METRICS", "LOGS")}


def environment(provider: Any, sink: Any, **more: str) -> dict[str, str]:
    return {
        **os.environ,
        **NO_OTHER_EXPORTERS,
        "OPENAI_API_KEY": "made-up",
        "ANTHROPIC_API_KEY": "made-up",
        "OPENAI_BASE_URL": f"{provider.url}/v1",
        "ANTHROPIC_BASE_URL": provider.url,
        "TOLLSPAN_OTLP_ENDPOINT": sink.url,
        "OTEL_SERVICE_NAME": "assistant",
        **more,
    }


def run(command: list[str], env: dict[str, str]) -> str:
    done = subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_zero_code_with_sampling_off(provider: Any, sink: Any) -> None:
    tool = str(Path(sys.executable).with_name("opentelemetry-instrument"))
    output = run(
        [tool, sys.executable, "examples/chat_app.py"], environment(provider, sink, OTEL_TRACES_SAMPLER="always_off")
    )
    assert output.count("paid once.") == 6
    by_id = {span["tollspan.provider_request_id"]: span for span in sink.spans}
    assert set(by_id) == {entry["request_id"] for entry in provider.bill.entries}
    assert len(sink.spans) == len(by_id) == 8
    for entry in provider.bill.entries:
        span = by_id[entry["request_id"]]
        assert span["gen_ai.usage.input_tokens"] == entry["input"]
        assert (span["gen_ai.usage.output_tokens"] or 0) == entry["output"]
        assert span.resource["service.name"] == "assistant"
    assert sorted(span["tollspan.seq"] for span in sink.spans) == list(range(1, 9))


def test_one_line_with_the_sdk_disabled(provider: Any, sink: Any) -> None:
    run([sys.executable, "examples/attributed_app.py"], environment(provider, sink, OTEL_SDK_DISABLED="true"))
    found = [(span.name, span["tollspan.customer"], span["tollspan.feature"]) for span in sink.spans]
    assert sorted(found, key=str) == [
        ("chat gpt-5-mini", "acme", "support-chat"),
        ("chat gpt-5-mini", "globex", "support-chat"),
        ("record document_page", "acme", None),
        ("record document_page", "globex", None),
    ]


HEAVY = ("openai", "anthropic", "httpx", "httpx2", "pydantic", "grpc", "duckdb", "opentelemetry.sdk", "requests")


def test_importing_and_installing_brings_nothing_heavy(provider: Any, sink: Any) -> None:
    code = f"""
import sys, tollspan
tollspan.install()
print([name for name in {HEAVY!r} if name in sys.modules])
import httpx2
print(tollspan.wire.hook.is_hook(vars(httpx2.Client)["send"]))
"""
    lines = run([sys.executable, "-c", code], environment(provider, sink)).splitlines()
    assert lines == ["[]", "True"]


def test_an_application_that_ends_in_mid_stream_leaves_its_record(provider: Any, sink: Any) -> None:
    code = """
import tollspan, openai
tollspan.install()
stream = openai.OpenAI().chat.completions.create(
    model="gpt-4o", messages=[{"role": "user", "content": "hi"}], stream=True)
next(iter(stream))
"""
    run([sys.executable, "-c", code], environment(provider, sink))
    assert [(span["tollspan.outcome"], span["tollspan.quality"]) for span in sink.spans] == [("aborted", "estimated")]


TOOL = str(Path(sys.executable).with_name("opentelemetry-instrument"))
ONE_CALL = """
import os, requests
body = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}]}
requests.post(os.environ["OPENAI_BASE_URL"] + "/chat/completions", json=body, timeout=60).raise_for_status()
"""


@pytest.mark.parametrize(
    ("variables", "metered"),
    [
        ({}, 1),
        ({"OTEL_SDK_DISABLED": "true"}, 0),
        ({"OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "flask, tollspan"}, 0),
    ],
    ids=str,
)
def test_opentelemetry_s_variables_alone(variables: dict[str, str], metered: int, provider: Any, sink: Any) -> None:
    env = environment(provider, sink, OTEL_EXPORTER_OTLP_ENDPOINT=sink.url, OTEL_EXPORTER_OTLP_HEADERS="x-team=red")
    del env["TOLLSPAN_OTLP_ENDPOINT"]
    run([TOOL, sys.executable, "-c", ONE_CALL], env | variables)
    assert len(provider.bill.entries) == 1
    assert len(sink.spans) == metered
    assert {headers["x-team"] for headers in sink.headers} == ({"red"} if metered else set())


def test_importing_one_module_is_enough_and_nothing_without_settings(provider: Any, sink: Any) -> None:
    env = environment(provider, sink)
    run([sys.executable, "-c", "import tollspan.auto" + ONE_CALL], env)
    assert len(sink.spans) == 1
    del env["TOLLSPAN_OTLP_ENDPOINT"]
    code = "import tollspan.auto, tollspan\nprint(tollspan.stats() == type(tollspan.stats())())" + ONE_CALL
    assert run([sys.executable, "-c", code], env) == "True\n"
    assert len(sink.spans) == 1
