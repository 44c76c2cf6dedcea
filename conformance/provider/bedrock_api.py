"""AWS's wire format: Converse and ConverseStream of the Bedrock runtime, with its binary event stream."""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Iterator, Mapping
from typing import Any

from conformance.provider.endpoint import Api, Call, Stream
from tollspan_rater.demo.provider.answer import WORDS, Event

_TEXT_HEADER = 7  # the header type "string" of the event stream encoding
_TOOL_ID = "tooluse_1"
_FAILURE = "throttlingException"


def converse(call: Call) -> dict[str, Any]:
    """Return a whole answer of Converse."""
    tool = _tool(call.request.body)
    block = {"toolUse": {"toolUseId": _TOOL_ID, "name": tool, "input": {"place": "Oslo"}}}
    return {
        "output": {"message": {"role": "assistant", "content": [block if tool else {"text": "".join(WORDS)}]}},
        "stopReason": "tool_use" if tool else "end_turn",
        "usage": usage(call),
        "metrics": {"latencyMs": 10},
    }


def converse_events(call: Call) -> Iterator[Event]:
    """Return the messages of ConverseStream; usage is in the last, ``metadata``."""
    tool = _tool(call.request.body)
    yield Event({"role": "assistant"}, "messageStart")
    if tool:
        start = {"toolUse": {"toolUseId": _TOOL_ID, "name": tool}}
        yield Event({"contentBlockIndex": 0, "start": start}, "contentBlockStart")
        delta = {"toolUse": {"input": json.dumps({"place": "Oslo"})}}
        yield Event({"contentBlockIndex": 0, "delta": delta}, "contentBlockDelta")
    else:
        for word in WORDS:
            yield Event({"contentBlockIndex": 0, "delta": {"text": word}}, "contentBlockDelta")
    yield Event({"contentBlockIndex": 0}, "contentBlockStop")
    yield Event({"stopReason": "tool_use" if tool else "end_turn"}, "messageStop")
    yield Event({"usage": usage(call), "metrics": {"latencyMs": 10}}, "metadata")


def usage(call: Call) -> dict[str, Any]:
    """Return TokenUsage: both caches stand beside the input, the total has everything."""
    counts = call.drawn.counts
    stated: dict[str, Any] = {
        "inputTokens": counts.input - counts.cache_read - counts.cache_write,
        "outputTokens": counts.output,
        "totalTokens": counts.input + counts.output,
        "cacheReadInputTokens": counts.cache_read,
        "cacheWriteInputTokens": counts.cache_write,
    }
    if call.has("ttl"):
        written = {"5m": counts.cache_write_5m, "1h": counts.cache_write_1h}
        stated["cacheDetails"] = [{"ttl": ttl, "inputTokens": count} for ttl, count in written.items()]
    return stated


def count_tokens(call: Call) -> dict[str, Any]:
    """Return a count, which is free."""
    return {"inputTokens": call.drawn.counts.input}


def _tool(body: Mapping[str, Any]) -> str | None:
    turns = body.get("messages") or []
    if any("toolResult" in block for turn in turns for block in turn.get("content") or ()):
        return None
    tools = (body.get("toolConfig") or {}).get("tools") or []
    return str(tools[0]["toolSpec"]["name"]) if tools else None


def frame(event: Event) -> bytes:
    """Encode one message: lengths, their checksum, headers, payload, the checksum of all."""
    kind = {":event-type": event.name, ":content-type": "application/json", ":message-type": "event"}
    failure = {":exception-type": event.name, ":content-type": "application/json", ":message-type": "exception"}
    about = failure if event.name == _FAILURE else kind
    headers = b"".join(_header(name, value) for name, value in about.items())
    payload = json.dumps(event.data).encode()
    prelude = struct.pack(">II", 16 + len(headers) + len(payload), len(headers))
    message = prelude + struct.pack(">I", zlib.crc32(prelude)) + headers + payload
    return message + struct.pack(">I", zlib.crc32(message))


def _header(name: str, value: str) -> bytes:
    return struct.pack(">B", len(name)) + name.encode() + struct.pack(">BH", _TEXT_HEADER, len(value)) + value.encode()


FRAMES = Stream("application/vnd.amazon.eventstream", frame, Event({"message": "asked for"}, _FAILURE))
MODEL = "/model/(?P<model>[^/]+)/"

APIS = (
    Api("bedrock.converse", f"{MODEL}converse", "br-", converse),
    Api("bedrock.stream", f"{MODEL}converse-stream", "br-", converse, converse_events, FRAMES, "always"),
    Api("bedrock.count_tokens", f"{MODEL}count-tokens", "", count_tokens, free=True),
)
