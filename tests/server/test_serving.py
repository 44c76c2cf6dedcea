"""A serving rater: backup while it runs, TLS on every door, its configuration in the journal."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest
from click.testing import CliRunner

from tests.papers import papers_in
from tests.server.conftest import DAY, SECOND, Bench, call
from tollspan_rater.cli.door import running
from tollspan_rater.cli.main import main
from tollspan_rater.errors import ConfigError
from tollspan_rater.ingest.otlp_grpc import TRACE_SERVICE
from tollspan_rater.server.config_history import note_config
from tollspan_rater.server.serving import serve_until
from tollspan_rater.store.run_file import read_run_file, write_run_file

ANY_PORT = {f"listen.{door}": "127.0.0.1:0" for door in ("grpc", "http", "api")}


@contextmanager
def served(bench: Bench, capsys: pytest.CaptureFixture[str]) -> Iterator[dict[str, int]]:
    """Serve a bench's folder; give the ports of its doors."""
    bench.flags |= ANY_PORT
    rater, stop, ready = bench.rater, threading.Event(), threading.Event()
    thread = threading.Thread(target=serve_until, args=(rater, stop, ready))
    thread.start()
    try:
        assert ready.wait(30)
        line = capsys.readouterr().out
        yield {
            door: int(line.partition(f"{name} 127.0.0.1:")[2].split(",")[0])
            for door, name in (("grpc", "OTLP/gRPC"), ("http", "OTLP/HTTP"), ("api", "API"))
        }
    finally:
        stop.set()
        thread.join(30)
    assert not thread.is_alive()
    assert read_run_file(bench.folder) is None


def tollspan(*argv: str) -> str:
    result = CliRunner().invoke(main, list(argv))
    assert result.exit_code == 0, result.output
    return result.stdout


def test_a_backup_of_a_running_server_answers_the_same_elsewhere(
    bench: Bench, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for number, now in enumerate(bench.days(count=3), 1):
        bench.send(call(number, f"person {number}", start_ns=now - SECOND))
    bench.clock.set(bench.clock.now_ns() - DAY)
    bench.execute("snapshot")
    with served(bench, capsys) as ports:
        sent = httpx.post(
            f"http://127.0.0.1:{ports['http']}/v1/traces",
            content=call(9, start_ns=bench.clock.now_ns()).SerializeToString(),
            headers={"content-type": "application/x-protobuf"},
        )
        assert sent.status_code == 200
        tollspan("backup", str(tmp_path / "copy"), "--data", str(bench.folder.path))
        there = tollspan("usage", "--by", "user", "--format", "jsonl", "--data", str(bench.folder.path))
    digests = bench.digests()
    restored = Bench(tmp_path / "restored")
    tollspan("restore", str(tmp_path / "copy"), "--data", str(restored.folder.path))
    assert not (restored.folder.path / "store").exists()
    assert tollspan("usage", "--by", "user", "--format", "jsonl", "--data", str(restored.folder.path)) == there
    tollspan("audit", "--full", "--data", str(restored.folder.path))
    assert restored.digests() == digests
    restored.close()


@pytest.fixture(scope="module")
def papers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A throw-away authority, a server's certificate, a client's; and a stranger's."""
    return papers_in(tmp_path_factory.mktemp("papers"))


@pytest.fixture
def guarded(bench: Bench, papers: Path) -> Bench:
    names = {"cert_file": "server.pem", "key_file": "server.key", "client_ca_file": "ca.pem"}
    bench.flags |= {f"tls.{key}": str(papers / name) for key, name in names.items()}
    return bench


def trusting(papers: Path, client: str | None) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(papers / "ca.pem"))
    if client is not None:
        context.load_cert_chain(papers / f"{client}.pem", papers / f"{client}.key")
    return context


def export_http(port: int, verify: Any) -> int:
    with httpx.Client(verify=verify, trust_env=False) as sender:
        return sender.post(
            f"https://127.0.0.1:{port}/v1/traces", content=call(1).SerializeToString(),
            headers={"content-type": "application/x-protobuf"},
        ).status_code  # fmt: skip


