"""OpenAI's responses API: whole, streamed, in the background and fetched later, compacted, counted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from conformance.provider.endpoint import Api, Call, Desk, Errand, Request
from conformance.provider.vendors import split_of_writes
from tollspan_rater.demo.provider import openai_api
from tollspan_rater.demo.provider.answer import CREATED, Event


def responses(call: Call) -> dict[str, Any]:
    """Return a whole response; one that runs in the background has only begun."""
    body = openai_api.responses(call.asked)
    body |= {"background": call.request.body.get("background") is True, "service_tier": call.request.tier or "default"}
    if body.get("usage"):
        body["usage"] = usage(call)
    body["output"] = [*searches(call), *body["output"]]
    return body


def responses_events(call: Call) -> Iterator[Event]:
    """Return a streamed response; web searches are items before the text, in ``response.completed`` all together."""
    for event in openai_api.responses_events(call.asked):
        data: dict[str, Any] = dict(event.data)  # type: ignore[arg-type]
        if data["type"] == "response.output_item.added":
            for item in searches(call):
                done = "response.output_item.done"
                yield Event({"type": done, "sequence_number": 1, "output_index": 0, "item": item}, done)
        if data["type"] == "response.completed":
            data["response"] = responses(call)
        yield Event(data, event.name)


def usage(call: Call) -> dict[str, Any]:
    """Return the usage object; parts are in details."""
    counts = call.drawn.counts
    cached: dict[str, Any] = {"cached_tokens": counts.cache_read}
    if counts.cache_write:
        cached |= {"cache_write_tokens": counts.cache_write, **split_of_writes(call)}
    return {
        "input_tokens": counts.input,
        "input_tokens_details": cached,
        "output_tokens": counts.output,
        "output_tokens_details": {"reasoning_tokens": counts.reasoning},
        "total_tokens": counts.input + counts.output,
    }


def searches(call: Call) -> list[dict[str, Any]]:
    """Return one output item for each web search: the usage object does not count them."""
    action = {"type": "search", "query": "tokens", "queries": ["tokens"]}
    return [
        {"id": f"ws_{number}_{call.response_id}", "type": "web_search_call", "status": "completed", "action": action}
        for number in range(call.drawn.unit("web_search"))
    ]


def compact(call: Call) -> dict[str, Any]:
    """Return a compaction: what was said, and one item that stands for it."""
    return {
        "id": call.response_id,
        "object": "response.compaction",
        "created_at": CREATED,
        "output": [{"id": "cmp_1", "type": "compaction", "encrypted_content": "made up"}],
        "usage": usage(call),
    }


def begin(request: Request, desk: Desk) -> dict[str, Any]:
    """Begin a response in the background: it is charged for, and says nothing of its usage yet."""
    call = desk.call(RESPONSES, request)
    return {**responses(call), "status": "queued", "output": [], "usage": None}


def fetch(request: Request, desk: Desk) -> dict[str, Any] | None:
    """Return a response that was made or begun; trait ``pending-once``: the first time it is not done."""
    call: Call | None = desk.shelf.get(request.named["id"])
    if call is None:
        return None
    seen = desk.shelf.setdefault(f"seen {call.response_id}", [])
    seen.append(request)
    if call.has("pending-once") and len(seen) == 1:
        return {**responses(call), "status": "in_progress", "output": [], "usage": None}
    return responses(call)


def cancel(request: Request, desk: Desk) -> dict[str, Any] | None:
    """Return a response that was begun and is not wanted any more."""
    call: Call | None = desk.shelf.get(request.named["id"])
    return None if call is None else {**responses(call), "status": "cancelled", "output": [], "usage": None}


def input_tokens(call: Call) -> dict[str, Any]:
    """Return a count, which is free."""
    return {"object": "response.input_tokens", "input_tokens": call.drawn.counts.input}


RESPONSES = Api("openai.responses", "/responses", "resp_", responses, responses_events,
                tier="default", optional=("web_search",))  # fmt: skip
_ONE = "/responses/(?P<id>resp_[0-9a-f]+)"

APIS = (
    RESPONSES,
    Api("openai.compact", "/responses/compact", "resp_", compact),
    Api("openai.input_tokens", "/responses/input_tokens", "", input_tokens, free=True),
)
ERRANDS = (
    Errand("POST", "/responses", begin, flag="background"),
    Errand("GET", _ONE, fetch),
    Errand("POST", f"{_ONE}/cancel", cancel),
)
