"""Google's wire format: generateContent and streamGenerateContent (ai.google.dev, UsageMetadata)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from conformance.provider.draw import Draw
from tollspan_rater.demo.provider.answer import WORDS, Asked, Event


def generate(asked: Asked, drawn: Draw) -> dict[str, Any]:
    """Return a whole answer; the first declared function is called unless its result is already there."""
    function = _function(asked)
    part: dict[str, Any] = {"text": "".join(WORDS)}
    if function:
        part = {"functionCall": {"name": function, "args": {"place": "Oslo"}}}
    return _answer(asked, part, usage(drawn), "STOP")


def generate_events(asked: Asked, drawn: Draw) -> Iterator[Event]:
    """Return a streamed answer; each chunk repeats the usage so far, the last one is the bill."""
    if _function(asked):
        yield Event(generate(asked, drawn))
        return
    so_far = {"promptTokenCount": usage(drawn)["promptTokenCount"]}
    for word in WORDS[:-1]:
        yield Event(_answer(asked, {"text": word}, {**so_far, "totalTokenCount": so_far["promptTokenCount"]}, None))
    yield Event(_answer(asked, {"text": WORDS[-1]}, usage(drawn), "STOP"))


def embed(asked: Asked, _drawn: Draw) -> dict[str, Any]:
    """Return embeddings, which state no usage in this API."""
    return {"embeddings": [{"values": [0.125, 0.25]} for _ in asked.body.get("requests") or [{}]]}


def usage(drawn: Draw) -> dict[str, Any]:
    """Return UsageMetadata: the prompt contains the cached part; tool results and thoughts stand beside."""
    counts = drawn.counts
    prompt = counts.input - drawn.tool_prompt
    stated: dict[str, Any] = {
        "promptTokenCount": prompt,
        "candidatesTokenCount": counts.output - counts.reasoning,
        "totalTokenCount": counts.input + counts.output,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": prompt}],
        "trafficType": "ON_DEMAND",
    }
    optional = {
        "cachedContentTokenCount": counts.cache_read,
        "thoughtsTokenCount": counts.reasoning,
        "toolUsePromptTokenCount": drawn.tool_prompt,
    }
    return stated | {name: value for name, value in optional.items() if value}


def _function(asked: Asked) -> str | None:
    turns = asked.body.get("contents") or []
    if any("functionResponse" in part for turn in turns for part in turn.get("parts") or ()):
        return None
    declared = [one for tool in asked.body.get("tools") or () for one in tool.get("functionDeclarations") or ()]
    return str(declared[0]["name"]) if declared else None


def _answer(asked: Asked, part: dict[str, Any], stated: dict[str, Any], reason: str | None) -> dict[str, Any]:
    candidate: dict[str, Any] = {"content": {"role": "model", "parts": [part]}, "index": 0}
    if reason:
        candidate["finishReason"] = reason
    body = {"candidates": [candidate], "modelVersion": asked.model, "responseId": asked.response_id}
    return body if asked.fault == "no-usage" else {**body, "usageMetadata": stated}
