"""One request to a target and what became of it: the small part of HTTP that every billing system shares."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any, Final, Literal

import httpx

from tollspan_rater.domain.clock import Clock, to_ns

TIMEOUT: Final = httpx.Timeout(30, connect=10)
_SECOND: Final = 1_000_000_000
_NEVER_LEFT: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)


@dataclass(frozen=True, slots=True)
class Request:
    """One request, relative to the target's address; at most one of ``json``, ``form`` and ``content``.

    A form may nest: ``{"payload": {"value": "25"}}`` becomes ``payload[value]=25``. A ``Decimal`` in ``json`` is
    written as a number with all its digits.
    """

    method: Literal["GET", "POST", "PUT", "DELETE"]
    path: str
    json: Any = None
    form: Mapping[str, Any] | None = None
    content: bytes | None = None
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)

    def also(self, **query: str) -> Request:
        """Return the same request with more in its query, in place of what has the same name there."""
        return replace(self, query={**self.query, **query})


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: ``body`` is JSON with exact decimals, ``None`` for something else; header names are small."""

    status: int
    body: Any
    headers: Mapping[str, str]
    text: str = ""
    after_s: int | None = None  # what Retry-After asks for, rounded up

    @property
    def ok(self) -> bool:
        """Whether the status says that it was done."""
        return HTTPStatus.OK <= self.status < HTTPStatus.MULTIPLE_CHOICES

    @property
    def foreign(self) -> bool:
        """Whether there is something in it that is not JSON, as a proxy's page."""
        return self.body is None and self.text.strip() not in {"", "null"}

    @property
    def document(self) -> Mapping[str, Any]:
        """The body where it is an object, an empty one for anything else."""
        return self.body if isinstance(self.body, Mapping) else {}


@dataclass(frozen=True, slots=True)
class Lost:
    """Nothing came back; ``left`` is False when the request surely never reached the target."""

    why: str
    left: bool


class Http:
    """Asks one target. ``headers`` go along with every request; they hold the credential and are never shown."""

    def __init__(self, client: httpx.Client, url: str, clock: Clock, headers: Mapping[str, str] | None = None) -> None:
        self._client, self._url, self._clock, self._headers = client, url.rstrip("/"), clock, dict(headers or {})

    def ask(self, request: Request) -> Answer | Lost:
        """Send a request once; redirects are not followed."""
        content, kind = _content(request)
        try:
            answer = self._client.request(
                request.method,
                self._url + request.path,
                params=dict(request.query) or None,
                content=content,
                headers={**kind, **self._headers, **request.headers},
                follow_redirects=False,
            )
        except httpx.TransportError as error:
            return Lost(f"{type(error).__name__}: {error}", not isinstance(error, _NEVER_LEFT))
        except httpx.HTTPError as error:  # the answer could not be read
            return Lost(f"{type(error).__name__}: {error}", left=True)
        return Answer(answer.status_code, _json(answer), _small(answer.headers), answer.text, self._after_s(answer))

    def close(self) -> None:
        """End the connections."""
        self._client.close()

    def _after_s(self, answer: httpx.Response) -> int | None:
        """Read Retry-After: seconds, or a date."""
        said = answer.headers.get("retry-after", "")
        if said.strip().isdigit():
            return int(said)
        try:
            wait_ns = to_ns(parsedate_to_datetime(said)) - self._clock.now_ns()
            return max(0, -(-wait_ns // _SECOND))
        except ValueError:
            return None


def pairs(form: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Flatten a form that nests to its fields, in their order: ``payload[value]``, ``expand[0]``."""
    for name, value in form.items():
        field_name = f"{prefix}[{name}]" if prefix else name
        if isinstance(value, Mapping):
            yield from pairs(value, field_name)
        elif isinstance(value, list | tuple):
            yield from pairs({str(place): one for place, one in enumerate(value)}, field_name)
        elif value is not None:
            yield field_name, value if isinstance(value, str) else json.dumps(value)


def _content(request: Request) -> tuple[bytes | None, dict[str, str]]:
    if request.form is not None:
        body = str(httpx.QueryParams(list(pairs(request.form)))).encode()
        return body, {"Content-Type": "application/x-www-form-urlencoded"}
    if request.json is not None:
        return _written(request.json).encode(), {"Content-Type": "application/json"}
    return request.content, {}


def _written(value: Any) -> str:
    """Write JSON; unlike the library's, with decimals that never become floats."""
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{json.dumps(name)}:{_written(one)}" for name, one in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(_written, value)) + "]"
    return json.dumps(value)


def _json(answer: httpx.Response) -> Any:
    try:
        return json.loads(answer.content, parse_float=Decimal)
    except ValueError:
        return None


def _small(headers: httpx.Headers) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}
