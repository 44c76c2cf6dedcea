"""What the environment says is done, or a line in the log says why not."""

from __future__ import annotations

import gzip
import http.server
import re
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, get_type_hints

import pytest
from tests.papers import papers_in

from tollspan.settings import resolve
from tollspan.transport import Transport, http_post
from tollspan.variables import OTHERS, VARIABLES, Arguments

OWN, OTEL = "TOLLSPAN_OTLP_", "OTEL_EXPORTER_OTLP_"
MINE = {f"{OWN}ENDPOINT": "http://c:4318"}
THEIRS = {f"{OTEL}ENDPOINT": "http://c:4318"}
SOURCES = Path(__file__).parents[2] / "instrumentation/src/tollspan"


def test_install_takes_what_the_table_names() -> None:
    assert {"endpoint", *get_type_hints(Arguments)} == {variable.argument for variable in VARIABLES}


def test_no_other_variable_is_read_anywhere() -> None:
    known = {name for one in VARIABLES for name in (one.name, *one.otel)} | set(OTHERS)
    paths = [path for path in SOURCES.rglob("*.py") if path.parent.name != "web"]  # there environ is WSGI's
    text = "".join(path.read_text(encoding="utf-8") for path in paths)
    read = set(re.findall(r"""environ(?:\.get)?[(\[]f?["'](\w+)["']""", text))
    assert read
    assert read <= known


@pytest.mark.parametrize(
    ("environ", "transport"),
    [
        (MINE, Transport()),
        (
            MINE | {f"{OWN}TIMEOUT": "2.5", f"{OWN}COMPRESSION": "none", f"{OWN}CERTIFICATE": "/ca"},
            Transport(2.5, "none", "/ca"),
        ),
        (
            THEIRS
            | {f"{OTEL}TIMEOUT": "3", f"{OTEL}TRACES_TIMEOUT": "4", f"{OTEL}COMPRESSION": "GZIP"}
            | {f"{OTEL}CLIENT_CERTIFICATE": "/c", f"{OTEL}TRACES_CLIENT_KEY": "/k"},
            Transport(4.0, "gzip", None, "/c", "/k"),
        ),
        (MINE | {f"{OTEL}TIMEOUT": "3", f"{OTEL}CERTIFICATE": "/theirs"}, Transport()),
        (THEIRS | {f"{OWN}TIMEOUT": "3", f"{OWN}CERTIFICATE": "/ours"}, Transport()),
    ],
)
def test_what_belongs_to_an_endpoint_stands_beside_it(environ: dict[str, str], transport: Transport) -> None:
    found = resolve(environ)
    assert found is not None
    assert found.transport == transport


@pytest.mark.parametrize(
    ("name", "text", "wanted"),
    [
        (f"{OWN}TIMEOUT", "ten", "a number of seconds above 0"),
        (f"{OWN}TIMEOUT", "-1", "a number of seconds above 0"),
        (f"{OWN}COMPRESSION", "deflate", "gzip or none"),
        ("TOLLSPAN_SPOOL_MAX_BYTES", "1 GB", "a whole number of bytes"),
        ("TOLLSPAN_THREADS", "maybe", "true or false"),
    ],
)
def test_what_cannot_be_read_is_logged_and_counts_as_unset(name: str, text: str, wanted: str, caplog: Any) -> None:
    assert resolve(MINE | {name: text}) == resolve(MINE)
    assert f"tollspan: {name}={text} should be {wanted}" in caplog.text


def test_an_argument_that_nobody_knows_is_logged(caplog: Any) -> None:
    assert resolve(MINE, endpiont="x") == resolve(MINE)
    assert "install() knows no endpiont" in caplog.text


OFF = {"OTEL_SDK_DISABLED": "True"}


@pytest.mark.parametrize(
    ("environ", "arguments", "meters", "warned"),
    [
        (THEIRS, {}, True, False),
        (THEIRS | OFF, {}, False, True),
        (THEIRS | OFF | {"TOLLSPAN_ENABLED": "true"}, {}, True, False),
        (THEIRS | OFF, {"enabled": True}, True, False),
        (THEIRS | {"OTEL_SDK_DISABLED": "false"}, {}, True, False),
        (MINE | OFF, {}, True, False),
        (OFF, {"endpoint": "http://c:4318"}, True, False),
        (MINE | {"TOLLSPAN_ENABLED": "0"}, {}, False, False),
        ({"TOLLSPAN_ENABLED": "true"}, {}, False, False),
        (OFF, {}, False, False),
    ],
)
def test_who_asks_for_metering_gets_it(
    environ: dict[str, str], arguments: dict[str, Any], caplog: Any, *, meters: bool, warned: bool
) -> None:
    assert (resolve(environ, **arguments) is not None) is meters
    assert ("TOLLSPAN_ENABLED=true would meter" in caplog.text) is warned


