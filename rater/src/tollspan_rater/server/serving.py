"""``tollspan serve``: the receivers, the API and the writer on one data folder until it is told to stop."""

from __future__ import annotations

import logging
import os
import secrets
import signal
import socket
import ssl
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

import anyio
import uvicorn
from starlette.applications import Starlette
from starlette.routing import Route

from tollspan_rater import failpoints
from tollspan_rater.api.app import Scrape, create_app
from tollspan_rater.config.model import Config, split_address
from tollspan_rater.config.model import Tls as TlsFiles
from tollspan_rater.errors import ConfigError
from tollspan_rater.ingest import event_http
from tollspan_rater.ingest.address import Tls
from tollspan_rater.ingest.admission import Admission, Outcome, Refusal, by_key
from tollspan_rater.ingest.limits import Limits
from tollspan_rater.ingest.otlp_grpc import GrpcReceiver
from tollspan_rater.ingest.otlp_http import traces_app
from tollspan_rater.metrics.refused_keys import RefusedKeys
from tollspan_rater.metrics.requests import Requests
from tollspan_rater.server.config_history import note_config
from tollspan_rater.server.export_schedule import export_schedules
from tollspan_rater.server.measuring import scraping
from tollspan_rater.server.meters import apply_file
from tollspan_rater.server.money_spans import money_spans
from tollspan_rater.server.pricing import apply_folder
from tollspan_rater.server.rater import Rater
from tollspan_rater.server.schedule import Schedule
from tollspan_rater.server.summing import kept_sums
from tollspan_rater.server.upkeep import Upkeep
from tollspan_rater.store.run_file import RunFile, remove_run_file, write_run_file
from tollspan_rater.web.app import page_routes

GRACE_S: Final = 10.0
# An answer gives Python's one lock up with each statement of the database, and waits so long to get it back from a
# thread that works on spans: CPython's own 5 ms, several times for each answer under load.
SWITCH_S: Final = 0.0005
UPKEEP_S: Final = 60.0  # between two looks at what is due
BACKLOG: Final = 2048  # connections that may wait; uvicorn's own number
LOCAL_ACTOR: Final = "serve"
_PEM_BEGIN, _PEM_END = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"

log = logging.getLogger("tollspan")


class HttpServer:
    """A Starlette application on an address, in a thread of its own.

    With ``mutual`` every client must show a certificate of ``tls.client_ca_file``, if one is configured.
    """

    def __init__(self, app: Starlette, address: str, files: TlsFiles, setting: str, *, mutual: bool) -> None:
        host, port = split_address(address)
        client_ca = files.client_ca_file if mutual else None
        config = uvicorn.Config(
            app,
            host=host,
            port=port,
            log_config=None,
            access_log=False,
            ws="none",
            ssl_certfile=files.cert_file,
            ssl_keyfile=files.key_file,
            ssl_ca_certs=None if client_ca is None else str(client_ca),
            ssl_cert_reqs=ssl.CERT_NONE if client_ca is None else ssl.CERT_REQUIRED,
            timeout_graceful_shutdown=int(GRACE_S),
        )
        config.load()
        self._server = uvicorn.Server(config)
        try:
            self._socket = config.bind_socket()
        except SystemExit as error:
            raise ConfigError(setting, address, "configuration", "the address is in use; choose a free port") from error
        # Else an answer's second packet waits for the acknowledgement of its first, 40 ms; connections inherit it.
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.listen(BACKLOG)  # who connects between the ready line and the first answer waits, unrefused
        self.port: int = self._socket.getsockname()[1]
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [self._socket]}, name=f"tollspan-{setting}", daemon=True
        )

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def stop(self) -> None:
        """Take no new request, let those under way end, then return."""
        self._server.should_exit = True
        self._thread.join(GRACE_S)


def serve_until(rater: Rater, stop: threading.Event, ready: threading.Event | None = None) -> None:
    """Serve until ``stop`` is set; the caller holds the folder's lock and closes the rater."""
    note_config(rater, LOCAL_ACTOR)
    _apply_pricing(rater)
    _apply_meters(rater)
    requests, refused_keys = Requests(), RefusedKeys()
    admission = _admission(rater, (requests.observe, refused_keys.observe))
    with (
        kept_sums(rater),
        money_spans(rater),
        export_schedules(rater),
        scraping(rater, requests, refused_keys) as scrape,
    ):
        _answer(rater, admission, scrape, stop, ready)


