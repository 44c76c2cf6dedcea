"""Stripe's own mock server as a judge of shapes: it checks parameters against the specification that it carries.

It keeps no state and checks no meaning, and knows nothing of ``/v2``.
"""

from __future__ import annotations

import os
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from tests.export.case import cases
from tests.export.invoice import handed_over
from tests.export.simulators.simulator import Call

VERSION = "v0.203.0"
MODULE = f"github.com/stripe/stripe-mock@{VERSION}"
START_S = 20
_SUMS = "/v1/billing/meters/mtr_1/event_summaries"
_BESIDES = (
    ("GET", "/v1/invoiceitems?customer=cus_acme&created%5Bgte%5D=1796040000&limit=100&starting_after=ii_1", b""),
    ("GET", "/v1/billing/meters?status=active&limit=100&starting_after=mtr_1", b""),
    ("GET", f"{_SUMS}?customer=cus_acme&start_time=0&end_time=60&limit=100&starting_after=s1", b""),
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the server answered to a request."""

    request: str
    status: int
    said: str

    @property
    def fits(self) -> bool:
        return self.status == 200

    def __str__(self) -> str:
        return f"{self.status} {self.request}" + ("" if self.fits else f": {self.said}")


def built() -> Path:
    """Return the program, built from Go modules when it is not there yet."""
    cache = Path(os.environ.get("TOLLSPAN_CACHE", Path.home() / ".cache" / "tollspan")) / "stripe-mock" / VERSION
    binary = cache / "stripe-mock"
    if not binary.exists():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as aside:
            subprocess.run(["go", "install", MODULE], check=True, env={**os.environ, "GOBIN": aside})
            Path(aside, "stripe-mock").replace(binary)
    return binary


@contextmanager
def serving(binary: Path) -> Iterator[str]:
    """Run the server on loopback; gives its address."""
    http, https = _free_port(), _free_port()
    # Without an address of its own the second port would be open to everybody.
    command = [str(binary), "-http-addr", f"127.0.0.1:{http}", "-https-addr", f"127.0.0.1:{https}"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        url = f"http://127.0.0.1:{http}"
        _wait(url)
        yield url
    finally:
        process.terminate()
        process.wait()


def verdicts(url: str) -> Iterator[Verdict]:
    """Ask about every request of the demo invoice, a look and a sum."""
    for name in ("stripe-invoice-items", "stripe-meter-events"):
        for call in handed_over(cases()[name]):
            yield _verdict(url, call)
    for method, path, body in _BESIDES:
        yield _verdict(url, Call(method, f"https://stripe{path}", {}, body))


def _verdict(url: str, call: Call) -> Verdict:
    parts = urlsplit(call.url)
    path = parts.path + (f"?{parts.query}" if parts.query else "")
    kind = {"Content-Type": call.headers["content-type"]} if "content-type" in call.headers else {}
    headers = {"Authorization": "Bearer sk_test_123", **kind}
    answer = httpx.request(call.method, url + path, content=call.body, headers=headers, trust_env=False)
    return Verdict(f"{call.method} {parts.path}", answer.status_code, answer.text[:300])


def _wait(url: str) -> None:
    end = time.monotonic() + START_S
    while time.monotonic() < end:
        with suppress(httpx.TransportError):
            httpx.get(url, trust_env=False)
            return
        time.sleep(0.05)
    raise TimeoutError(f"stripe-mock does not answer at {url}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