def export_grpc(port: int, papers: Path, client: str | None) -> bytes:
    parts = [(papers / f"{client}.{end}").read_bytes() if client else None for end in ("key", "pem")]
    credentials = grpc.ssl_channel_credentials((papers / "ca.pem").read_bytes(), *parts)
    with grpc.secure_channel(f"127.0.0.1:{port}", credentials) as channel:
        export = channel.unary_unary(f"/{TRACE_SERVICE}/Export")
        answer: bytes = export(call(1).SerializeToString(), timeout=10)
        return answer


def test_senders_need_a_certificate_and_commands_on_this_machine_a_token(
    guarded: Bench, papers: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with served(guarded, capsys) as ports:
        assert export_http(ports["http"], trusting(papers, "client")) == 200
        assert export_grpc(ports["grpc"], papers, "client") == b""
        for wrong in (None, "stranger"):
            with pytest.raises(httpx.TransportError):
                export_http(ports["http"], trusting(papers, wrong))
            with pytest.raises(grpc.RpcError):
                export_grpc(ports["grpc"], papers, wrong)
        with pytest.raises(httpx.TransportError):
            httpx.get(f"http://127.0.0.1:{ports['api']}/healthz")
        assert httpx.get(
            f"https://127.0.0.1:{ports['api']}/v1/usage", verify=trusting(papers, None)
        ).status_code == 401  # fmt: skip
        door = running(guarded.folder.path)
        assert door is not None
        with door:
            assert door.ask("usage", {"by": "customer", "sort": "charge"}, tenant="default").rows[0]["calls"] == 1


def test_a_door_trusts_the_certificate_of_run_json_only(
    guarded: Bench, papers: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from dataclasses import replace

    with served(guarded, capsys):
        run = read_run_file(guarded.folder)
        assert run is not None
        assert run.certificate == (papers / "server.pem").read_text()
        write_run_file(guarded.folder, replace(run, certificate=(papers / "stranger.pem").read_text()))
        assert running(guarded.folder.path) is None


@pytest.mark.parametrize("key", ["client.key", "nowhere.key", "ca.pem"])
def test_papers_that_do_not_fit_are_refused_at_the_start(guarded: Bench, papers: Path, key: str) -> None:
    guarded.flags |= {"tls.key_file": str(papers / key), **ANY_PORT}
    with pytest.raises(ConfigError, match="give a PEM chain and its key"):
        serve_until(guarded.rater, threading.Event())


def test_the_configuration_in_force_is_a_command(bench: Bench) -> None:
    assert note_config(bench.rater, "serve")
    assert not note_config(bench.rater, "serve")
    bench.close()
    assert not note_config(bench.rater, "serve")
    bench.close()
    bench.flags["pressure.max_lag"] = 17
    assert note_config(bench.rater, "serve")
    (first, second) = bench.rater.journal.read(0, max_entries=9, max_bytes=1 << 20)
    assert (first.kind, second.body["pressure.max_lag"], first.body["pricing"]) == ("config.set", "17", None)
    bench.clock.set(bench.clock.now_ns() + DAY)
    bench.send(call(1, start_ns=bench.clock.now_ns()))
    bench.execute("snapshot")
    assert note_config(bench.rater, "serve"), "what left the journal is noted again"
    assert bench.execute("rebuild").body["same"]


def test_the_pages_stand_beside_the_api_and_open_with_the_local_token(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    with served(bench, capsys) as ports, httpx.Client(base_url=f"http://127.0.0.1:{ports['api']}") as browser:
        run = read_run_file(bench.folder)
        assert run is not None
        first = browser.get("/", follow_redirects=True)
        assert (first.status_code, first.url.path) == (200, "/pages/sign-in")
        came = browser.post("/pages/sign-in", data={"key": run.token}, follow_redirects=True)
        assert "<h1>Overview of " in came.text
        assert run.token not in came.text
