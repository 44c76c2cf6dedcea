"""OpenAI's files and batches: lines go up in a file, are worked on, and come back in another."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from conformance.provider import openai_chat, openai_responses
from conformance.provider.endpoint import Api, Call, Desk, Errand, Payload, Request
from tollspan_rater.demo.provider.answer import CREATED

FAILING = "one-errored"  # the trait by which the second line of a batch fails
TIER = "batch"

_BY_URL: Mapping[str, Api] = {
    "/v1/chat/completions": openai_chat.CHAT,
    "/v1/embeddings": openai_chat.EMBEDDINGS,
    "/v1/completions": openai_chat.COMPLETIONS,
    "/v1/responses": openai_responses.RESPONSES,
}


def upload(request: Request, desk: Desk) -> dict[str, Any]:
    """Keep a file."""
    return _keep(desk, bytes(request.body["file"]), str(request.body.get("purpose")))


def _keep(desk: Desk, data: bytes, purpose: str) -> dict[str, Any]:
    about = {
        "id": desk.new_id("file-"),
        "object": "file",
        "bytes": len(data),
        "created_at": CREATED,
        "filename": "lines.jsonl",
        "purpose": purpose,
        "status": "processed",
    }
    desk.shelf[f"about {about['id']}"], desk.shelf[str(about["id"])] = about, data
    return about


def describe(request: Request, desk: Desk) -> Any:
    """Return what a file is."""
    return desk.shelf.get(f"about {request.named['id']}")


def download(request: Request, desk: Desk) -> Payload | None:
    """Return what a file holds."""
    data = desk.shelf.get(request.named["id"])
    return None if data is None else Payload(data, "application/octet-stream")


def create(request: Request, desk: Desk) -> dict[str, Any]:
    """Begin a batch: its lines are worked on at once, each a call on the bill, but only later is it said to be done."""
    lines = [json.loads(line) for line in bytes(desk.shelf[request.body["input_file_id"]]).splitlines()]
    done, failed, calls = [], [], []
    for number, line in enumerate(lines):
        if FAILING in request.traits and number == 1:
            failed.append(_refused(line, desk))
            continue
        api = _BY_URL[line["url"]]
        call = desk.call(api, replace(request, body=line["body"]), tier=TIER)
        calls.append(call)
        done.append(_line(line, desk, 200, api.whole(call)))
    batch = {
        "id": desk.new_id("batch_"),
        "object": "batch",
        "endpoint": request.body["endpoint"],
        "input_file_id": request.body["input_file_id"],
        "completion_window": "24h",
        "created_at": CREATED,
        "status": "validating",
        "request_counts": {"total": len(lines), "completed": 0, "failed": 0},
    }
    desk.shelf[str(batch["id"])] = batch | {
        "status": "completed",
        "completed_at": CREATED + 60,
        "model": calls[0].request.model if calls else None,
        "output_file_id": _keep(desk, _jsonl(done), "batch_output")["id"],
        "error_file_id": _keep(desk, _jsonl(failed), "batch_output")["id"] if failed else None,
        "request_counts": {"total": len(lines), "completed": len(done), "failed": len(failed)},
        "usage": _total(calls),
    }
    return batch


def retrieve(request: Request, desk: Desk) -> Any:
    """Return a batch, which is done by then; trait ``pending-once``: the first time some of its lines are."""
    batch = desk.shelf.get(request.named["id"])
    if batch is None or "pending-once" not in request.traits or f"seen {batch['id']}" in desk.shelf:
        return batch
    desk.shelf[f"seen {batch['id']}"] = True
    so_far = {**batch["usage"], "output_tokens": 1, "total_tokens": batch["usage"]["input_tokens"] + 1}
    return {**batch, "status": "in_progress", "completed_at": None, "output_file_id": None, "usage": so_far}


def _line(line: Mapping[str, Any], desk: Desk, status: int, body: Any) -> dict[str, Any]:
    answer = {"status_code": status, "request_id": desk.new_id("req_"), "body": body}
    return {"id": desk.new_id("batch_req_"), "custom_id": line["custom_id"], "response": answer, "error": None}


def _refused(line: Mapping[str, Any], desk: Desk) -> dict[str, Any]:
    error = {"message": "asked for", "type": "invalid_request_error", "param": None, "code": None}
    return _line(line, desk, 400, {"error": error})


def _jsonl(lines: Iterable[Mapping[str, Any]]) -> bytes:
    return b"".join(json.dumps(line).encode() + b"\n" for line in lines)


def _total(calls: Iterable[Call]) -> dict[str, Any]:
    counts = [call.drawn.counts for call in calls]
    given, written = sum(one.input for one in counts), sum(one.output for one in counts)
    return {
        "input_tokens": given,
        "input_tokens_details": {"cached_tokens": sum(one.cache_read for one in counts)},
        "output_tokens": written,
        "output_tokens_details": {"reasoning_tokens": sum(one.reasoning for one in counts)},
        "total_tokens": given + written,
    }


_FILE, _BATCH = "/files/(?P<id>file-[0-9a-f]+)", "/batches/(?P<id>batch_[0-9a-f]+)"

ERRANDS = (
    Errand("POST", "/files", upload),
    Errand("GET", _FILE, describe),
    Errand("GET", f"{_FILE}/content", download),
    Errand("POST", "(?<!messages)/batches", create),
    Errand("GET", _BATCH, retrieve),
)
