"""OpenAI's wire formats: chat completions, responses, embeddings (shapes of the openai 3.x types)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tollspan_rater.demo.provider.answer import CREATED, WORDS, Asked, Event
from tollspan_rater.demo.provider.bill import Counts

ARGUMENTS = '{"place":"Oslo"}'
DIMENSIONS = 8


def chat(asked: Asked) -> dict[str, Any]:
    """Return a whole chat completion."""
    message: dict[str, Any] = {"role": "assistant", "content": "".join(WORDS), "refusal": None}
    if asked.tool:
        message |= {"content": None, "tool_calls": [_tool_call(asked.tool)]}
    reason = "tool_calls" if asked.tool else "stop"
    body = _chat(asked, "chat.completion")
    body["choices"] = [
        {"index": index, "message": message, "logprobs": None, "finish_reason": reason}
        for index in range(asked.body.get("n") or 1)
    ]
    return _with_usage(body, asked, chat_usage(asked.counts))


def chat_events(asked: Asked) -> Iterator[Event]:
    """Return a streamed chat completion; the usage chunk only when the caller asked for it."""
    options = asked.body.get("stream_options") or {}
    wanted = options.get("include_usage") is True and asked.fault != "no-usage"
    pieces: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
    if asked.tool:
        pieces.append({"tool_calls": [{"index": 0, **_tool_call(asked.tool)}]})
    else:
        pieces += [{"content": word} for word in WORDS]
    for piece in pieces:
        yield Event(_chunk(asked, [_choice(piece)], wanted=wanted))
    yield Event(_chunk(asked, [_choice({}, "tool_calls" if asked.tool else "stop")], wanted=wanted))
    if wanted:
        yield Event({**_chunk(asked, [], wanted=True), "usage": chat_usage(asked.counts)})
    yield Event("[DONE]")


def responses(asked: Asked) -> dict[str, Any]:
    """Return a whole response of the responses API."""
    body = _response(asked, "completed")
    item: dict[str, Any] = {
        "id": f"msg_{asked.response_id}",
        "type": "message",
        "role": "assistant",
        "status": "completed",
        "content": [{"type": "output_text", "text": "".join(WORDS), "annotations": []}],
    }
    if asked.tool:
        item = {
            "id": f"fc_{asked.response_id}",
            "type": "function_call",
            "call_id": "call_1",
            "name": asked.tool,
            "arguments": ARGUMENTS,
            "status": "completed",
        }
    body["output"] = [item]
    return _with_usage(body, asked, responses_usage(asked.counts))


def responses_events(asked: Asked) -> Iterator[Event]:
    """Return a streamed response: created, one item of text in deltas, completed with usage."""
    item, part = f"msg_{asked.response_id}", {"type": "output_text", "text": "", "annotations": []}
    text = "".join(WORDS)
    message = {"id": item, "type": "message", "role": "assistant", "status": "in_progress", "content": []}
    done = {**message, "status": "completed", "content": [{**part, "text": text}]}
    where = {"item_id": item, "output_index": 0, "content_index": 0}
    steps: list[tuple[str, dict[str, Any]]] = [
        ("response.created", {"response": _response(asked, "in_progress")}),
        ("response.output_item.added", {"output_index": 0, "item": message}),
        ("response.content_part.added", {**where, "part": part}),
        *[("response.output_text.delta", {**where, "delta": word, "logprobs": []}) for word in WORDS],
        ("response.output_text.done", {**where, "text": text, "logprobs": []}),
        ("response.content_part.done", {**where, "part": {**part, "text": text}}),
        ("response.output_item.done", {"output_index": 0, "item": done}),
        ("response.completed", {"response": responses(asked)}),
    ]
    for number, (kind, about) in enumerate(steps):
        yield Event({"type": kind, "sequence_number": number, **about}, kind)


def embeddings(asked: Asked) -> dict[str, Any]:
    """Return embeddings; their usage has a prompt and nothing else, and no id."""
    given = asked.body.get("input")
    inputs = given if isinstance(given, list) else [given]
    vector = [round(0.125 * n, 3) for n in range(DIMENSIONS)]
    data = [{"object": "embedding", "index": index, "embedding": vector} for index in range(len(inputs))]
    usage = {"prompt_tokens": asked.counts.input, "total_tokens": asked.counts.input}
    return {"object": "list", "data": data, "model": asked.model, "usage": usage}


def chat_usage(counts: Counts) -> dict[str, Any]:
    """Return the usage object of chat completions; cached tokens are part of the prompt."""
    return {
        "prompt_tokens": counts.input,
        "completion_tokens": counts.output,
        "total_tokens": counts.input + counts.output,
        "prompt_tokens_details": {**_cached(counts), "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": counts.reasoning,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def responses_usage(counts: Counts) -> dict[str, Any]:
    """Return the usage object of the responses API; cached tokens are part of the input."""
    return {
        "input_tokens": counts.input,
        "input_tokens_details": _cached(counts),
        "output_tokens": counts.output,
        "output_tokens_details": {"reasoning_tokens": counts.reasoning},
        "total_tokens": counts.input + counts.output,
    }


def _cached(counts: Counts) -> dict[str, int]:
    written = {"cache_write_tokens": counts.cache_write} if counts.cache_write else {}
    return {"cached_tokens": counts.cache_read, **written}


def _with_usage(body: dict[str, Any], asked: Asked, usage: dict[str, Any]) -> dict[str, Any]:
    if asked.fault == "no-usage":
        return body
    return {**body, "usage": None if asked.fault == "null-usage" else usage}


def _tool_call(name: str) -> dict[str, Any]:
    return {"id": "call_1", "type": "function", "function": {"name": name, "arguments": ARGUMENTS}}


def _chat(asked: Asked, kind: str) -> dict[str, Any]:
    return {
        "id": asked.response_id,
        "object": kind,
        "created": CREATED,
        "model": asked.model,
        "service_tier": "default",
    }


def _chunk(asked: Asked, choices: list[dict[str, Any]], *, wanted: bool) -> dict[str, Any]:
    chunk = {**_chat(asked, "chat.completion.chunk"), "choices": choices}
    return {**chunk, "usage": None} if wanted else chunk


def _choice(delta: dict[str, Any], reason: str | None = None) -> dict[str, Any]:
    return {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}


def _response(asked: Asked, status: str) -> dict[str, Any]:
    return {
        "id": asked.response_id,
        "object": "response",
        "created_at": CREATED,
        "status": status,
        "model": asked.model,
        "output": [],
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "service_tier": "default",
        "error": None,
        "usage": None,
    }
