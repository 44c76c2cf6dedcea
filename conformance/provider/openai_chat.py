"""OpenAI's older wire formats, and those who speak them: chat completions, completions, embeddings, moderations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from conformance.provider.endpoint import Api, Call
from conformance.provider.vendors import plain, vendor_of, vendor_terms
from tollspan_rater.demo.provider import openai_api
from tollspan_rater.demo.provider.answer import CREATED, WORDS, Event

_FILTERED: Mapping[str, Any] = {"prompt_index": 0, "content_filter_results": {}}
_CATEGORIES = (
    "harassment", "harassment/threatening", "hate", "hate/threatening", "illicit", "illicit/violent", "self-harm",
    "self-harm/instructions", "self-harm/intent", "sexual", "sexual/minors", "violence", "violence/graphic",
)  # fmt: skip


def chat(call: Call) -> dict[str, Any]:
    """Return a whole chat completion of OpenAI, Azure or a vendor."""
    body = openai_api.chat(call.asked)
    body["service_tier"] = call.request.tier or "default"
    if body.get("usage"):
        body["usage"] = vendor_of(call).usage(call)
    if call.has("web-search"):
        cited = {"type": "url_citation", "url_citation": {"start_index": 0, "end_index": 5, "title": "", "url": "x:"}}
        body["choices"][0]["message"]["annotations"] = [cited]
    return body if "deployment" not in call.request.named else {**body, "prompt_filter_results": [_FILTERED]}


def chat_events(call: Call) -> Iterator[Event]:
    """Return a streamed chat completion, with usage where the vendor has it."""
    if call.request.named.get("deployment"):
        blank = {"id": "", "object": "", "created": 0, "model": "", "choices": []}
        yield Event({**blank, "prompt_filter_results": [_FILTERED]})
    written = 0
    for event in openai_api.chat_events(call.asked):
        if isinstance(event.data, str):
            yield event
            continue
        written += 1
        chunk = _placed(dict(event.data), call, written)
        if chunk is not None:
            yield Event({**chunk, "service_tier": call.request.tier or "default"})


def _placed(chunk: dict[str, Any], call: Call, written: int) -> dict[str, Any] | None:
    """Return a chunk with the usage that the vendor puts there, ``None`` for one that the vendor does not send."""
    vendor, choices = vendor_of(call), chunk["choices"]
    stated = {} if call.asked.fault == "no-usage" else vendor.usage(call)
    if not choices:
        return {**chunk, "usage": stated} if vendor.placed in {"asked", "x_groq"} else None
    last = choices[0]["finish_reason"] is not None
    if vendor.placed == "each" and stated and not last:
        so_far = {"completion_tokens": written, "total_tokens": stated["prompt_tokens"] + written}
        return {**chunk, "usage": {**stated, **so_far}}
    if vendor.placed in {"last", "each"} and stated and last:
        return {**chunk, "usage": stated}
    if vendor.placed == "x_groq" and stated and last:
        return {**chunk, "x_groq": {"id": f"req_{call.response_id}", "usage": stated}}
    return chunk


def completions(call: Call) -> dict[str, Any]:
    """Return a whole completion of the older endpoint."""
    return {**_completion(call, "".join(WORDS), "stop"), "usage": vendor_of(call).usage(call)}


def completions_events(call: Call) -> Iterator[Event]:
    """Return a streamed completion; usage as in chat completions."""
    for word in WORDS:
        yield Event(_completion(call, word, None))
    yield Event(_completion(call, "", "stop"))
    if (call.request.body.get("stream_options") or {}).get("include_usage"):
        yield Event({**_completion(call, "", None), "choices": [], "usage": vendor_of(call).usage(call)})
    yield Event("[DONE]")


def _completion(call: Call, text: str, reason: str | None) -> dict[str, Any]:
    return {
        "id": call.response_id,
        "object": "text_completion",
        "created": CREATED,
        "model": call.request.model,
        "choices": [{"index": 0, "text": text, "logprobs": None, "finish_reason": reason}],
    }


def embeddings(call: Call) -> dict[str, Any]:
    """Return embeddings; Mistral's have an id and count a completion of nothing."""
    body = openai_api.embeddings(call.asked)
    if call.request.vendor == "mistral":
        body |= {"id": call.response_id, "usage": plain(call)}
    return body


def moderations(call: Call) -> dict[str, Any]:
    """Return a moderation, which is free."""
    result = {
        "flagged": False,
        "categories": dict.fromkeys(_CATEGORIES, False),
        "category_scores": dict.fromkeys(_CATEGORIES, 0.001),
        "category_applied_input_types": {name: ["text"] for name in _CATEGORIES},
    }
    return {"id": call.response_id, "model": call.request.model, "results": [result]}


def models(_call: Call) -> dict[str, Any]:
    """Return the list of models, which is free."""
    one = {"id": "gpt-4.1", "object": "model", "created": CREATED, "owned_by": "openai"}
    return {"object": "list", "data": [one], "has_more": False, "first_id": None, "last_id": None}


_AZURE = r"(?:/deployments/(?P<model>(?P<deployment>[^/]+)))?"

CHAT = Api(
    "openai.chat", _AZURE + "/chat/completions", "chatcmpl-", chat, chat_events, tier="default", terms=vendor_terms
)
COMPLETIONS = Api("openai.completions", _AZURE + "(?<!chat)(?<!fim)/completions", "cmpl-", completions,
                  completions_events, writes_caches=False)  # fmt: skip
EMBEDDINGS = Api("openai.embeddings", _AZURE + "/embeddings", "emb-", embeddings,
                 writes_caches=False, reads_caches=False, writes_text=False)  # fmt: skip

APIS = (
    CHAT,
    COMPLETIONS,
    EMBEDDINGS,
    Api("openai.moderations", "/moderations", "modr-", moderations, free=True),
    Api("openai.models", "/models", "", models, method="GET", free=True),
)