def _answer(
    rater: Rater, admission: Admission, scrape: Scrape, stop: threading.Event, ready: threading.Event | None
) -> None:
    config = rater.config
    token = secrets.token_urlsafe(32)
    grpc_door = GrpcReceiver(admission, config.listen.grpc, keys_required=config.auth.required, tls=_tls(config))
    events = Route(event_http.PATH, event_http.events_endpoint(admission), methods=["POST"])
    spans_door = traces_app(admission, more=[events])
    http_door = HttpServer(spans_door, config.listen.http, config.tls, "listen.http", mutual=True)
    # The API always asks for a key; a command on this machine has the local one and no client certificate.
    pages = page_routes(rater, token, rater.clock, lambda: secrets.token_urlsafe(32))
    api = create_app(rater, token, scrape, pages)
    api_door = HttpServer(api, config.listen.api, config.tls, "listen.api", mutual=False)
    _write_no_byte_code()
    sys.setswitchinterval(SWITCH_S)
    for door in (grpc_door, http_door, api_door):
        door.start()
    hosts = {name: split_address(getattr(config.listen, name))[0] for name in ("grpc", "http", "api")}
    run = RunFile(os.getpid(), f"{hosts['api']}:{api_door.port}", token, rater.clock.now_ns(), _shown(config))
    write_run_file(rater.folder, run)
    sys.stdout.write(
        f"tollspan ready: OTLP/gRPC {hosts['grpc']}:{grpc_door.port}, OTLP/HTTP {hosts['http']}:{http_door.port}, "
        f"API {run.api}, data {rater.folder.path}\n"
    )
    sys.stdout.flush()
    if ready is not None:
        ready.set()
    upkeep, schedule = Upkeep(rater), Schedule(rater)
    while not stop.wait(UPKEEP_S):
        upkeep.step()
        schedule.step()
    grpc_door.stop(GRACE_S)
    http_door.stop()
    api_door.stop()
    remove_run_file(rater.folder)


def _write_no_byte_code() -> None:
    """From now on a full disk cannot leave a module that no later start can read.

    CPython 3.11 keeps byte code of which a full disk took only a part (python/cpython#126606), and some modules are
    compiled when the first request or command asks for them.
    """
    anyio.run(anyio.sleep, 0)  # what every request needs is loaded while it may be kept
    sys.dont_write_bytecode = True


@contextmanager
def stopped_by_signals() -> Iterator[threading.Event]:
    """Give an event that SIGTERM and SIGINT set."""
    stop = threading.Event()
    with ExitStack() as stack:
        for number in (signal.SIGTERM, signal.SIGINT):
            before = signal.signal(number, lambda _number, _frame: stop.set())
            stack.callback(signal.signal, number, before)
        yield stop


def _apply_pricing(rater: Rater) -> None:
    folder = rater.config.pricing
    if folder is not None:
        apply_folder(rater, Path(folder), rater.config.tenant, LOCAL_ACTOR)


def _apply_meters(rater: Rater) -> None:
    path = rater.config.meters
    if path is not None:
        apply_file(rater, Path(path), rater.config.tenant, LOCAL_ACTOR)


def _admission(rater: Rater, observers: Sequence[Callable[[str, Outcome], None]]) -> Admission:
    config = rater.config

    def observe(sender: str, outcome: Outcome) -> None:
        for told in observers:
            told(sender, outcome)

    def health() -> Refusal | None:
        trouble = rater.trouble()
        return None if trouble is None else Refusal(trouble, 5)

    limits = Limits(
        message_bytes=int(config.limits.message_bytes),
        in_flight_bytes=int(config.limits.in_flight_bytes),
        spans=config.limits.spans,
        attributes=config.limits.attributes,
        value_bytes=int(config.limits.value_bytes),
        nesting=config.limits.nesting,
    )
    return Admission(
        by_key(rater.authenticate, lambda: config.auth.required or rater.has_keys()),
        rater.submit,
        health,
        rater.clock,
        limits,
        reject_bad_keys=config.auth.on_failure == "reject",
        before_ok=lambda: failpoints.hit("before_ok"),
        observe=observe,
    )


def _shown(config: Config) -> str | None:
    """Return the certificate that the API shows, in PEM: the first of the chain."""
    if config.tls.cert_file is None:
        return None
    chain = config.tls.cert_file.read_text(encoding="ascii", errors="replace")
    return chain[chain.find(_PEM_BEGIN) : chain.find(_PEM_END) + len(_PEM_END)] + "\n"


def _tls(config: Config) -> Tls | None:
    files = config.tls
    if files.cert_file is None or files.key_file is None:
        return None
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(files.cert_file, files.key_file)
        client_ca = None if files.client_ca_file is None else files.client_ca_file.read_bytes()
        return Tls(files.cert_file.read_bytes(), files.key_file.read_bytes(), client_ca)
    except OSError as error:  # also what is no certificate, or a key of another one
        named = f"{files.cert_file}, {files.key_file}"
        raise ConfigError("tls", named, "configuration", f"{error}; give a PEM chain and its key") from error
