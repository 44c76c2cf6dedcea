"""Planned calls as the instrumentation's own records: the bulk of the demo takes its record path from here on."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from hashlib import blake2b
from typing import Any, Final, cast

from tollspan.attribution import Attribution
from tollspan.process import Identity, Process, uuid7
from tollspan.record import CallRecord
from tollspan.semconv import Quality, UsageApi
from tollspan.usage import UNKNOWN, TokenCounts, normalise
from tollspan_rater.demo.traffic import PlannedCall

RESOURCE: Final[Mapping[str, str]] = {"service.name": "tollspan-demo"}
TOO_MANY_REQUESTS: Final = 429
_IDS_BYTES: Final = 34  # 10 for the record, 16 for the trace, 8 for the span


def by_sender(calls: Iterable[PlannedCall], processes: int, seed: int) -> list[list[CallRecord]]:
    """Turn calls into records, spread over sending processes that each count 1, 2, 3 ...

    The attempts of one logical call come from one process. The same seed gives the same ids.
    """
    senders = [Process(blake2b(f"{seed} {n}".encode(), digest_size=8).hexdigest()) for n in range(processes)]
    records: list[list[CallRecord]] = [[] for _ in senders]
    ids: dict[int, Identity] = {}
    for call in calls:
        first = ids.get(call.retry_of) if call.retry_of is not None else None
        ids[call.number] = identity(call, seed, first)
        place = (call.number if call.retry_of is None else call.retry_of) % processes
        records[place].append(record(call, ids[call.number], first, senders[place]))
    return records


def identity(call: PlannedCall, seed: int, first: Identity | None) -> Identity:
    """Return the ids of a call's record; a retry stays in the trace of the first attempt."""
    drawn = blake2b(f"{seed} {call.number}".encode(), digest_size=_IDS_BYTES).digest()
    trace_id = drawn[10:26].hex() if first is None else first.trace_id
    return Identity(uuid7(call.start_ns, drawn[:10]), trace_id, drawn[26:].hex())


def record(call: PlannedCall, ids: Identity, first: Identity | None, process: Process) -> CallRecord:
    """Make the record that the instrumentation would make of this call."""
    complete, refused = call.outcome == "complete", call.outcome == "failed"
    api = cast("UsageApi", call.api)
    raw = usage_object(call) if complete else None
    process_id, seq = process.number()
    quality: Quality = "exact" if complete else "unmeasured" if refused else "estimated"
    estimated = UNKNOWN if refused else TokenCounts(input=call.input, output=call.output)
    return CallRecord(
        identity=ids,
        process_id=process_id,
        seq=seq,
        start_ns=call.start_ns,
        end_ns=call.end_ns,
        operation="chat",
        provider=call.provider,
        api=api,
        quality=quality,
        outcome=call.outcome,
        attribution=_attribution(call),
        counts=estimated if raw is None else normalise(api, raw),
        usage_raw=None if raw is None else json.dumps(raw, separators=(",", ":")),
        request_model=call.model,
        response_model=None if refused else call.model,
        response_id=None if refused else f"demo-{ids.record_id}",
        attempt=call.attempt,
        retry_of=None if first is None else first.record_id,
        stream=not refused,
        ttft_seconds=None if call.ttft_ms is None else call.ttft_ms / 1000,
        http_status=TOO_MANY_REQUESTS if refused else 200,
        error_type=str(TOO_MANY_REQUESTS) if refused else None,
    )


def usage_object(call: PlannedCall) -> dict[str, Any]:
    """Return the usage object as the provider's API writes it."""
    return _USAGE[call.api](call)


def _openai_chat(call: PlannedCall) -> dict[str, Any]:
    return {
        "prompt_tokens": call.input,
        "completion_tokens": call.output,
        "total_tokens": (call.input or 0) + (call.output or 0),
        "prompt_tokens_details": {"cached_tokens": call.cache_read},
        "completion_tokens_details": {"reasoning_tokens": call.reasoning},
    }


def _openai_responses(call: PlannedCall) -> dict[str, Any]:
    return {
        "input_tokens": call.input,
        "input_tokens_details": {"cached_tokens": call.cache_read},
        "output_tokens": call.output,
        "output_tokens_details": {"reasoning_tokens": call.reasoning},
        "total_tokens": (call.input or 0) + (call.output or 0),
    }


def _anthropic_messages(call: PlannedCall) -> dict[str, Any]:
    return {
        "input_tokens": (call.input or 0) - call.cache_read - call.cache_write,
        "cache_read_input_tokens": call.cache_read,
        "cache_creation_input_tokens": call.cache_write,
        "cache_creation": {
            "ephemeral_5m_input_tokens": call.cache_write - call.cache_write_1h,
            "ephemeral_1h_input_tokens": call.cache_write_1h,
        },
        "output_tokens": call.output,
    }


_USAGE: Final = {
    "openai.chat": _openai_chat,
    "openai.responses": _openai_responses,
    "anthropic.messages": _anthropic_messages,
}


def _attribution(call: PlannedCall) -> Attribution:
    values: dict[str, str | bool] = {"customer": call.customer, "user": call.user, "feature": call.feature}
    if call.prompt_version is not None:
        values |= {"prompt": call.feature, "prompt_version": call.prompt_version}
    if call.environment is not None:
        values["environment"] = call.environment
    return Attribution(values)
