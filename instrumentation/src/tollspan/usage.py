"""Token counts in normal form from a provider's usage object: input and output inclusive, ``None`` unknown.

Where each API puts its numbers is a table of paths, and so is what it counts beside its totals: Anthropic its cache
reads and writes, Gemini its thoughts. Where a provider's own total proves another way of counting, that holds.
The rater reads the same object by its own tables and keeps what has no column here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from tollspan.semconv import UsageApi


class TokenCounts(NamedTuple):
    """Inclusive token counts; ``input`` contains both caches, ``output`` contains reasoning."""

    input: int | None = None
    cache_read: int | None = None
    cache_write: int | None = None
    output: int | None = None
    reasoning: int | None = None


UNKNOWN: Final = TokenCounts()

Path = tuple[str, ...]
Counts = dict[str, int]
_WHOLE: Final = {"cache_read": "input", "cache_write": "input", "tool_use": "input", "reasoning": "output"}


@dataclass(frozen=True, slots=True)
class Places:
    """Where a usage object has its counts, best place first, and what its totals leave out.

    ``counts``: ``input``, ``output``, their parts in ``_WHOLE`` and the provider's own ``total``. ``beside``: parts to
    add; ``proofs``: other such sets, of which the first that the total fits is taken. ``rest_is_output``: what the
    total holds beyond the counts was generated. ``units``: what else an answer may be billed by. ``iterations``: runs
    of these types inside a call are left out of its counts. ``narrower``: members that only another API writes.
    """

    counts: Mapping[str, tuple[Path, ...]]
    beside: tuple[str, ...] = ()
    proofs: tuple[tuple[str, ...], ...] = ()
    rest_is_output: bool = False
    units: tuple[Path, ...] = ()
    iterations: frozenset[str] = frozenset()
    narrower: Mapping[str, UsageApi] = field(default_factory=dict)


def _places(paths: Mapping[str, str], units: str = "", **more: Any) -> Places:
    """Make a row from paths as texts: members joined by dots, places by spaces."""
    counts = {name: tuple(tuple(path.split(".")) for path in places.split()) for name, places in paths.items()}
    return Places(counts, units=tuple(tuple(path.split(".")) for path in units.split()), **more)


_HEADER: Final = "x-amzn-bedrock-"
_PLACES: Final[Mapping[UsageApi, Places]] = {
    "openai.chat": _places(
        {
            "input": "prompt_tokens",
            "output": "completion_tokens",
            "tool_use": "connector_tokens",
            "cache_read": "prompt_tokens_details.cached_tokens prompt_cache_hit_tokens num_cached_tokens cached_tokens",
            "cache_write": "prompt_tokens_details.cache_write_tokens prompt_tokens_details.cache_creation_input_tokens",
            "reasoning": "completion_tokens_details.reasoning_tokens reasoning_tokens",
            "total": "total_tokens",
        },
        proofs=(("reasoning",), ("cache_read", "cache_write"), ("cache_read", "reasoning"), ("tool_use",)),
        rest_is_output=True,
        narrower={"num_search_queries": "perplexity.chat", "search_context_size": "perplexity.chat"},
    ),
    "perplexity.chat": _places(
        {"input": "prompt_tokens", "output": "completion_tokens", "reasoning": "reasoning_tokens"},
        beside=("reasoning",),
    ),
    "openai.responses": _places(
        {
            "input": "input_tokens",
            "output": "output_tokens",
            "cache_read": "input_tokens_details.cached_tokens input_token_details.cached_tokens",
            "cache_write": "input_tokens_details.cache_write_tokens",
            "reasoning": "output_tokens_details.reasoning_tokens",
            "total": "total_tokens",
        },
        units="seconds tollspan.image",
        proofs=(("reasoning",),),
        narrower={"prompt_tokens": "openai.chat"},
    ),
    "openai.embeddings": _places({"input": "prompt_tokens", "output": "completion_tokens"}),
    "anthropic.messages": _places(
        {
            "input": "input_tokens",
            "output": "output_tokens",
            "cache_read": "cache_read_input_tokens",
            "cache_write": "cache_creation_input_tokens",
            "reasoning": "output_tokens_details.thinking_tokens",
        },
        beside=("cache_read", "cache_write"),
        iterations=frozenset({"compaction"}),
    ),
    "gemini.generate_content": _places(
        {
            "input": "promptTokenCount",
            "output": "candidatesTokenCount responseTokenCount",
            "tool_use": "toolUsePromptTokenCount",
            "cache_read": "cachedContentTokenCount",
            "reasoning": "thoughtsTokenCount",
            "total": "totalTokenCount",
        },
        beside=("tool_use", "reasoning"),
        proofs=(("tool_use",), ("reasoning",), ()),
    ),
    "gemini.interactions": _places(
        {
            "input": "total_input_tokens",
            "output": "total_output_tokens",
            "tool_use": "total_tool_use_tokens",
            "cache_read": "total_cached_tokens",
            "reasoning": "total_thought_tokens",
            "total": "total_tokens",
        },
        beside=("tool_use", "reasoning"),
        proofs=(("tool_use",), ("reasoning",), ()),
    ),
    "vertex.predict": _places({"input": "token_count"}, units="tollspan.image"),
    "bedrock.converse": _places(
        {
            "input": "inputTokens",
            "output": "outputTokens",
            "cache_read": "cacheReadInputTokens cacheReadInputTokenCount",
            "cache_write": "cacheWriteInputTokens cacheWriteInputTokenCount",
            "total": "totalTokens",
        },
        beside=("cache_read", "cache_write"),
        proofs=(("cache_read",), ("cache_write",), ()),
    ),
    "bedrock.invoke_model": _places(
        {
            "input": f"input_tokens inputTextTokenCount prompt_token_count inputTokenCount {_HEADER}input-token-count",
            "output": f"output_tokens generation_token_count outputTokenCount {_HEADER}output-token-count",
            "cache_read": f"cacheReadInputTokenCount cache_read_input_tokens {_HEADER}cache-read-input-token-count",
            "cache_write": "cacheWriteInputTokenCount cache_creation_input_tokens"
            f" {_HEADER}cache-write-input-token-count",
            "reasoning": "output_tokens_details.thinking_tokens",
        },
        beside=("cache_read", "cache_write"),
        narrower={
            f"{_HEADER}input-token-count": "bedrock.invoke_model",
            "inputTokens": "bedrock.converse",
            "prompt_tokens": "openai.chat",
        },
    ),
    "cohere": _places(
        {
            "input": "billed_units.input_tokens tokens.input_tokens",
            "output": "billed_units.output_tokens tokens.output_tokens",
        },
        units="billed_units.search_units billed_units.images billed_units.classifications",
        narrower={"prompt_tokens": "openai.chat", "total_tokens": "voyage.embeddings"},
    ),
    "ollama": _places({"input": "prompt_eval_count", "output": "eval_count"}),
    "watsonx.generation": _places({"input": "input_token_count", "output": "generated_token_count"}),
    "aleph_alpha.complete": _places({"input": "num_tokens_prompt_total", "output": "num_tokens_generated"}),
    "voyage.embeddings": _places({"input": "total_tokens"}),
    "mistral.ocr": _places({}, units="pages_processed"),
}


def api_of(api: UsageApi, raw: Mapping[str, Any]) -> UsageApi:
    """Return whose usage object it is: the API of the route, or a narrower one that its members tell.

    A gateway that writes OpenAI's members of both APIs leaves those of the other one at zero.
    """
    if "input_tokens" in raw:
        return api
    for member, other in _PLACES[api].narrower.items():
        if member in raw:
            return other
    return api


def normalise(api: UsageApi, raw: Mapping[str, Any]) -> TokenCounts:
    """Read a usage object of an API; what is missing or is no count stays ``None``."""
    places = _PLACES[api]
    counts = _counts(places, raw)
    _include(counts, places)
    if places.iterations and isinstance(raw.get("iterations"), list):
        _iterate(counts, places, raw["iterations"])
    return TokenCounts(*map(counts.get, ("input", "cache_read", "cache_write", "output", "reasoning")))


def has_units(api: UsageApi, raw: Mapping[str, Any]) -> bool:
    """Tell whether a usage object states what is billed, though not in tokens: seconds, pages, searches."""
    units = _PLACES[api].units
    return bool(units) and any(_value(raw, path) is not None for path in units)


def _counts(places: Places, raw: Mapping[str, Any]) -> Counts:
    found: Counts = {}
    for name, paths in places.counts.items():
        for path in paths:
            value = _value(raw, path) if path[0] in raw else None
            if value is not None and (count := _count(value)) is not None:
                found[name] = count
                break
    return found


def _include(counts: Counts, places: Places) -> None:
    """Add to input and output what the API counts beside them; the provider's own total decides where it can."""
    total = counts.pop("total", None)
    if "output" not in counts and any(part in counts and _WHOLE[part] == "output" for part in places.beside):
        counts["output"] = 0
    parts = places.beside
    if total is not None and "input" in counts and "output" in counts:
        expected = _sum(counts, parts)
        if expected != total:
            parts = next((proved for proved in places.proofs if _sum(counts, proved) == total), parts)
        if places.rest_is_output and not counts.get("reasoning") and _sum(counts, parts) < total:
            counts["output"] = total - counts["input"]
            return
    for part in parts:
        whole = _WHOLE[part]
        if part in counts and whole in counts:
            counts[whole] += counts[part]


def _sum(counts: Counts, parts: tuple[str, ...]) -> int:
    found = counts["input"] + counts["output"]
    for part in parts:
        found += counts.get(part, 0)
    return found


def _iterate(counts: Counts, places: Places, runs: list[Any]) -> None:
    for run in runs:
        if isinstance(run, dict) and run.get("type") in places.iterations:
            more = _counts(places, run)
            _include(more, places)
            for name, count in more.items():
                counts[name] = counts.get(name, 0) + count


def _value(raw: Mapping[str, Any], path: Path) -> Any:
    found: Any = raw
    for key in path:
        found = found.get(key) if isinstance(found, dict) else None
    return found


def _count(value: Any) -> int | None:
    """Return a token count; headers have them as digits, some JSON libraries as whole doubles."""
    if type(value) is int:
        return value if value >= 0 else None
    if isinstance(value, float):
        return int(value) if value >= 0 and value.is_integer() else None
    return int(value) if isinstance(value, str) and value.isdecimal() else None
