"""Anthropic's wire formats: messages and count_tokens (shapes of the anthropic 2.x types)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from tollspan_rater.demo.provider.answer import WORDS, Asked, Event
from tollspan_rater.demo.provider.bill import Counts

PLACEHOLDER_OUTPUT = 1  # what message_start says before anything is written


def messages(asked: Asked) -> dict[str, Any]:
    """Return a whole message."""
    body = _message(asked)
    body["content"] = [_tool_use(asked.tool)] if asked.tool else [{"type": "text", "text": "".join(WORDS)}]
    body["stop_reason"] = "tool_use" if asked.tool else "end_turn"
    if asked.fault != "no-usage":
        body["usage"] = usage(asked.counts)
    return body


def messages_events(asked: Asked) -> Iterator[Event]:
    """Return a streamed message: input at its start, cumulative output at its end."""
    start = usage(asked.counts) | {"output_tokens": PLACEHOLDER_OUTPUT}
    start.pop("output_tokens_details")
    yield _event("message_start", message={**_message(asked), "usage": start})
    yield from _block(asked.tool)
    spent = {key: value for key, value in usage(asked.counts).items() if key.startswith("output")}
    reason = "tool_use" if asked.tool else "end_turn"
    yield _event("message_delta", delta={"stop_reason": reason, "stop_sequence": None}, usage=spent)
    yield _event("message_stop")


def _block(tool: str | None) -> Iterator[Event]:
    deltas: list[dict[str, Any]] = [{"type": "text_delta", "text": word} for word in WORDS]
    block: dict[str, Any] = {"type": "text", "text": ""}
    if tool:
        block = _tool_use(tool)
        deltas = [{"type": "input_json_delta", "partial_json": json.dumps(block["input"])}]
        block = {**block, "input": {}}
    yield _event("content_block_start", index=0, content_block=block)
    for delta in deltas:
        yield _event("content_block_delta", index=0, delta=delta)
    yield _event("content_block_stop", index=0)


def count_tokens(asked: Asked) -> dict[str, Any]:
    """Return a count, which is free."""
    return {"input_tokens": asked.counts.input}


def usage(counts: Counts) -> dict[str, Any]:
    """Return the usage object of messages; cache reads and writes stand beside the input."""
    return {
        "input_tokens": counts.input - counts.cache_read - counts.cache_write,
        "cache_read_input_tokens": counts.cache_read,
        "cache_creation_input_tokens": counts.cache_write,
        "cache_creation": {
            "ephemeral_5m_input_tokens": counts.cache_write_5m,
            "ephemeral_1h_input_tokens": counts.cache_write_1h,
        },
        "output_tokens": counts.output,
        "output_tokens_details": {"thinking_tokens": counts.reasoning},
        "service_tier": "standard",
    }


def _message(asked: Asked) -> dict[str, Any]:
    return {
        "id": asked.response_id,
        "type": "message",
        "role": "assistant",
        "model": asked.model,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
    }


def _tool_use(name: str) -> dict[str, Any]:
    return {"type": "tool_use", "id": "toolu_1", "name": name, "input": {"place": "Oslo"}}


def _event(kind: str, **about: Any) -> Event:
    return Event({"type": kind, **about}, kind)
