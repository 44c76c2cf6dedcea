"""What the README shows runs as it stands, and every name of tollspan that it tells of is there."""

from __future__ import annotations

import importlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.docs.pages import blocks
from tests.instrumentation.test_entry_point import environment, run

from tollspan.__main__ import main

ROOT = Path(__file__).parents[2]
README = (ROOT / "instrumentation/README.md").read_text(encoding="utf-8")
MODULES = r"(?:web|tasks)\.\w+"
DOTTED = sorted(set(re.findall(rf"\btollspan\.({MODULES}\.\w+|\w+)\(", README)))
IMPORTED = re.findall(r"^from tollspan\.([\w.]+) import (\w+)", README, re.MULTILINE)
PYTHON = [block.text for block in blocks(README) if block.language == "python"]
CONSOLE = [block.text for block in blocks(README) if block.language == "console"]
ENDPOINT = "http://localhost:4318"
CLIENT = """
import os, requests
from types import SimpleNamespace
def create(**body):
    return requests.post(os.environ["OPENAI_BASE_URL"] + "/chat/completions", json=body, timeout=60).json()
client = SimpleNamespace(chat=SimpleNamespace(completions=SimpleNamespace(create=create)))
"""


@pytest.mark.parametrize("name", [*DOTTED, *(f"{module}.{name}" for module, name in IMPORTED)])
def test_every_name_of_the_readme_exists(name: str) -> None:
    module, _, last = f"tollspan.{name}".rpartition(".")
    assert callable(getattr(importlib.import_module(module), last))


def test_names_are_found() -> None:
    assert {"inject", "extract", "attribute", "install", "web.flask.init_app", "tasks.celery.connect"} <= set(DOTTED)
    assert ("web.asgi", "AttributionMiddleware") in IMPORTED


def test_the_python_of_the_readme_runs_as_it_stands(provider: Any, sink: Any) -> None:
    start, say, *frameworks = PYTHON
    run([sys.executable, "-c", start + CLIENT + say + "\n".join(frameworks)], environment(provider, sink))
    found = [(span.name, span["tollspan.customer"], span["tollspan.feature"]) for span in sink.spans]
    assert sorted(found, key=str) == [
        ("chat gpt-4o", "acme", "chat"),
        ("chat gpt-4o", "acme", "report"),
        ("record gpu_second", "acme", None),
    ]


def test_the_middleware_of_the_readme_says_for_whom() -> None:
    from starlette.testclient import TestClient

    import tollspan

    _start, _say, fastapi, flask, _django = PYTHON
    names: dict[str, Any] = {}
    exec(fastapi, names)  # noqa: S102 - our own page
    with TestClient(names["app"]) as client:
        assert "acme" in client.get("/chat", headers={"x-customer-id": "acme"}).text
    exec(flask, names)  # noqa: S102 - our own page
    names["app"].get("/")(lambda: str(tollspan.current().values.get("customer")))
    assert names["app"].test_client().get("/", headers={"x-customer-id": "acme"}).text == "acme"


def typed(text: str) -> str:
    return "\n".join(line.removeprefix("$ ") for line in text.splitlines() if line.startswith("$ "))


def test_the_start_without_a_change_of_code_works_as_it_is_typed(provider: Any, sink: Any, tmp_path: Path) -> None:
    (zero_code,) = [typed(text) for text in CONSOLE if "opentelemetry-instrument" in text]
    (tmp_path / "app.py").write_text(CLIENT + "create(model='gpt-4o', messages=[])\n", encoding="utf-8")
    shell = shutil.which("sh")
    assert shell is not None
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        [shell, "-ec", zero_code.replace(ENDPOINT, sink.url)],
        env=environment(provider, sink) | {"PATH": path}, cwd=tmp_path, capture_output=True, text=True, timeout=120,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert [span["gen_ai.request.model"] for span in sink.spans] == ["gpt-4o"]


def test_the_check_prints_what_the_readme_shows(sink: Any, monkeypatch: Any, capsys: Any) -> None:
    monkeypatch.setenv("TOLLSPAN_OTLP_ENDPOINT", sink.url)
    assert main() == 0
    (shown,) = [text for text in CONSOLE if "python -m tollspan" in text]
    folder = re.compile(r"\S+/[0-9a-f]{16}:")
    said = folder.sub("F:", capsys.readouterr().out.replace(sink.url, ENDPOINT))
    assert said == folder.sub("F:", shown.partition("\n")[2])
