"""How much a call used: what its provider stated, else an estimate that says so."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from tollspan import estimate
from tollspan.answer import Answer
from tollspan.reader import Reader
from tollspan.semconv import Outcome, Quality, UsageApi
from tollspan.sent import Sent
from tollspan.tally import MEMBER
from tollspan.usage import TokenCounts, api_of, has_units, normalise

# Operations that generate no tokens, and APIs that do so whatever the operation is called.
WITHOUT_OUTPUT: Final = frozenset(
    {"embeddings", "rerank", "ocr", "moderation", "text_to_speech", "openai.embeddings"},
)
# Operations whose input or output is no text, so that nothing in the request tells what they used.
NOT_TEXT: Final = frozenset({"image_generation", "transcription"})


class Measured(NamedTuple):
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
    stated = _stated(asked.api, _with_tallies(answer, _final(answer) if cut else answer.usage))
    if answer.header_usage and stated[2].output is None:
        stated = _stated(asked.api, {**answer.header_usage, **stated[1]})
    api, raw, counts = stated
    generates = WITHOUT_OUTPUT.isdisjoint((asked.route.operation, asked.api))
    if has_units(api, raw) or (counts.input is not None and not (generates and counts.output is None)):
        return Measured(api, raw, counts, "lower_bound" if cut and answer.form.running else "exact")
    if not billable or asked.route.operation in NOT_TEXT:
        return Measured(api, raw, counts, "unmeasured")
    return Measured(api, raw, *_estimated(asked, counts, reader, generates=generates))


def _stated(route_api: UsageApi, raw: Mapping[str, Any]) -> tuple[UsageApi, Mapping[str, Any], TokenCounts]:
    api = api_of(route_api, raw)
    return api, raw, normalise(api, raw)


def _with_tallies(answer: Answer, raw: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a usage object with what is billed beside it, or in its place where nothing is stated."""
    if not answer.tallies:
        return raw
    wanted = (tally.meter for tally in answer.form.tallies if tally.alone != bool(raw))
    told = {meter: answer.tallies[meter] for meter in wanted if meter in answer.tallies}
    return {**raw, MEMBER: told} if told else raw


def _final(answer: Answer) -> Mapping[str, Any]:
    """Return the usage of a stream that was cut, without what is a placeholder until the end: Anthropic's output."""
    return {name: value for name, value in answer.usage.items() if name not in answer.form.placeholders}


def _estimated(
    asked: Sent, counts: TokenCounts, reader: Reader | None, *, generates: bool
) -> tuple[TokenCounts, Quality]:
    told, output = counts.input, counts.output
    if told is None:
        told = estimate.prompt_tokens(asked.body) or None
    if output is None and generates:
        output = _written(asked.api, reader)
    quality: Quality = "lower_bound" if reader is not None and reader.overflowed else "estimated"
    return counts._replace(input=told, output=output), quality


def _written(api: UsageApi, reader: Reader | None) -> int | None:
    if reader is None:
        return None
    documents = list(reader.documents())
    return estimate.written_tokens(api, documents) if documents or reader.streams else None
