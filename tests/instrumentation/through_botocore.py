"""Recorded exchanges with Bedrock, asked for through boto3 and botocore's own reading of the answers."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any, Final
from urllib.parse import unquote, urlsplit

import boto3
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from tests.recordings.exchange import Json
from urllib3.exceptions import HTTPError

HOST: Final = "bedrock-runtime.us-east-1.amazonaws.com"

# How each operation is called, and where its answer has what is still to be read.
OPERATIONS: Final[Mapping[str, tuple[str, str]]] = {
    "converse": ("converse", ""),
    "converse-stream": ("converse_stream", "stream"),
    "invoke": ("invoke_model", "body"),
    "invoke-with-response-stream": ("invoke_model_with_response_stream", "body"),
    "count-tokens": ("count_tokens", ""),
}
MEMBERS: Final[Mapping[str, Any]] = {"converse": {}, "count_tokens": {"input": {}}}


def through_botocore(proxy: str, chosen: Iterable[Json], take: Callable[[Json], None]) -> None:
    """Send each recorded request to Bedrock's own host through the proxy that replays; read its answer to the end."""
    config = Config(
        proxies={"http": proxy},
        signature_version=UNSIGNED,
        retries={"total_max_attempts": 1},
        parameter_validation=False,
    )
    client = boto3.client("bedrock-runtime", region_name="us-east-1", endpoint_url=f"http://{HOST}", config=config)
    for exchange in bedrock(chosen):
        model, _, action = urlsplit(exchange["url"]).path.removeprefix("/model/").rpartition("/")
        name, place = OPERATIONS[action]
        with suppress(ClientError, BotoCoreError, HTTPError):
            _read(_asked(client, name, unquote(model), exchange).get(place))
        take(exchange)


def bedrock(exchanges: Iterable[Json]) -> Iterator[Json]:
    """Yield the exchanges with Bedrock's runtime."""
    return (one for one in exchanges if urlsplit(one["url"]).path.startswith("/model/"))


def _asked(client: Any, operation: str, model: str, exchange: Json) -> Any:
    """Call an operation with the recorded body in place of one that botocore would write."""

    def recorded(params: dict[str, Any], **_more: Any) -> None:
        body = exchange["request_body"]
        params["body"] = body.encode() if isinstance(body, str) else json.dumps(body or {}).encode()
        params["headers"]["x-replay-id"] = exchange["id"]

    client.meta.events.register_first("before-call.bedrock-runtime", recorded, unique_id="recorded")
    try:
        return getattr(client, operation)(modelId=model, **MEMBERS.get(operation, {}))
    finally:
        client.meta.events.unregister("before-call.bedrock-runtime", unique_id="recorded")


def _read(body: Any) -> None:
    if hasattr(body, "read"):
        body.read()
    elif body is not None:
        for _ in body:
            pass
