"""Where the answers of each API say who they are, what was used, and that they are done: one table.

Paths are members joined by dots; ``*`` goes through a list. The first that holds something counts, of usage all do.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Final

from tollspan.json_path import Path, paths
from tollspan.semconv import UsageApi
from tollspan.tally import Tally

DONE: Final = "[DONE]"  # what OpenAI's streams send last, and those of many others


@dataclass(frozen=True, slots=True)
class Stated:
    """Where usage is stated: an object, or each of a list; with ``members`` only these of it count."""

    at: Path
    members: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, eq=False)
class Form:
    """How an API's documents are read: whole answers and the events of a stream alike.

    ``sums``: a usage member that is the sum of what stands at a path. ``headers``: response headers that state
    counts, for answers whose bodies do not. ``tallies``: what is billed but stands in no usage object. ``ends``:
    members and values by which a stream's last event is known. ``running``: usage is stated before the end and then
    grows; ``placeholders`` are members that mean nothing until then. ``largest``: of counts stated again the largest
    holds, not the last.
    """

    ids: tuple[Path, ...] = ()
    models: tuple[Path, ...] = ()
    tiers: tuple[Path, ...] = ()
    finish: tuple[Path, ...] = ()
    usage: tuple[Stated, ...] = ()
    sums: Mapping[str, Path] = field(default_factory=dict)
    headers: tuple[str, ...] = ()
    tallies: tuple[Tally, ...] = ()
    ends: tuple[tuple[str, str], ...] = ()
    running: bool = False
    placeholders: frozenset[str] = frozenset()
    largest: bool = False


@cache
def telling(form: Form) -> re.Pattern[bytes]:
    """Return an expression that fits every event that a reader must look into; few forms are ever streamed."""
    found = [r'"error"\s*:\s*\{', r'"type"\s*:\s*"error"']
    for one in form.usage:
        last = next((step for step in reversed(one.at) if step != "*"), "")
        found += [rf'"{member}"\s*:' for member in sorted(one.members)] or [rf'"{last}"\s*:\s*\{{']
    for member, value in form.ends:
        found.append(rf'"{member}"\s*:' + (rf'\s*(?:"{value}"|{value}\b)' if value else ""))
    found += [rf'"{path[-1]}"\s*:\s*"' for path in form.finish]
    return re.compile("|".join(dict.fromkeys(found)).encode())


def _stated(*texts: str, members: str = "") -> tuple[Stated, ...]:
    return tuple(Stated(path, frozenset(members.split())) for path in paths(*texts))


def _ends(member: str, *values: str) -> tuple[tuple[str, str], ...]:
    return tuple((member, value) for value in values)


_CHAT: Final = Form(
    ids=paths("id"),
    models=paths("model"),
    tiers=paths("service_tier"),
    finish=paths("choices.*.finish_reason"),
    usage=_stated("usage", "x_groq.usage"),
)
_OUTPUT: Final = paths("output.*", "response.output.*")
_AWS: Final = "x-amzn-bedrock-"
_COHERE: Final = "billed_units tokens cached_tokens"

FORMS: Final[Mapping[UsageApi, Form]] = {
    "openai.chat": _CHAT,
    "perplexity.chat": replace(_CHAT, running=True),
    "openai.responses": Form(
        ids=paths("id", "response.id"),
        models=paths("model", "response.model"),
        tiers=paths("service_tier", "response.service_tier"),
        finish=paths("status", "response.status"),
        usage=_stated("usage", "response.usage"),
        tallies=(
            Tally(
                "web_search",
                _OUTPUT,
                type="web_search_call",
                action="search",  # opening a page that was found costs nothing
                stated=paths("tool_usage.web_search.num_requests", "response.tool_usage.web_search.num_requests"),
            ),
            Tally("file_search", _OUTPUT, type="file_search_call"),
            Tally("code_interpreter", _OUTPUT, type="code_interpreter_call"),
            Tally("image", paths("data.*.b64_json", "data.*.url"), alone=True),
        ),
        ends=(
            *_ends("type", "response.completed", "response.incomplete", "response.failed", "response.cancelled"),
            *_ends("type", "response.done"),
            *_ends("type", "image_generation.completed", "image_edit.completed", "transcript.text.done"),
            *_ends("type", "speech.audio.done"),
        ),
    ),
    "openai.embeddings": Form(ids=paths("id"), models=paths("model"), usage=_stated("usage")),
    "anthropic.messages": Form(
        ids=paths("id", "message.id"),
        models=paths("model", "message.model"),
        finish=paths("stop_reason", "delta.stop_reason"),
        usage=_stated("usage", "message.usage"),
        ends=_ends("type", "message_stop"),
        running=True,
        placeholders=frozenset({"output_tokens"}),
    ),
    "gemini.generate_content": Form(
        ids=paths("responseId"),
        models=paths("modelVersion"),
        finish=paths("candidates.*.finishReason"),
        usage=_stated("usageMetadata"),
        tallies=(
            Tally(
                "web_search",
                paths("candidates.*.groundingMetadata.webSearchQueries.*"),
                once_for=("gemini-1.", "gemini-2."),  # billed by the grounded prompt, since version 3 by the query
            ),
        ),
        running=True,
    ),
    "gemini.interactions": Form(
        ids=paths("id", "interaction.id"),
        models=paths("model", "interaction.model", "agent", "interaction.agent"),
        tiers=paths("service_tier", "interaction.service_tier"),
        finish=paths("status", "interaction.status"),
        usage=_stated("usage", "interaction.usage", "metadata.usage"),
        ends=_ends("event_type", "interaction.completed", "interaction.complete"),
        running=True,
    ),
    "vertex.predict": Form(
        sums={"token_count": paths("predictions.*.embeddings.statistics.token_count")[0]},
        tallies=(Tally("image", paths("predictions.*.bytesBase64Encoded", "predictions.*.gcsUri"), alone=True),),
    ),
    "bedrock.converse": Form(
        tiers=paths("serviceTier.type"),
        finish=paths("stopReason"),
        usage=_stated("usage"),
        ends=_ends("metrics", ""),
    ),
    "bedrock.invoke_model": Form(
        ids=paths("id", "message.id"),
        models=paths("model", "message.model"),
        finish=paths("stop_reason", "delta.stop_reason", "stopReason", "results.*.completionReason"),
        usage=(
            *_stated("usage", "message.usage", "metadata.usage", "amazon-bedrock-invocationMetrics"),
            *_stated("", members="inputTextTokenCount prompt_token_count generation_token_count"),
        ),
        sums={"outputTokenCount": paths("results.*.tokenCount")[0]},  # Titan's, whose items hold the text too
        headers=tuple(
            f"{_AWS}{name}-token-count" for name in ("input", "output", "cache-read-input", "cache-write-input")
        ),
        ends=_ends("amazon-bedrock-invocationMetrics", ""),
        running=True,
        placeholders=frozenset({"output_tokens"}),
    ),
    "cohere": Form(
        ids=paths("id", "response_id", "response.response_id"),
        models=paths("model"),
        finish=paths("finish_reason", "delta.finish_reason"),
        usage=(*_stated("meta", "response.meta", members=_COHERE), *_stated("usage", "delta.usage")),
        ends=(*_ends("type", "message-end"), *_ends("event_type", "stream-end")),
    ),
    "ollama": Form(
        models=paths("model"),
        finish=paths("done_reason"),
        usage=_stated("", members="prompt_eval_count eval_count"),
        ends=_ends("done", "true"),
    ),
    "watsonx.generation": Form(
        models=paths("model_id"),
        finish=paths("results.*.stop_reason"),
        usage=(
            *_stated("results.*", members="input_token_count generated_token_count"),
            *_stated("", members="input_token_count"),
        ),
        running=True,
        largest=True,
    ),
    "aleph_alpha.complete": Form(
        models=paths("model_version"),
        finish=paths("completions.*.finish_reason"),
        usage=_stated("", members="num_tokens_prompt_total num_tokens_generated"),
    ),
    "voyage.embeddings": Form(models=paths("model"), usage=_stated("usage")),
    "mistral.ocr": Form(models=paths("model"), usage=_stated("usage_info")),
}
