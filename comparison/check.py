"""Are the records of a case what its table says, and are their counts the provider's? Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from conformance.bill import FIGURES, Attempt

from comparison.case import REFUSED, TIMED_OUT, Case
from tollspan import semconv

COUNTS: Mapping[str, str] = {
    "input": semconv.INPUT_TOKENS,
    "output": semconv.OUTPUT_TOKENS,
    "cache_read": semconv.CACHE_READ_TOKENS,
    "cache_write": semconv.CACHE_WRITE_TOKENS,
    "reasoning": semconv.REASONING_TOKENS,
}
"""Figure of the bill to the attribute that holds it."""
NUMBERING_SDKS = frozenset({"openai", "anthropic", "groq", "boto3"})
"""Those that send the number of an attempt with it; attempts of others cannot be told from calls of their own."""

Attributes = Mapping[str, Any]


def faults(case: Case, records: Sequence[Attributes], attempts: Sequence[Attempt]) -> list[str]:
    """Return in words what is wrong with a case's records (the attributes of their spans, oldest first); none is right.

    Counts are compared inclusively; nothing and unknown are the same for parts (a provider leaves out what is zero),
    never for a record's own input.
    """
    seen = tuple((record.get(semconv.OUTCOME), record.get(semconv.QUALITY)) for record in records)
    if seen != tuple(map(tuple, case.expected)):
        return [f"records are {_words(seen)}, expected {_words(case.expected)}"]
    return [*_of_exact(case, records, attempts), *_of_estimates(case, records, attempts), *_of_retries(case, records)]


def _words(records: Sequence[Sequence[Any]]) -> str:
    return ", ".join(f"{outcome} {quality}" for outcome, quality in records) or "none"


def _of_exact(case: Case, records: Sequence[Attributes], attempts: Sequence[Attempt]) -> Iterator[str]:
    exact = [record for record in records if record[semconv.QUALITY] == "exact"]
    charged = [attempt for attempt in attempts if attempt.charged]
    met: list[Attempt] = []
    for record in exact:
        attempt = _attempt_of(record, charged, alone=len(exact) == 1)
        if attempt is None:
            yield f"no attempt on the bill for {record.get(semconv.RESPONSE_ID)}"
            continue
        yield from _differing(record, attempt)
        met += [attempt] if attempt not in met else []
    if len(exact) - len(met) != case.polls:
        yield f"{len(exact)} exact records of {len(met)} calls, {case.polls} repeat one"


def _attempt_of(record: Attributes, charged: Sequence[Attempt], *, alone: bool) -> Attempt | None:
    """Find the call of a record: by either id; a record alone that states no id of a call is that of all together."""
    by_id = [
        attempt
        for attempt in charged
        if attempt.response_id == record.get(semconv.RESPONSE_ID)
        or f"req_{attempt.response_id}" == record.get(semconv.PROVIDER_REQUEST_ID)
    ]
    return by_id[0] if by_id else _together(charged) if alone and charged else None


def _together(charged: Sequence[Attempt]) -> Attempt:
    sums = {figure: sum(getattr(attempt, figure) for attempt in charged) for figure in FIGURES}
    return Attempt.read({**charged[0].row(), **sums})


def _differing(record: Attributes, attempt: Attempt) -> Iterator[str]:
    for figure, attribute in COUNTS.items():
        billed, stated = getattr(attempt, figure), record.get(attribute)
        if (stated or 0) != billed:
            yield f"{figure} {stated}, billed {billed}"
    if attempt.tier and record.get(semconv.SERVICE_TIER) != attempt.tier:
        yield f"tier {record.get(semconv.SERVICE_TIER)}, billed {attempt.tier}"
    if not json.loads(record.get(semconv.USAGE_RAW) or "null"):
        yield "no raw usage"


def _of_estimates(case: Case, records: Sequence[Attributes], attempts: Sequence[Attempt]) -> Iterator[str]:
    billed = {attempt.input for attempt in attempts if attempt.charged}
    for record in records:
        stated = record.get(semconv.INPUT_TOKENS)
        if record[semconv.QUALITY] == "estimated" and not (stated in billed if case.input_stated else stated):
            yield f"estimated input {stated}, billed {sorted(billed)}"


def _of_retries(case: Case, records: Sequence[Attributes]) -> Iterator[str]:
    """An attempt that was refused or timed out is followed by the next of the same call."""
    if case.sdk not in NUMBERING_SDKS or case.expected[:1] not in {(REFUSED,), (TIMED_OUT,)}:
        return
    first, *others = records
    if [record.get(semconv.ATTEMPT) for record in records] != list(range(1, len(records) + 1)):
        yield f"attempts are numbered {[record.get(semconv.ATTEMPT) for record in records]}"
    if {record.get(semconv.RETRY_OF) for record in others} - {first[semconv.RECORD_ID]}:
        yield "attempts do not point to the first"
