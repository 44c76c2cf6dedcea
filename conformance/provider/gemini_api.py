"""Google's wire formats: generateContent, embeddings, counts, interactions and batches (ai.google.dev, Vertex AI)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from conformance.provider.endpoint import Api, Call, Desk, Errand, Payload, Request
from tollspan_rater.demo.provider.answer import WORDS, Event

MADE = "2026-11-01T10:00:00Z"
_BATCH = "type.googleapis.com/google.ai.generativelanguage.v1main.GenerateContentBatch"


def generate(call: Call) -> dict[str, Any]:
    """Return a whole answer; the first declared function is called unless its result is already there."""
    function = _function(call.request.body)
    part: dict[str, Any] = {"text": "".join(WORDS)}
    if function:
        part = {"functionCall": {"name": function, "args": {"place": "Oslo"}}}
    return _answer(call, part, usage(call), "STOP")


def generate_events(call: Call) -> Iterator[Event]:
    """Return a streamed answer; each chunk repeats the usage so far, the last one is the bill."""
    if _function(call.request.body):
        yield Event(generate(call))
        return
    so_far = {"promptTokenCount": usage(call)["promptTokenCount"]}
    for word in WORDS[:-1]:
        yield Event(_answer(call, {"text": word}, {**so_far, "totalTokenCount": so_far["promptTokenCount"]}, None))
    yield Event(_answer(call, {"text": WORDS[-1]}, usage(call), "STOP"))


def generate_list(call: Call) -> list[Any]:
    """Return a streamed answer as the API streams without ``alt=sse``: one JSON array of the same documents."""
    return [event.data for event in generate_events(call)]


def _stream_terms(request: Request) -> Mapping[str, Any]:
    return {} if request.query.get("alt") == "sse" else {"events": None, "whole": generate_list}


def usage(call: Call) -> dict[str, Any]:
    """Return UsageMetadata: the prompt contains the cached part; tool results and thoughts stand beside."""
    counts, tool_prompt = call.drawn.counts, call.drawn.tool_prompt
    prompt = counts.input - tool_prompt
    stated: dict[str, Any] = {
        "promptTokenCount": prompt,
        "candidatesTokenCount": counts.output - counts.reasoning,
        "totalTokenCount": counts.input + counts.output,
        "promptTokensDetails": _by_modality(call, prompt),
        "trafficType": "ON_DEMAND",
    }
    optional = {
        "cachedContentTokenCount": counts.cache_read,
        "thoughtsTokenCount": counts.reasoning,
        "toolUsePromptTokenCount": tool_prompt,
        "serviceTier": call.request.tier,
    }
    return stated | {name: value for name, value in optional.items() if value}


def _by_modality(call: Call, tokens: int) -> list[dict[str, Any]]:
    parts = {"AUDIO": call.drawn.unit("audio_in"), "IMAGE": call.drawn.unit("image_in")}
    parts = {"TEXT": tokens - sum(parts.values()), **parts}
    return [{"modality": modality, "tokenCount": count} for modality, count in parts.items() if count]


def embed(call: Call) -> dict[str, Any]:
    """Return an embedding with its usage."""
    tokens = call.drawn.counts.input
    stated = {
        "promptTokenCount": tokens,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": tokens}],
        "totalTokenCount": tokens,
    }
    return {"embedding": {"values": [0.125, 0.25]}, "usageMetadata": stated}


def batch_embed(call: Call) -> dict[str, Any]:
    """Return embeddings, which state no usage in this API."""
    return {"embeddings": [{"values": [0.125, 0.25]} for _ in call.request.body.get("requests") or [{}]]}


def predict(call: Call) -> dict[str, Any]:
    """Return embeddings of Vertex AI: each states its tokens."""
    texts = call.request.body.get("instances") or [{}]
    share, rest = divmod(call.drawn.counts.input, len(texts))
    counts = [share + (rest if number == 0 else 0) for number in range(len(texts))]
    made = [
        {"embeddings": {"values": [0.125, 0.25], "statistics": {"token_count": count, "truncated": False}}}
        for count in counts
    ]
    return {"predictions": made, "metadata": {"billableCharacterCount": 4 * sum(counts)}}


def count_tokens(call: Call) -> dict[str, Any]:
    """Return a count, which is free."""
    return {"totalTokens": call.drawn.counts.input}


def interaction(call: Call) -> dict[str, Any]:
    """Return a whole interaction; thoughts and tool results stand beside input and output."""
    return {
        "id": call.response_id,
        "object": "interaction",
        "status": "completed",
        "model": call.request.model,
        "created": MADE,
        "updated": MADE,
        "role": "model",
        "steps": [{"type": "model_output", "content": [{"type": "text", "text": "".join(WORDS)}]}],
        "service_tier": "standard",
        "usage": interaction_usage(call),
    }


def interaction_events(call: Call) -> Iterator[Event]:
    """Return a streamed interaction; usage is in the last event."""
    begun = {key: value for key, value in interaction(call).items() if key in {"id", "object", "model"}}
    yield _told("interaction.created", interaction={**begun, "status": "in_progress"})
    yield _told("step.start", index=0, step={"type": "model_output"})
    for word in WORDS:
        yield _told("step.delta", index=0, delta={"type": "text", "text": word})
    yield _told("step.stop", index=0)
    yield _told("interaction.completed", interaction=interaction(call))
    yield Event("[DONE]", "done")


def interaction_usage(call: Call) -> dict[str, Any]:
    """Return the usage of an interaction."""
    counts, tool_prompt = call.drawn.counts, call.drawn.tool_prompt
    return {
        "total_tokens": counts.input + counts.output,
        "total_input_tokens": counts.input - tool_prompt,
        "input_tokens_by_modality": [{"modality": "text", "tokens": counts.input - tool_prompt}],
        "total_cached_tokens": counts.cache_read,
        "total_output_tokens": counts.output - counts.reasoning,
        "total_tool_use_tokens": tool_prompt,
        "total_thought_tokens": counts.reasoning,
    }


def _told(kind: str, **about: Any) -> Event:
    return Event({"event_type": kind, **about}, kind)


def create_batch(request: Request, desk: Desk) -> dict[str, Any]:
    """Begin a batch of inline requests: each is a call on the bill.

    The answers come inside the batch when it is done, with trait ``in-file`` in a file of their own.
    """
    lines = request.body["batch"]["inputConfig"]["requests"]["requests"]
    calls = [desk.call(GENERATE, replace(request, body=line["request"]), tier="batch") for line in lines]
    name = f"batches/{desk.new_id('b')}"
    about = {"@type": _BATCH, "model": f"models/{request.model}", "name": name, "createTime": MADE}
    about_them = [{"metadata": line["metadata"]} if "metadata" in line else {} for line in lines]
    answers = [{"response": generate(call), **more} for call, more in zip(calls, about_them, strict=True)]
    output: dict[str, Any] = {"inlinedResponses": {"inlinedResponses": answers}}
    if "in-file" in request.traits:
        file = f"files/{desk.new_id('batch-')}"
        rows = [{"key": f"c{number}", **answer} for number, answer in enumerate(answers)]
        desk.shelf[file] = b"".join(json.dumps(row).encode() + b"\n" for row in rows)
        output = {"responsesFile": file}
    done = {"state": "BATCH_STATE_SUCCEEDED", "endTime": MADE, "output": output}
    desk.shelf[name] = {"name": name, "done": True, "metadata": {**about, **done}}
    return {"name": name, "metadata": {**about, "state": "BATCH_STATE_PENDING"}}


def fetch_batch(request: Request, desk: Desk) -> Any:
    """Return a batch with its answers."""
    return desk.shelf.get(request.named["name"])


def download(request: Request, desk: Desk) -> Payload | None:
    """Return what a file of results holds."""
    lines = desk.shelf.get(request.named["name"])
    return None if lines is None else Payload(lines, "application/octet-stream")


def _function(body: Mapping[str, Any]) -> str | None:
    turns = body.get("contents") or []
    if any("functionResponse" in part for turn in turns for part in turn.get("parts") or ()):
        return None
    declared = [one for tool in body.get("tools") or () for one in tool.get("functionDeclarations") or ()]
    return str(declared[0]["name"]) if declared else None


def _answer(call: Call, part: dict[str, Any], stated: dict[str, Any], reason: str | None) -> dict[str, Any]:
    candidate: dict[str, Any] = {"content": {"role": "model", "parts": [part]}, "index": 0}
    if reason:
        candidate["finishReason"] = reason
    return {
        "candidates": [candidate],
        "modelVersion": call.request.model,
        "responseId": call.response_id,
        "usageMetadata": stated,
    }


_MODEL = "/models/(?P<model>[^/:]+):"
_NO_CACHES: Mapping[str, Any] = {"writes_caches": False, "reads_caches": False}
_MODALITIES = ("audio_in", "image_in")
GENERATE = Api("gemini.generate", f"{_MODEL}generateContent", "gen-", generate,
               writes_caches=False, optional=_MODALITIES)  # fmt: skip

APIS = (
    GENERATE,
    Api("gemini.stream", f"{_MODEL}streamGenerateContent", "gen-", generate, generate_events, streams="always",
        writes_caches=False, optional=_MODALITIES, terms=_stream_terms),
    Api("gemini.embed", f"{_MODEL}embedContent", "emb-", embed, writes_text=False, **_NO_CACHES),
    Api("gemini.batch_embed", f"{_MODEL}batchEmbedContents", "emb-", batch_embed, writes_text=False, **_NO_CACHES),
    Api("vertex.predict", f"{_MODEL}predict", "emb-", predict, writes_text=False, **_NO_CACHES),
    Api("gemini.count_tokens", f"{_MODEL}countTokens", "", count_tokens, free=True),
    Api("gemini.interactions", "/interactions", "v1_", interaction, interaction_events, writes_caches=False),
)  # fmt: skip
ERRANDS = (
    Errand("POST", f"{_MODEL}batchGenerateContent", create_batch),
    Errand("GET", "/(?P<name>batches/b[0-9a-f]+)", fetch_batch),
    Errand("GET", "/(?P<name>files/batch-[0-9a-f]+):download", download),
)
