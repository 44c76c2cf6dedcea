"""What people do with Bedrock through boto3."""

from __future__ import annotations

from typing import Any

import boto3
from botocore.config import Config
from case import case

MODEL = "anthropic.claude-3-5-sonnet-20241022-v2:0"
ASK: Any = [{"role": "user", "content": [{"text": "How many?"}]}]
PLACE = {"type": "object", "properties": {"place": {"type": "string"}}, "required": ["place"]}
TOOLS: Any = {"tools": [{"toolSpec": {"name": "weather", "inputSchema": {"json": PLACE}}}]}


def client(url: str) -> Any:
    """Return a client as an application makes it."""
    return boto3.client(
        "bedrock-runtime",
        endpoint_url=url,
        region_name="eu-central-1",
        aws_access_key_id="made-up",
        aws_secret_access_key="made-up",
        config=Config(retries={"max_attempts": 2, "mode": "standard"}),
    )


@case()
def bedrock_converse(url: str) -> None:
    client(url).converse(modelId=MODEL, messages=ASK)


@case("cached")
def bedrock_converse_cached(url: str) -> None:
    client(url).converse(modelId=MODEL, messages=ASK)


@case("cached")
def bedrock_stream(url: str) -> None:
    list(client(url).converse_stream(modelId=MODEL, messages=ASK)["stream"])


@case("cached")
def bedrock_tools(url: str) -> None:
    first = client(url).converse(modelId=MODEL, messages=ASK, toolConfig=TOOLS)["output"]["message"]
    answer = {"toolResult": {"toolUseId": first["content"][0]["toolUse"]["toolUseId"], "content": [{"text": "rain"}]}}
    said = [*ASK, first, {"role": "user", "content": [answer]}]
    client(url).converse(modelId=MODEL, messages=said, toolConfig=TOOLS)


@case("429-once")
def bedrock_retried(url: str) -> None:
    client(url).converse(modelId=MODEL, messages=ASK)


@case("429")
def bedrock_error(url: str) -> None:
    client(url).converse(modelId=MODEL, messages=ASK)
