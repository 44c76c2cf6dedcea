"""Bedrock through boto3."""

from __future__ import annotations

import json
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from comparison.case import ABORTED, EXACT, REFUSED, TIMED_OUT, cases_of
from comparison.reading import close_after, failing, read

CASES = cases_of("boto3")
CLAUDE = "anthropic.claude-3-5-sonnet-20241022-v2:0"
USED = "cached"
ASK: Any = [{"role": "user", "content": [{"text": "How many tokens is this?"}]}]
ASK_CLAUDE = {
    "anthropic_version": "bedrock-2023-05-31",
    "max_tokens": 99,
    "messages": [{"role": "user", "content": "How many?"}],
}
PLACE = {"type": "object", "properties": {"place": {"type": "string"}}, "required": ["place"]}
TOOLS: Any = {"tools": [{"toolSpec": {"name": "weather", "inputSchema": {"json": PLACE}}}]}
SESSION = boto3.Session(aws_access_key_id="made-up", aws_secret_access_key="made-up", region_name="eu-central-1")


def client(url: str, **more: Any) -> Any:
    """Return a client as an application makes it."""
    config = Config(retries={"max_attempts": 2, "mode": "standard"}, **more)
    return SESSION.client("bedrock-runtime", endpoint_url=url, config=config)


def invoke(url: str, model: str, body: Any) -> None:
    """Invoke a model and read its answer."""
    client(url).invoke_model(modelId=model, body=json.dumps(body))["body"].read()


@CASES("Bedrock: converse", traits=USED)
def converse(url: str) -> None:
    client(url).converse(modelId=CLAUDE, messages=ASK)


@CASES("Bedrock: converse cache for an hour", traits=f"{USED}+ttl")
def converse_cache_for_an_hour(url: str) -> None:
    client(url).converse(modelId=CLAUDE, messages=ASK)


@CASES("Bedrock: converse stream", traits=USED)
def converse_stream(url: str) -> None:
    read(client(url).converse_stream(modelId=CLAUDE, messages=ASK)["stream"])


@CASES("Bedrock: converse stream abort close", ABORTED)
def converse_stream_abort_close(url: str) -> None:
    close_after(2, client(url).converse_stream(modelId=CLAUDE, messages=ASK)["stream"])


@CASES("Bedrock: converse tools", EXACT, EXACT, traits=USED)
def converse_tools(url: str) -> None:
    first = client(url).converse(modelId=CLAUDE, messages=ASK, toolConfig=TOOLS)["output"]["message"]
    answer = {"toolResult": {"toolUseId": first["content"][0]["toolUse"]["toolUseId"], "content": [{"text": "rain"}]}}
    said = [*ASK, first, {"role": "user", "content": [answer]}]
    client(url).converse(modelId=CLAUDE, messages=said, toolConfig=TOOLS)


@CASES("Bedrock: converse retry 429 then ok", REFUSED, EXACT, traits="429-once")
def converse_retry_429_then_ok(url: str) -> None:
    client(url).converse(modelId=CLAUDE, messages=ASK)


@CASES("Bedrock: converse always 429", REFUSED, REFUSED, REFUSED, traits="429")
def converse_always_429(url: str) -> None:
    failing(ClientError, lambda: client(url).converse(modelId=CLAUDE, messages=ASK))


@CASES("Bedrock: converse timeout then ok", TIMED_OUT, EXACT, traits="hang-once")
def converse_timeout_then_ok(url: str) -> None:
    client(url, read_timeout=0.3).converse(modelId=CLAUDE, messages=ASK)


@CASES("Bedrock: invoke Claude", traits=USED)
def invoke_claude(url: str) -> None:
    invoke(url, CLAUDE, ASK_CLAUDE)


@CASES("Bedrock: invoke Claude stream", traits=USED)
def invoke_claude_stream(url: str) -> None:
    made = client(url).invoke_model_with_response_stream(modelId=CLAUDE, body=json.dumps(ASK_CLAUDE))
    read(made["body"])


@CASES("Bedrock: invoke Nova", traits=USED)
def invoke_nova(url: str) -> None:
    invoke(url, "amazon.nova-pro-v1:0", {"messages": ASK})


@CASES("Bedrock: invoke Titan embeddings")
def invoke_titan_embeddings(url: str) -> None:
    invoke(url, "amazon.titan-embed-text-v2:0", {"inputText": "How many?"})


@CASES("Bedrock: invoke Cohere embeddings")
def invoke_cohere_embeddings(url: str) -> None:
    invoke(url, "cohere.embed-multilingual-v3", {"texts": ["How many?"], "input_type": "search_query"})


@CASES.free("Bedrock: count tokens")
def count_tokens(url: str) -> None:
    client(url).count_tokens(modelId=CLAUDE, input={"converse": {"messages": ASK}})
