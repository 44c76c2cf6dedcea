"""Grades any instrumentation's spans of a case against the provider's bill, by their attributes alone.

The rules, the same for everyone, tollspan among them:

1. A span bears usage if it has a count of input or output under any name of ``NAMES``, or inside a raw usage object.
   Counts are read inclusively (input with caches, output with reasoning), as OpenTelemetry defines them, and added up
   over all spans of the case: who reports a call twice is wrong, also where a response id would tell.
2. The provider states all usage: totals of input and output must be the bill's (*right*), else the case is *wrong*;
   with right totals, a part that is not there at all (``cr`` cache reads, ``cw`` cache writes, ``rs`` reasoning,
   ``tier`` the service tier) makes it *dropped*; a part that is there with another sum is *wrong*. Without a span, or
   without a count on any: *missing*.
3. It states the input of a stream that breaks: the input must be right. The output is not graded: nobody knows it.
4. It states nothing: *estimated* if there is a count and the span says that it is one (``tollspan.quality``), *wrong*
   if a count is given as a fact, *missing* if there is none.
5. It states the usage of some attempts only (a timeout, then an answer): each charged attempt must have its span, else
   *missing*; what is stated must be there.
6. Nothing is charged (errors, free endpoints): *right* unless a span bears usage. A call that ought to be charged and
   is not, since it fails under the instrumentation, is *wrong*.
7. The SDK is not among those that an instrumentation has hooks for, or the call is billed by pages, searches or
   seconds alone: not graded.

A service tier is expected where the provider states one, for it decides the price. Anthropic's native tracing is off,
except in the column of its own.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from conformance.bill import Attempt

from comparison.case import Case


class Grade(StrEnum):
    """How a case ended, best first."""

    RIGHT = "right"
    ESTIMATED = "estimated"
    DROPPED = "dropped"
    WRONG = "wrong"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Graded:
    """A grade and its reason in a few letters."""

    grade: Grade
    said: str


NAMES: Mapping[str, tuple[str, ...]] = {
    "input": ("gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens", "llm.token_count.prompt"),
    "output": ("gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens", "llm.token_count.completion"),
    "cache_read": ("gen_ai.usage.cache_read.input_tokens", "gen_ai.usage.cache_read_input_tokens",
                   "llm.token_count.prompt_details.cache_read"),
    "cache_write": ("gen_ai.usage.cache_write.input_tokens", "gen_ai.usage.cache_creation.input_tokens",
                    "gen_ai.usage.cache_creation_input_tokens", "llm.token_count.prompt_details.cache_write"),
    "reasoning": ("gen_ai.usage.reasoning.output_tokens", "gen_ai.usage.reasoning_tokens",
                  "llm.token_count.completion_details.reasoning"),
    "tier": ("tollspan.service_tier", "openai.response.service_tier", "gen_ai.openai.response.service_tier",
             "gen_ai.response.service_tier", "anthropic.usage.service_tier", "anthropic.response.service_tier"),
}  # fmt: skip
"""Part of the bill to the attributes that hold it, the first that is there counts."""

RAW, QUALITY = "gen_ai.usage.raw", "tollspan.quality"
RAW_NAMES: Mapping[str, tuple[str, ...]] = {
    "cache_read": ("prompt_tokens_details.cached_tokens", "input_tokens_details.cached_tokens",
                   "cache_read_input_tokens"),
    "cache_write": ("prompt_tokens_details.cache_write_tokens", "input_tokens_details.cache_write_tokens",
                    "cache_creation_input_tokens"),
    "reasoning": ("completion_tokens_details.reasoning_tokens", "output_tokens_details.reasoning_tokens",
                  "output_tokens_details.thinking_tokens"),
    "tier": ("service_tier",),
}  # fmt: skip
"""The same inside a provider's usage object that an instrumentation (Logfire) keeps verbatim."""

SHORT = {"cache_read": "cr", "cache_write": "cw", "reasoning": "rs", "tier": "tier"}
Attributes = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Usage:
    """What a span says: counts and tier by part of the bill; and whether it calls them an estimate."""

    parts: Mapping[str, Any]
    estimated: bool

    @property
    def counts(self) -> bool:
        """Whether it bears usage."""
        return "input" in self.parts or "output" in self.parts


def usage_of(attributes: Attributes) -> Usage:
    """Read a span."""
    raw = _object(attributes.get(RAW))
    parts = {}
    for part, names in NAMES.items():
        found = [attributes[name] for name in names if attributes.get(name) is not None]
        found += [value for path in RAW_NAMES.get(part, ()) if (value := _dig(raw, path)) is not None]
        if found:
            parts[part] = found[0] if part == "tier" else int(found[0])
    return Usage(parts, attributes.get(QUALITY) not in {None, "exact", "derived"})


