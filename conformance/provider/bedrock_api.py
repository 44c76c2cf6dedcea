"""AWS's wire format: Converse and ConverseStream of the Bedrock runtime, with its binary event stream."""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Iterator
from typing import Any

from conformance.provider.draw import Draw
from tollspan_rater.demo.provider.answer import WORDS, Asked

_TEXT_HEADER = 7  # the header type "string" of the event stream encoding
_TOOL_ID = "tooluse_1"


def converse(asked: Asked, drawn: Draw) -> dict[str, Any]:
    """Return a whole answer of Converse."""
    tool = _tool(asked)
    block = {"toolUse": {"toolUseId": _TOOL_ID, "name": tool, "input": {"place": "Oslo"}}}
    return {
        "output": {"message": {"role": "assistant", "content": [block if tool else {"text": "".join(WORDS)}]}},
        "stopReason": "tool_use" if tool else "end_turn",
        "usage": usage(drawn),
        "metrics": {"latencyMs": 10},
    }


def converse_events(asked: Asked, drawn: Draw) -> Iterator[bytes]:
    """Return the messages of ConverseStream; usage is in the last, ``metadata``."""
    tool = _tool(asked)
    yield _message("messageStart", {"role": "assistant"})
    if tool:
        start = {"toolUse": {"toolUseId": _TOOL_ID, "name": tool}}
        yield _message("contentBlockStart", {"contentBlockIndex": 0, "start": start})
        delta = {"toolUse": {"input": json.dumps({"place": "Oslo"})}}
        yield _message("contentBlockDelta", {"contentBlockIndex": 0, "delta": delta})
    else:
        for word in WORDS:
            yield _message("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": word}})
    yield _message("contentBlockStop", {"contentBlockIndex": 0})
    yield _message("messageStop", {"stopReason": "tool_use" if tool else "end_turn"})
    yield _message("metadata", {"usage": usage(drawn), "metrics": {"latencyMs": 10}})


def usage(drawn: Draw) -> dict[str, int]:
    """Return TokenUsage: both caches stand beside the input, the total has everything."""
    counts = drawn.counts
    return {
        "inputTokens": counts.input - counts.cache_read - counts.cache_write,
        "outputTokens": counts.output,
        "totalTokens": counts.input + counts.output,
        "cacheReadInputTokens": counts.cache_read,
        "cacheWriteInputTokens": counts.cache_write,
    }


def _tool(asked: Asked) -> str | None:
    turns = asked.body.get("messages") or []
    if any("toolResult" in block for turn in turns for block in turn.get("content") or ()):
        return None
    tools = (asked.body.get("toolConfig") or {}).get("tools") or []
    return str(tools[0]["toolSpec"]["name"]) if tools else None


def _message(kind: str, body: dict[str, Any]) -> bytes:
    """Encode one message: lengths, their checksum, headers, payload, the checksum of all."""
    about = {":event-type": kind, ":content-type": "application/json", ":message-type": "event"}
    headers = b"".join(_header(name, value) for name, value in about.items())
    payload = json.dumps(body).encode()
    prelude = struct.pack(">II", 16 + len(headers) + len(payload), len(headers))
    message = prelude + struct.pack(">I", zlib.crc32(prelude)) + headers + payload
    return message + struct.pack(">I", zlib.crc32(message))


def _header(name: str, value: str) -> bytes:
    return struct.pack(">B", len(name)) + name.encode() + struct.pack(">BH", _TEXT_HEADER, len(value)) + value.encode()
