"""`python -m tollspan` says what is wrong before a record is lost."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tollspan.__main__ import main
from tollspan.frame import SPAN, Frame, framed
from tollspan.settings import resolve
from tollspan.spool import Spool


def said(environ: dict[str, str], monkeypatch: pytest.MonkeyPatch, capsys: Any) -> tuple[int, list[str]]:
    for name, text in environ.items():
        monkeypatch.setenv(name, text)
    code = main()
    return code, [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]


def test_all_is_well(sink: Any, spool_dir: Path, monkeypatch: Any, capsys: Any) -> None:
    environ = {"TOLLSPAN_OTLP_ENDPOINT": sink.url, "TOLLSPAN_OTLP_HEADERS": "authorization=secret"}
    code, lines = said(environ, monkeypatch, capsys)
    assert (code, lines[:2]) == (
        0,
        ["ok metering on, 1 headers", f"ok endpoint {sink.url}/v1/traces: answers (HTTP 200)"],
    )
    assert lines[2].startswith(f"ok unsent {spool_dir}/")
    assert lines[2].endswith(": none")
    assert "secret" not in "".join(lines)
    assert not spool_dir.exists()


def test_what_waits_is_counted(sink: Any, spool_dir: Path, monkeypatch: Any, capsys: Any) -> None:
    environ = {"TOLLSPAN_OTLP_ENDPOINT": sink.url, "TOLLSPAN_SPOOL_DIR": str(spool_dir)}
    settings = resolve(environ)
    assert settings is not None
    spool = Spool(settings.spool, b"")
    spool.append(framed(Frame(SPAN, b"waits")))
    code, lines = said(environ, monkeypatch, capsys)
    spool.close()
    assert code == 0
    assert ": 1 files, " in lines[2]


@pytest.mark.parametrize(
    ("environ", "status", "line"),
    [
        ({}, 200, "!! metering off: no endpoint"),
        ({"TOLLSPAN_OTLP_ENDPOINT": "SINK"}, 401, "!! endpoint SINK/v1/traces: does not take records (HTTP 401)"),
        ({"TOLLSPAN_OTLP_ENDPOINT": "SINK"}, 415, "!! endpoint SINK/v1/traces: refuses (HTTP 415)"),
        (
            {"TOLLSPAN_OTLP_ENDPOINT": "http://127.0.0.1:1"},
            200,
            "!! endpoint http://127.0.0.1:1/v1/traces: not reached",
        ),
        ({"TOLLSPAN_OTLP_ENDPOINT": "SINK", "TOLLSPAN_SPOOL_DIR": "/proc/1/fd"}, 200, "!! unsent /proc/1/fd"),
    ],
)
def test_what_is_wrong_is_said(
    environ: dict[str, str], status: int, line: str, sink: Any, monkeypatch: Any, capsys: Any
) -> None:
    sink.statuses = [status]
    if "TOLLSPAN_SPOOL_DIR" in environ:
        monkeypatch.setattr("tollspan.status.waiting", lambda _folder: (_ for _ in ()).throw(PermissionError("no")))
    given = {name: text.replace("SINK", sink.url) for name, text in environ.items()}
    code, lines = said(given, monkeypatch, capsys)
    assert code == 1
    assert any(one.startswith(line.replace("SINK", sink.url)) for one in lines), lines


def test_in_memory_only_is_said(sink: Any, monkeypatch: Any, capsys: Any) -> None:
    environ = {"TOLLSPAN_OTLP_ENDPOINT": sink.url, "TOLLSPAN_SPOOL_DIR": ""}
    code, lines = said(environ, monkeypatch, capsys)
    assert (code, lines[2]) == (0, "ok unsent wait in memory only (TOLLSPAN_SPOOL_DIR is empty)")