def _object(text: Any) -> Any:
    try:
        return json.loads(text) if text else {}
    except ValueError:
        return {}


def _dig(document: Any, path: str) -> Any:
    for name in path.split("."):
        document = document.get(name) if isinstance(document, Mapping) else None
    return document


def grade(case: Case, spans: Sequence[Attributes], attempts: Sequence[Attempt]) -> Graded:
    """Grade the spans of a case (root spans and those of HTTP libraries among them do no harm)."""
    bill = [attempt for attempt in attempts if attempt.charged]
    usages = [usage for usage in map(usage_of, spans) if usage.counts]
    if not bill and case.is_charged:
        return Graded(Grade.WRONG, "the call fails")
    if not bill:
        return Graded(Grade.WRONG, "usage of nothing") if usages else Graded(Grade.RIGHT, "ok")
    if case.states_all:
        return _of_all(bill, usages, spans)
    if case.input_stated:
        return _of_input(bill, usages, spans)
    if any(record.quality == "exact" for record in case.expected):
        return _of_some(bill, usages)
    return _of_nothing(usages, spans)


def _sum(of: Sequence[Usage], part: str) -> int | None:
    found = [usage.parts[part] for usage in of if part in usage.parts]
    return sum(found) if found else None


def _of_all(bill: Sequence[Attempt], usages: Sequence[Usage], spans: Sequence[Attributes]) -> Graded:
    if not spans:
        return Graded(Grade.MISSING, "no span")
    if not usages:
        return Graded(Grade.MISSING, "no usage")
    differing = [*_totals(bill, usages), *_parts(bill, usages)]
    if differing:
        return Graded(Grade.WRONG, " ".join(differing))
    dropped = [SHORT[part] for part in SHORT if _expects(bill, part) and not any(part in one.parts for one in usages)]
    return Graded(Grade.DROPPED, f"-{','.join(dropped)}") if dropped else Graded(Grade.RIGHT, "ok")


def _expects(bill: Sequence[Attempt], part: str) -> bool:
    return any(getattr(attempt, part) for attempt in bill)


def _totals(bill: Sequence[Attempt], usages: Sequence[Usage]) -> Iterator[str]:
    for part in ("input", "output"):
        billed, said = sum(getattr(attempt, part) for attempt in bill), _sum(usages, part)
        if (said or 0) != billed:
            yield f"{part[:-3]}:{'-' if said is None else said}!={billed}"


def _parts(bill: Sequence[Attempt], usages: Sequence[Usage]) -> Iterator[str]:
    for part in ("cache_read", "cache_write", "reasoning"):
        billed, said = sum(getattr(attempt, part) for attempt in bill), _sum(usages, part)
        if said is not None and said != billed:
            yield f"{SHORT[part]}:{said}!={billed}"
    tiers = {usage.parts["tier"] for usage in usages if "tier" in usage.parts}
    if tiers and _expects(bill, "tier") and tiers != {attempt.tier for attempt in bill}:
        yield f"tier:{','.join(sorted(tiers))}"


def _of_input(bill: Sequence[Attempt], usages: Sequence[Usage], spans: Sequence[Attributes]) -> Graded:
    if not usages:
        return Graded(Grade.MISSING, "no usage" if spans else "no span")
    said, billed = _sum(usages, "input"), sum(attempt.input for attempt in bill)
    return Graded(Grade.RIGHT, "ok") if said == billed else Graded(Grade.WRONG, f"in:{said}!={billed}")


def _of_some(bill: Sequence[Attempt], usages: Sequence[Usage]) -> Graded:
    stated = {attempt.input for attempt in bill} & {usage.parts.get("input") for usage in usages}
    if len(usages) < len(bill) or not stated:
        return Graded(Grade.MISSING, f"{len(usages)} of {len(bill)} attempts")
    return Graded(Grade.ESTIMATED, "est") if any(usage.estimated for usage in usages) else Graded(Grade.WRONG, "double")


def _of_nothing(usages: Sequence[Usage], spans: Sequence[Attributes]) -> Graded:
    if not usages:
        return Graded(Grade.MISSING, "no usage" if spans else "no span")
    if all(usage.estimated for usage in usages):
        return Graded(Grade.ESTIMATED, "est")
    return Graded(Grade.WRONG, f"in:{_sum(usages, 'input')} as a fact")
