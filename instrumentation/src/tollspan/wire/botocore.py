"""Meters ``URLLib3Session.send`` of botocore, and so boto3: every attempt of every AWS request goes through it.

There a request is signed already: what never leaves is taken out then, and left out of the signature before. Bodies
are followed at urllib3's response, which botocore's ``StreamingBody`` and ``EventStream`` read from.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from tollspan.attempt import Attempt
from tollspan.guarded import guarded, safely
from tollspan.wire.exchange import Begun, Outgoing, begin, concerns, lowered, sending, state, stays_here
from tollspan.wire.hook import Seam
from tollspan.wire.response import watch
from tollspan.wire.urllib3 import Body, ended

_SIGNED_AS = "bedrock"  # the name under which Amazon Bedrock's requests are signed, whoever sends them


def _send(wrapped: Callable[..., Any], _session: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    begun = _begun(args[0] if args else kwargs["request"])
    if begun is None:
        return wrapped(*args, **kwargs)
    with sending(begun.attempt):
        response = wrapped(*args, **kwargs)
    _watch(begun.attempt, response)
    return response


def _signed(wrapped: Callable[..., Any], signer: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Leave what stays here out of a signature, so that it still fits when the headers are gone."""
    headers = wrapped(*args, **kwargs)
    if state.recorder is not None and getattr(signer, "_service_name", None) == _SIGNED_AS:
        safely(_left_out, headers)
    return headers


SEAMS = (
    Seam("botocore.httpsession", {"URLLib3Session": {"send": _send}}, lambda: state.recorder is not None),
    Seam("botocore.auth", {"SigV4Auth": {"headers_to_sign": _signed}}, lambda: state.recorder is not None),
)


def _left_out(headers: Any) -> None:
    for name in {name for name in headers if stays_here(name)}:
        del headers[name]


@guarded
def _begun(request: Any) -> Begun | None:
    parts, headers = urlsplit(request.url), request.headers
    host = parts.hostname or ""
    if not concerns(request.method, host, parts.path):
        return None
    return begin(
        Outgoing(
            method=request.method,
            host=host,
            path=parts.path,
            headers=lambda: lowered(headers.items()),
            drop_header=lambda name: headers.pop(name, None),
            body=lambda: request.body if isinstance(request.body, bytes) else b"",
        )
    )


@guarded
def _watch(attempt: Attempt | None, response: Any) -> None:
    if attempt is None:
        return
    attempt.answered(response.status_code, response.headers.get)
    if response._content is None:  # noqa: SLF001 - else it was read at once; the library has no other word for it
        watch(response.raw, attempt, Body)
    else:
        attempt.chunk(response.content)
        ended(attempt, response.raw)