@pytest.mark.parametrize(
    ("environ", "url", "warning"),
    [
        ({"ENDPOINT": "http://c:4317"}, "http://c:4318/v1/traces", "using port 4318 of c"),
        ({"ENDPOINT": "http://c:4317", "PROTOCOL": "grpc"}, "http://c:4318/v1/traces", "using port 4318 of c"),
        ({"ENDPOINT": "http://c:4317", "PROTOCOL": "http/protobuf"}, "http://c:4317/v1/traces", ""),
        ({"ENDPOINT": "http://c:4318", "TRACES_PROTOCOL": "http/json"}, "http://c:4318/v1/traces", ""),
        ({"TRACES_ENDPOINT": "http://c:55", "PROTOCOL": "grpc"}, "http://c:55/v1/traces", "set TOLLSPAN_OTLP_ENDPOINT"),
        ({"ENDPOINT": "c:4317", "INSECURE": "true"}, "http://c:4318/v1/traces", "using port 4318 of c"),
        ({"ENDPOINT": "c:4317"}, "https://c:4318/v1/traces", "using port 4318 of c"),
        ({"ENDPOINT": "http://[::1]:4317"}, "http://[::1]:4318/v1/traces", "using port 4318 of ::1"),
        ({"TRACES_ENDPOINT": "http://c:55/own/path"}, "http://c:55/own/path", ""),
    ],
)
def test_opentelemetry_s_endpoint_is_used_over_http(
    environ: dict[str, str], url: str, warning: str, caplog: Any
) -> None:
    found = resolve({OTEL + name: text for name, text in environ.items()})
    assert found is not None
    assert found.url == url
    assert warning in caplog.text
    assert bool(caplog.records) is bool(warning)


def test_our_endpoint_needs_no_scheme() -> None:
    found = resolve({f"{OWN}ENDPOINT": "collector:4318"})
    assert found is not None
    assert found.url == "http://collector:4318/v1/traces"


# --- the transport over real sockets ---------------------------------------------------------
@contextmanager
def listening(context: ssl.SSLContext | None = None) -> Iterator[tuple[int, list[tuple[str | None, bytes]]]]:
    """Serve on loopback; yield the port and what was received: its Content-Encoding and body."""
    received: list[tuple[str | None, bytes]] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            received.append((self.headers["content-encoding"], body))
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_args: Any) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server.server_address[1], received
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize(("compression", "encoding"), [("gzip", "gzip"), ("none", None)])
def test_bodies_are_compressed_as_said(compression: Any, encoding: str | None) -> None:
    with listening() as (port, received):
        post = http_post(f"http://127.0.0.1:{port}/v1/traces", {}, Transport(compression=compression))
        assert post(b"body" * 99) == (200, b"")
    (found,) = received
    assert found[0] == encoding
    assert (gzip.decompress(found[1]) if encoding else found[1]) == b"body" * 99


def test_certificates_are_those_that_were_named(tmp_path: Path) -> None:
    certificates = papers_in(tmp_path)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(certificates / "server.pem", certificates / "server.key")
    server.load_verify_locations(certificates / "ca.pem")
    server.verify_mode = ssl.CERT_REQUIRED
    ca, late = str(certificates / "ca.pem"), tmp_path / "late.pem"
    client = (str(certificates / "client.pem"), str(certificates / "client.key"))
    with listening(server) as (port, received):
        url = f"https://127.0.0.1:{port}/v1/traces"
        assert http_post(url, {}, Transport(5, "none", ca, *client))(b"b") == (200, b"")
        for wrong in (Transport(5, "none", None, *client), Transport(5, "none", ca)):
            with pytest.raises(OSError):
                http_post(url, {}, wrong)(b"b")
        post = http_post(url, {}, Transport(5, "none", str(late), *client))
        with pytest.raises(FileNotFoundError):
            post(b"b")
        late.write_bytes(Path(ca).read_bytes())
        assert post(b"c") == (200, b"")
    assert received == [(None, b"b"), (None, b"c")]
