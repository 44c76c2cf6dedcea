"""What an exception says of a request, of every HTTP library."""

from __future__ import annotations

import asyncio

import aiohttp
import botocore.exceptions
import httpx2
import pytest
import requests
import urllib3.exceptions

from tollspan.failure import Failure, failure

REFUSED = urllib3.exceptions.NewConnectionError(None, "refused")  # type: ignore[arg-type] # no connection is needed


@pytest.mark.parametrize(
    ("error", "found"),
    [
        (asyncio.CancelledError(), Failure("aborted", None, sent=True)),
        (KeyboardInterrupt(), Failure("aborted", None, sent=True)),
        (httpx2.ConnectError("no"), Failure("failed", "ConnectError", sent=False)),
        (httpx2.ConnectTimeout("no"), Failure("timeout", "ConnectTimeout", sent=False)),
        (httpx2.ReadTimeout("no"), Failure("timeout", "ReadTimeout", sent=True)),
        (httpx2.RemoteProtocolError("cut"), Failure("failed", "RemoteProtocolError", sent=True)),
        (requests.exceptions.ReadTimeout(), Failure("timeout", "ReadTimeout", sent=True)),
        (
            requests.exceptions.ConnectionError(urllib3.exceptions.MaxRetryError(None, "/", REFUSED)),  # type: ignore[arg-type] # no pool is needed
            Failure("failed", "ConnectionError", sent=False),
        ),
        (aiohttp.ServerDisconnectedError(), Failure("failed", "ServerDisconnectedError", sent=True)),
        (aiohttp.ServerTimeoutError(), Failure("timeout", "ServerTimeoutError", sent=True)),
        (
            botocore.exceptions.EndpointConnectionError(endpoint_url="http://x"),
            Failure("failed", "EndpointConnectionError", sent=False),
        ),
        (
            botocore.exceptions.ReadTimeoutError(endpoint_url="http://x"),
            Failure("timeout", "ReadTimeoutError", sent=True),
        ),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else "",
)
def test_failures(error: BaseException, found: Failure) -> None:
    assert failure(error) == found
