"""The HTTP side: every request belongs to a case, every attempt stands on the bill.

A client's base address is ``{url}/STACK/CASE/TRAITS``: the path says whom a request belongs to, so that no SDK must
be taught a header. Traits are joined by ``+``: ``cached``, ``reasoning``, ``tool-prompt``, ``no-usage``, a status for
every attempt (``429``) or for the first alone (``500-once``), ``cut`` for a stream whose connection breaks.
"""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar, Self
from urllib.parse import unquote, urlsplit

from conformance.bill import Attempt
from conformance.http_body import read_body
from conformance.provider.api import Api, api_of
from conformance.provider.draw import Draw, draw, without_caches
from tollspan_rater.demo.provider.answer import Asked, Event
from tollspan_rater.demo.provider.bill import Counts

THINKING_S = 0.02  # calls take a little while, so that parallel ones overlap
EVENTS_BEFORE_CUT = 4
NOTHING = Draw(Counts(0, 0, 0, 0, 0, 0))
ERRORS = {429: "rate_limit_error", 500: "api_error", 529: "overloaded_error"}


@dataclass(frozen=True, slots=True)
class Request:
    """One attempt as the server sees it."""

    stack: str
    case: str
    traits: frozenset[str]
    api: Api
    body: Mapping[str, Any]

    @property
    def streams(self) -> bool:
        """Whether a stream is asked for."""
        return self.api.always_streams or self.body.get("stream") is True


class Provider:
    """The provider on 127.0.0.1, serving while it is entered; ``attempts`` is its bill, oldest first."""

    def __init__(self) -> None:
        self.attempts: list[Attempt] = []
        self._seen: Counter[tuple[str, str]] = Counter()
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), self)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def url(self) -> str:
        """The address before ``/STACK/CASE/TRAITS``."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_about: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def admit(self, request: Request) -> tuple[int, Draw, str]:
        """Write an attempt onto the bill; return the status to answer with, what it uses and its response id."""
        with self._lock:
            number = self._seen[request.stack, request.case]
            self._seen[request.stack, request.case] += 1
            status = _status(request.traits, first=number == 0)
            drawn = _drawn(request, number) if status == 200 else NOTHING  # noqa: PLR2004 - the status "OK"
            digest = hashlib.sha256(f"{request.stack} {request.case} {number}".encode()).hexdigest()[:24]
            response_id = request.api.prefix + digest
            self.attempts.append(_attempt(request, status, drawn.counts, response_id))
        return status, drawn, response_id


def _status(traits: frozenset[str], *, first: bool) -> int:
    for trait in traits:
        code, _, once = trait.partition("-")
        if code.isdigit() and (first or not once):
            return int(code)
    return 200


def _drawn(request: Request, number: int) -> Draw:
    api = request.api
    drawn = draw(f"{request.stack}/{request.case}", number, request.traits)
    drawn = without_caches(drawn, written=not api.writes_caches, read=not api.reads_caches)
    if api.writes_text:
        return drawn
    return Draw(Counts(drawn.counts.input, 0, 0, 0, 0, 0))


def _attempt(request: Request, status: int, counts: Counts, response_id: str) -> Attempt:
    return Attempt(
        stack=request.stack,
        case=request.case,
        api=request.api.name,
        status=status,
        response_id=response_id,
        input=counts.input,
        cache_read=counts.cache_read,
        cache_write=counts.cache_write,
        output=counts.output,
        reasoning=counts.reasoning,
    )


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], provider: Provider) -> None:
        self.provider = provider
        super().__init__(address, _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Stay quiet: clients that hang up are part of the cases."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server
    wbufsize: ClassVar[int] = -1

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """Stay quiet."""

    def do_POST(self) -> None:
        """Answer a call of a case."""
        body = read_body(self.headers, self.rfile)
        path = unquote(urlsplit(self.path).path)
        found = api_of(path)
        parts = path.split("/")
        if found is None or len(parts) < 5:  # noqa: PLR2004 - "", stack, case, traits, the API's path
            self._json(404, {"error": {"type": "not_found_error", "message": f"no such path: {path}"}})
            return
        api, model = found
        document = {"model": model, **json.loads(body)}
        request = Request(parts[1], parts[2], frozenset(parts[3].split("+")), api, document)
        status, drawn, response_id = self.server.provider.admit(request)
        time.sleep(THINKING_S)
        if status in ERRORS:
            self._error(status)
            return
        asked = Asked(document, response_id, drawn.counts, "no-usage" if "no-usage" in request.traits else "")
        if request.streams and api.events is not None:
            self._stream(api, api.events(asked, drawn), response_id, cut="cut" in request.traits)
        else:
            self._json(200, api.whole(asked, drawn), _ids(response_id))

    def do_GET(self) -> None:
        """Answer nothing: no case asks for anything by GET."""
        self._json(404, {"error": {"type": "not_found_error", "message": f"no such path: {self.path}"}})

    def _error(self, status: int) -> None:
        said = {"type": ERRORS[status], "message": "asked for", "code": status, "status": "RESOURCE_EXHAUSTED"}
        headers = {"retry-after-ms": "1", "x-amzn-errortype": "ThrottlingException"}
        self._json(status, {"type": "error", "error": said, "message": "asked for"}, headers)

    def _json(self, status: int, body: Any, headers: Mapping[str, str] | None = None) -> None:
        data = json.dumps(body).encode()
        self._head(status, {"Content-Type": "application/json", "Content-Length": str(len(data)), **(headers or {})})
        self.wfile.write(data)
        self.wfile.flush()

    def _stream(self, api: Api, events: Iterator[Event | bytes], response_id: str, *, cut: bool) -> None:
        headers = {"Content-Type": api.stream_type, "Transfer-Encoding": "chunked", **_ids(response_id)}
        self._head(200, headers)
        for number, event in enumerate(events):
            if cut and number == EVENTS_BEFORE_CUT:
                self.close_connection = True
                return
            data = event if isinstance(event, bytes) else _encoded(event)
            self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
            self.wfile.flush()
        self.wfile.write(b"0\r\n\r\n")
        self.wfile.flush()

    def _head(self, status: int, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()


def _ids(response_id: str) -> dict[str, str]:
    return dict.fromkeys(("x-request-id", "request-id", "x-amzn-requestid"), f"req_{response_id}")


def _encoded(event: Event) -> bytes:
    data = event.data if isinstance(event.data, str) else json.dumps(event.data, separators=(",", ":"))
    return (f"event: {event.name}\n" if event.name else "").encode() + f"data: {data}\n\n".encode()
