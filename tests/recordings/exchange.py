"""Recorded exchanges, and the usage object that an instrumentation would take out of each."""

from __future__ import annotations

import base64
import gzip
import json
import os
import struct
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Final

Json = dict[str, Any]

FOLDER: Final = Path(os.environ.get("TOLLSPAN_SHARED_DATA", Path(__file__).parents[2].parent / "shared/data"))
FILE: Final = FOLDER / "recordings/exchanges.jsonl.gz"

# What the instrumentation of each operation would call the API; None: told by the members of the object.
APIS: Final[dict[str, str | None]] = {
    "openai.chat": "openai.chat",
    "openai.completions": "openai.chat",
    "openai.embeddings": "openai.embeddings",
    "openai.responses": "openai.responses",
    "openai.responses.compact": "openai.responses",
    "openai.responses.retrieve": "openai.responses",
    "anthropic.messages": "anthropic.messages",
}
_ANTHROPIC: Final = ("message_start", "message_delta")
_HEADER: Final = "x-amzn-bedrock-"
_INVOKED: Final = (
    "inputTextTokenCount", "results", "prompt_token_count", "generation_token_count", "num_tokens_prompt_total",
    "num_tokens_generated", "prompt_eval_count", "eval_count",
)  # fmt: skip


def exchanges() -> Iterator[Json]:
    """Yield every exchange of the file."""
    with gzip.open(FILE, "rt", encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def usage_object(exchange: Json) -> Json | None:
    """Return the final usage object of an exchange as its provider wrote it; None when it states none."""
    if exchange["status"] >= 400:
        return None
    documents = list(_documents(exchange))
    found: Json = {}
    for document in documents:
        for usage in _stated(document):
            found = _later(found, usage)
    if exchange["operation"].startswith("bedrock.invoke") and not {"output_tokens", "outputTokens"} & found.keys():
        found = {**_headers(exchange), **found}
    return found or None


def _later(held: Json, usage: Json) -> Json:
    """Put a later statement over an earlier one: counts in a stream are cumulative, and the last one holds.

    A member that a later one leaves out, or a generated count that begins again at zero, keeps what was said.
    """
    if "generated_token_count" in usage:
        return {name: max(held.get(name, 0), usage[name]) for name in ("input_token_count", "generated_token_count")}
    return {**held, **{name: value for name, value in usage.items() if value is not None}}


def _stated(document: Json) -> Iterator[Json]:
    """Yield every usage object in a document, in the order in which providers mean them."""
    if document.get("type") in _ANTHROPIC:
        yield (document.get("message") or document).get("usage") or {}
        return
    holders: list[Any] = [document, document.get("response"), document.get("interaction"), document.get("delta")]
    holders += [document.get("x_groq"), (document.get("metadata") if "usage" not in document else None)]
    for holder in holders:
        for name in ("usage", "usageMetadata", "meta", "amazon-bedrock-invocationMetrics"):
            usage = holder.get(name) if isinstance(holder, dict) else None
            if isinstance(usage, dict):
                yield usage
    yield from (result for result in document.get("results") or [] if "generated_token_count" in result)
    yield from _statistics(document.get("predictions") or [])
    yield {name: document[name] for name in _INVOKED if name in document and not _is_watsonx(document)}


def _is_watsonx(document: Json) -> bool:
    return any("generated_token_count" in result for result in document.get("results") or [])


def _statistics(predictions: Iterable[Json]) -> Iterator[Json]:
    counts = [
        prediction["embeddings"]["statistics"]["token_count"]
        for prediction in predictions
        if "embeddings" in prediction
    ]
    if counts:
        yield {"token_count": sum(counts)}


def _headers(exchange: Json) -> Json:
    headers = {name.lower(): value for name, value in exchange["response_headers"].items()}
    return {name: value for name, value in headers.items() if name.startswith(_HEADER) and name.endswith("-count")}


def _documents(exchange: Json) -> Iterator[Json]:
    for text in _WIRES.get(exchange["wire"], lambda _body: [])(_body(exchange)):
        try:
            document = json.loads(text)
        except ValueError:
            continue
        if isinstance(document, dict):
            yield document


def _body(exchange: Json) -> bytes:
    coded = exchange.get("response_body_b64")
    body: str = exchange.get("response_body") or ""
    return body.encode() if coded is None else base64.b64decode(coded)


def _sse(body: bytes) -> list[str]:
    lines = body.decode("utf-8", "replace").splitlines()
    return [line.removeprefix("data:").strip() for line in lines if line.startswith("data:")]


def _frames(body: bytes) -> list[str]:
    """Cut AWS's event stream: total and header lengths, their checksum, headers, payload, checksum."""
    found, at = [], 0
    while at + 12 <= len(body):
        total, headers = struct.unpack(">II", body[at : at + 8])
        payload = body[at + 12 + headers : at + total - 4].decode("utf-8", "replace")
        inner = json.loads(payload).get("bytes") if payload.startswith("{") else None
        found.append(payload if inner is None else base64.b64decode(inner).decode())
        at += total
    return found


_WIRES: Final[dict[str, Callable[[bytes], list[str]]]] = {
    "json": lambda body: [body.decode("utf-8", "replace")],
    "ndjson": lambda body: body.decode("utf-8", "replace").splitlines(),
    "sse": _sse,
    "eventstream": _frames,
}
