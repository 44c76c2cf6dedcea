"""What each vendor of an OpenAI-compatible API makes of the usage object, and where its streams put it.

A case asks for a vendor by the trait ``as-NAME``; the members are those of the vendors' own answers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from conformance.provider.endpoint import Call, Request

Usage = dict[str, Any]
USD_PER_TOKEN = 1e-6  # of a made-up price list, for vendors that state what a call costs


def plain(call: Call) -> Usage:
    """Return the three totals that everyone states."""
    counts = call.drawn.counts
    return {
        "prompt_tokens": counts.input,
        "completion_tokens": counts.output,
        "total_tokens": counts.input + counts.output,
    }


def openai(call: Call) -> Usage:
    """Return OpenAI's own: parts of the prompt and the completion in details."""
    counts, units = call.drawn.counts, call.drawn.units
    prompt: Usage = {"cached_tokens": counts.cache_read, "audio_tokens": call.drawn.unit("audio_in")}
    if counts.cache_write:
        prompt["cache_write_tokens"] = counts.cache_write
        prompt |= split_of_writes(call)
    if "image_in" in units:
        prompt["image_tokens"] = units["image_in"]
    completion = {
        "reasoning_tokens": counts.reasoning,
        "audio_tokens": call.drawn.unit("audio_out"),
        "accepted_prediction_tokens": 0,
        "rejected_prediction_tokens": 0,
    }
    return {**plain(call), "prompt_tokens_details": prompt, "completion_tokens_details": completion}


def split_of_writes(call: Call) -> Usage:
    """Return the cache writes by lifetime, which are stated where trait ``ttl`` wants it."""
    counts = call.drawn.counts
    split = {"ttl_30m_tokens": counts.cache_write_5m, "ttl_12h_tokens": counts.cache_write_1h}
    return {"cache_write_tokens_details": split} if call.has("ttl") else {}


def _deepseek(call: Call) -> Usage:
    counts = call.drawn.counts
    return {
        **plain(call),
        "prompt_tokens_details": {"cached_tokens": counts.cache_read},
        "completion_tokens_details": {"reasoning_tokens": counts.reasoning},
        "prompt_cache_hit_tokens": counts.cache_read,
        "prompt_cache_miss_tokens": counts.input - counts.cache_read,
    }


def _xai(call: Call) -> Usage:
    """Reasoning stands beside the completion; only the total has both."""
    counts = call.drawn.counts
    return {
        **plain(call),
        "completion_tokens": counts.output - counts.reasoning,
        "prompt_tokens_details": {"text_tokens": counts.input, "audio_tokens": 0, "image_tokens": 0,
                                  "cached_tokens": counts.cache_read},
        "completion_tokens_details": {"reasoning_tokens": counts.reasoning, "audio_tokens": 0},
        "num_sources_used": call.drawn.unit("search_source"),
    }  # fmt: skip


def _groq(call: Call) -> Usage:
    counts = call.drawn.counts
    cached = {"prompt_tokens_details": {"cached_tokens": counts.cache_read}} if counts.cache_read else {}
    thought = {"completion_tokens_details": {"reasoning_tokens": counts.reasoning}} if counts.reasoning else {}
    times = {"queue_time": 0.01, "prompt_time": 0.01, "completion_time": 0.1, "total_time": 0.11}
    return {**times, **plain(call), **cached, **thought}


def _mistral(call: Call) -> Usage:
    counts = call.drawn.counts
    cached = {"prompt_tokens_details": {"cached_tokens": counts.cache_read}} if counts.cache_read else {}
    return {**plain(call), **cached}


def _perplexity(call: Call) -> Usage:
    """Reasoning and citations are billed beside the completion; the total leaves them out."""
    counts = call.drawn.counts
    written = counts.output - counts.reasoning
    thought = {"reasoning_tokens": counts.reasoning} if counts.reasoning else {}
    searched = {"citation_tokens": call.drawn.unit("citation"), "num_search_queries": call.drawn.unit("web_search")}
    return {
        "prompt_tokens": counts.input,
        "completion_tokens": written,
        "total_tokens": counts.input + written,
        "search_context_size": "low",
        **thought,
        **(searched if call.drawn.unit("web_search") else {}),
        "cost": {"request_cost": 0.005, "total_cost": round((counts.input + counts.output) * USD_PER_TOKEN, 6)},
    }


def _together(call: Call) -> Usage:
    return {**plain(call), "cached_tokens": call.drawn.counts.cache_read}


def _fireworks(call: Call) -> Usage:
    return {**plain(call), "prompt_tokens_details": {"cached_tokens": call.drawn.counts.cache_read}}


def _openrouter(call: Call) -> Usage:
    counts = call.drawn.counts
    cost = round((counts.input + counts.output) * USD_PER_TOKEN, 6)
    searched = {"server_tool_use_details": {"web_search_requests": call.drawn.unit("web_search")}}
    return {
        **plain(call),
        "cost": cost,
        "is_byok": False,
        "prompt_tokens_details": {"cached_tokens": counts.cache_read, "cache_write_tokens": counts.cache_write,
                                  "audio_tokens": 0, "video_tokens": 0},
        "cost_details": {"upstream_inference_cost": cost},
        "completion_tokens_details": {"reasoning_tokens": counts.reasoning, "image_tokens": 0},
        **(searched if call.drawn.unit("web_search") else {}),
    }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Vendor:
    """A vendor: its usage object, where a stream has it, and of what it tells (the rest stands on no bill).

    ``placed``: ``"asked"`` in a chunk of its own when the caller asked for it (OpenAI), ``"last"`` in the chunk with
    the finish reason whether asked or not, ``"each"`` in every chunk, ``"x_groq"`` under that member of the last.
    """

    usage: Callable[[Call], Usage]
    placed: str = "asked"
    writes_caches: bool = False
    reads_caches: bool = True
    tells_reasoning: bool = True
    units: frozenset[str] = frozenset()


OPENAI = Vendor(openai, writes_caches=True, units=frozenset({"audio_in", "audio_out", "image_in"}))
VENDORS: Mapping[str, Vendor] = {
    "": OPENAI,
    "deepseek": Vendor(_deepseek),
    "xai": Vendor(_xai, units=frozenset({"search_source"})),
    "groq": Vendor(_groq, "x_groq"),
    "mistral": Vendor(_mistral, "last", tells_reasoning=False),
    "perplexity": Vendor(_perplexity, "each", reads_caches=False, units=frozenset({"web_search", "citation"})),
    "together": Vendor(_together, "last", tells_reasoning=False),
    "fireworks": Vendor(_fireworks, "last", tells_reasoning=False),
    "openrouter": Vendor(_openrouter, "last", writes_caches=True, units=frozenset({"web_search"})),
    "vllm": Vendor(plain, reads_caches=False, tells_reasoning=False),
    "cohere": Vendor(plain, reads_caches=False, tells_reasoning=False),
}


def vendor_of(call: Call) -> Vendor:
    """Return the vendor that answers."""
    return VENDORS[call.request.vendor]


def vendor_terms(request: Request) -> Mapping[str, Any]:
    """Return what the vendor asked for states and bills."""
    vendor = VENDORS[request.vendor]
    return {
        "optional": tuple(vendor.units),
        "writes_caches": vendor.writes_caches,
        "reads_caches": vendor.reads_caches,
        "tells_reasoning": vendor.tells_reasoning,
    }
