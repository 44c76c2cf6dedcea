"""How much a call used: what its provider stated, else an estimate that says so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from tollspan import estimate
from tollspan.answer import Answer
from tollspan.reader import Reader
from tollspan.semconv import Outcome, Quality, UsageApi
from tollspan.sent import Sent
from tollspan.usage import TokenCounts, api_of, has_units, normalise

WITHOUT_OUTPUT: Final = frozenset({"embeddings", "rerank", "ocr", "moderation"})  # operations that generate nothing


@dataclass(frozen=True, slots=True)
class Measured:
    """A usage object, whose it is, its counts in normal form and how good they are."""

    api: UsageApi
    raw: Mapping[str, Any]
    counts: TokenCounts
    quality: Quality


def measure(asked: Sent, answer: Answer, reader: Reader | None, outcome: Outcome, *, billable: bool) -> Measured:
    """Measure a call that ended.

    ``reader``: what came of the body, ``None`` where none came. ``billable``: the provider may have charged for it, so
    that what it did not state is estimated.
    """
    cut = asked.streams and not answer.settled and outcome != "complete"
    raw = _final(answer) if cut else answer.usage
    api = api_of(asked.api, raw)
    counts = normalise(api, raw)
    generates = asked.route.operation not in WITHOUT_OUTPUT
    if has_units(api, raw) or (counts.input is not None and not (generates and counts.output is None)):
        return Measured(api, raw, counts, "lower_bound" if cut and answer.form.running else "exact")
    if not billable:
        return Measured(api, raw, counts, "unmeasured")
    return Measured(api, raw, *_estimated(asked, counts, reader, generates=generates))


def _final(answer: Answer) -> Mapping[str, Any]:
    """Return the usage of a stream that was cut, without what is a placeholder until the end: Anthropic's output."""
    return {name: value for name, value in answer.usage.items() if name not in answer.form.placeholders}


def _estimated(
    asked: Sent, counts: TokenCounts, reader: Reader | None, *, generates: bool
) -> tuple[TokenCounts, Quality]:
    told, output = counts.input, counts.output
    if told is None:
        told = estimate.prompt_tokens(asked.body)
    if output is None and generates:
        output = _written(asked.api, reader)
    quality: Quality = "lower_bound" if reader is not None and reader.overflowed else "estimated"
    return replace(counts, input=told, output=output), quality


def _written(api: UsageApi, reader: Reader | None) -> int | None:
    if reader is None:
        return None
    documents = list(reader.documents())
    return estimate.written_tokens(api, documents) if documents or reader.streams else None
