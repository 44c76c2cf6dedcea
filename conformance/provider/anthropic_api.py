"""Anthropic's wire formats: messages with all that they bill, counts, and batches with their result files."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from conformance.provider.endpoint import Api, Call, Desk, Errand, Payload, Request
from tollspan_rater.demo.provider import anthropic_api
from tollspan_rater.demo.provider.answer import WORDS, Event

BEGAN, ENDED, EXPIRES = "2026-11-01T10:00:00Z", "2026-11-01T10:05:00Z", "2026-11-02T10:00:00Z"
TIER = "batch"
# What becomes of a batch's second and third line where the trait is there.
FATES: Mapping[str, Mapping[str, Any]] = {
    "one-errored": {
        "type": "errored",
        "error": {"type": "error", "error": {"type": "invalid_request_error", "message": "asked for"}},
    },
    "one-expired": {"type": "expired"},
}


def messages(call: Call) -> dict[str, Any]:
    """Return a whole message."""
    body = anthropic_api.messages(call.asked)
    if "usage" in body:
        body["usage"] = usage(call)
    return body


def messages_events(call: Call) -> Iterator[Event]:
    """Return a streamed message: input at its start, the output and what servers did at its end."""
    stated = usage(call)
    for event in anthropic_api.messages_events(call.asked):
        data: dict[str, Any] = dict(event.data)  # type: ignore[arg-type]
        if data["type"] == "message_start":
            at_start = {"inference_geo", "service_tier", "speed"} & stated.keys()
            first = {**data["message"]["usage"], **{key: stated[key] for key in at_start}}
            data["message"] = {**data["message"], "usage": first}
        elif data["type"] == "message_delta":
            at_end = {"server_tool_use", "iterations"} & stated.keys()
            data["usage"] = {**data["usage"], **{key: stated[key] for key in at_end}}
        yield Event(data, event.name)


def usage(call: Call) -> dict[str, Any]:
    """Return the usage object; a compaction's tokens are in its iterations alone."""
    stated = anthropic_api.usage(call.drawn.counts)
    stated["service_tier"] = call.request.tier or "standard"
    if call.has("geo"):
        stated["inference_geo"] = "us"
    if call.has("fast"):
        stated["speed"] = "fast"
    searched, fetched = call.drawn.unit("web_search"), call.drawn.unit("web_fetch")
    if searched or fetched:
        stated["server_tool_use"] = {"web_search_requests": searched, "web_fetch_requests": fetched}
    if call.has("compaction"):
        stated["iterations"] = _iterations(call, stated)
    return stated


def _iterations(call: Call, stated: Mapping[str, Any]) -> list[dict[str, Any]]:
    parts = ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens", "cache_creation")
    own = {key: stated[key] for key in (*parts, "output_tokens")}
    compacted = {
        "input_tokens": call.drawn.unit("compaction_in"),
        "cache_read_input_tokens": 0,
        "cache_creation_input_tokens": 0,
        "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0},
        "output_tokens": call.drawn.unit("compaction_out"),
    }
    return [{"type": "compaction", **compacted}, {"type": "message", **own}]


def count_tokens(call: Call) -> dict[str, Any]:
    """Return a count, which is free."""
    return {"input_tokens": call.drawn.counts.input}


def complete(call: Call) -> dict[str, Any]:
    """Return a text completion of the oldest endpoint, which states no usage."""
    return {
        "id": call.response_id,
        "type": "completion",
        "completion": "".join(WORDS),
        "stop_reason": "stop_sequence",
        "stop": "\n\nHuman:",
        "model": call.request.model,
    }


def create(request: Request, desk: Desk) -> dict[str, Any]:
    """Begin a batch: what succeeds is a call on the bill."""
    fates = iter([dict(FATES[trait]) for trait in FATES if trait in request.traits])
    results = []
    for number, line in enumerate(request.body["requests"]):
        result = next(fates, None) if number else None
        if result is None:
            call = desk.call(MESSAGES, replace(request, body=line["params"]), tier=TIER)
            as_batch = replace(call.request, traits=call.request.traits | {f"tier-{TIER}"})
            result = {"type": "succeeded", "message": messages(replace(call, request=as_batch))}
        results.append({"custom_id": line["custom_id"], "result": result})
    kinds = ("processing", "succeeded", "errored", "canceled", "expired")
    batch = {
        "id": desk.new_id("msgbatch_"),
        "type": "message_batch",
        "processing_status": "in_progress",
        "request_counts": {**dict.fromkeys(kinds, 0), "processing": len(results)},
        "created_at": BEGAN,
        "expires_at": EXPIRES,
        "ended_at": None,
        "archived_at": None,
        "cancel_initiated_at": None,
        "results_url": None,
    }
    lines = b"".join(json.dumps(result).encode() + b"\n" for result in results)
    ended = {
        "processing_status": "ended",
        "ended_at": ENDED,
        "request_counts": {kind: sum(one["result"]["type"] == kind for one in results) for kind in kinds},
        "results_url": f"{request.url}/v1/messages/batches/{batch['id']}/results",
    }
    desk.shelf[str(batch["id"])], desk.shelf[f"results {batch['id']}"] = batch | ended, lines
    return batch


def retrieve(request: Request, desk: Desk) -> Any:
    """Return a batch, which has ended by then."""
    return desk.shelf.get(request.named["id"])


def results(request: Request, desk: Desk) -> Payload | None:
    """Return a batch's results, one a line."""
    lines = desk.shelf.get(f"results {request.named['id']}")
    return None if lines is None else Payload(lines, "application/x-jsonl")


_UNITS = ("web_search", "web_fetch", "compaction_in", "compaction_out")
_VERTEX = "/publishers/anthropic/models/(?P<model>[^/:]+):"
_BATCH = "/messages/batches/(?P<id>msgbatch_[0-9a-f]+)"
MESSAGES = Api("anthropic.messages", "/messages", "msg_", messages, messages_events, tier="standard", optional=_UNITS)

APIS = (
    MESSAGES,
    Api("anthropic.vertex", f"{_VERTEX}rawPredict", "msg_", messages, tier="standard", optional=_UNITS),
    Api("anthropic.vertex", f"{_VERTEX}streamRawPredict", "msg_", messages, messages_events, streams="always",
        tier="standard", optional=_UNITS),
    Api("anthropic.count_tokens", "/messages/count_tokens", "", count_tokens, free=True),
    Api("anthropic.complete", "/complete", "compl_", complete, writes_caches=False, reads_caches=False),
)  # fmt: skip
ERRANDS = (
    Errand("POST", "/messages/batches", create),
    Errand("GET", _BATCH, retrieve),
    Errand("GET", f"{_BATCH}/results", results),
)
