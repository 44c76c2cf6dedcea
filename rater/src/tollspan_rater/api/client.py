"""The door to a server: the methods of ``RaterDoor`` over HTTP."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator, Mapping
from types import TracebackType
from typing import Any, BinaryIO, Self

import httpx

from tollspan_rater.api.access import ACTOR_HEADER, TENANT_HEADER
from tollspan_rater.api.wire import ANSWER_TYPE, exception_of, unpack, unpack_answer
from tollspan_rater.domain.identity import Identity
from tollspan_rater.errors import TollspanError
from tollspan_rater.query.answer import Answer
from tollspan_rater.query.rater import Receipt
from tollspan_rater.store.run_file import RunFile

CHUNK = 256 * 1024
LONGEST_ADDRESS = 2000  # characters of parameters; servers and proxies take addresses of 8,000 bytes


class HttpDoor:
    """Asks the server that owns a folder. Its errors arrive as the exceptions that the server raised."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client

    @classmethod
    def of(cls, run: RunFile) -> HttpDoor:
        """Open a door with the local token of ``run.json``; answers may take as long as they need."""
        timeout = httpx.Timeout(None, connect=5.0)
        headers = {"Authorization": f"Bearer {run.token}"}
        verify = run.url.startswith("https:") if run.certificate is None else _only(run.certificate)
        return cls(httpx.Client(base_url=run.url, headers=headers, timeout=timeout, trust_env=False, verify=verify))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the connection."""
        self._client.close()

    def pid(self) -> int | None:
        """Return the process that answers at this address, or ``None`` when nobody does."""
        try:
            return int(self._client.get("/healthz", timeout=5.0).json()["pid"])
        except (httpx.TransportError, ValueError, KeyError, TypeError):
            return None

    def ask(self, question: str, params: Mapping[str, str], *, tenant: str) -> Answer:
        """Ask over ``GET /v1/{question}``, or ``POST`` when the parameters are too long for an address."""
        headers, path = {TENANT_HEADER: tenant, "Accept": ANSWER_TYPE}, f"/v1/{question}"
        if sum(map(len, params.values())) > LONGEST_ADDRESS:
            return unpack_answer(_send(lambda: self._client.post(path, json=dict(params), headers=headers)))
        return unpack_answer(_send(lambda: self._client.get(path, params=dict(params), headers=headers)))

    def execute(self, kind: str, body: Mapping[str, Any], *, tenant: str, actor: str) -> Receipt:
        """Send a command over ``POST /v1/commands/{kind}``."""
        headers = {TENANT_HEADER: tenant, ACTOR_HEADER: actor}
        return _receipt(_send(lambda: self._client.post(f"/v1/commands/{kind}", json=dict(body), headers=headers)))

    def metrics(self, tenant: str) -> str:
        """Return what the server tells Prometheus of a tenant, as text.

        Raises:
            TollspanError: nobody answers, or it is refused.
        """
        headers = {TENANT_HEADER: tenant, "Accept": "text/plain"}
        try:
            said = self._client.get("/metrics", headers=headers)
        except httpx.TransportError as error:
            raise gone(error) from error
        if not said.is_success:
            raise TollspanError(f"the server gives no metrics: it answered {said.status_code}. Look into its log.")
        return said.text

    def import_stream(self, stream: BinaryIO, *, name: str, tenant: str, actor: str) -> Receipt:
        """Stream a file over ``POST /v1/import``."""
        headers = {TENANT_HEADER: tenant, ACTOR_HEADER: actor}
        return _receipt(
            _send(
                lambda: self._client.post("/v1/import", params={"name": name}, headers=headers, content=_chunks(stream))
            )
        )

    def authenticate(self, token: str | None) -> Identity | None:
        """Know nobody: only the owner of a folder tells whose a token is."""
        del token
        return None


def _only(certificate: str) -> ssl.SSLContext:
    """Trust this very certificate and no other; its name need not be this machine's, for the file says who it is."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.load_verify_locations(cadata=certificate)
    return context


def _chunks(stream: BinaryIO) -> Iterator[bytes]:
    while chunk := stream.read(CHUNK):
        yield chunk


def _receipt(said: Mapping[str, Any]) -> Receipt:
    return Receipt(said["position"], unpack(said["$body"]))


def _send(request: Callable[[], httpx.Response]) -> dict[str, Any]:
    return dict(received(request).json())


def gone(error: httpx.TransportError) -> TollspanError:
    """Return what to say when a server ends while it is asked."""
    return TollspanError(f"the server went away while it was asked: {error}. Ask again.")


def received(request: Callable[[], httpx.Response]) -> httpx.Response:
    """Return the server's answer to a request, which is JSON.

    Raises:
        TollspanError: nobody answers, or what the server says is wrong, as the class that it raised.
    """
    try:
        response = request()
    except httpx.TransportError as error:
        raise gone(error) from error
    try:
        said = response.json()
    except ValueError:
        said = {"detail": f"the server answered {response.status_code} without JSON"}
        raise exception_of(said) from None
    if not response.is_success:
        raise exception_of(said)
    return response
