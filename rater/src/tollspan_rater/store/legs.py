"""Calls as two-leg revisions: the row of a call, the difference of two states."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from operator import attrgetter
from typing import Any, Final

import orjson

from tollspan_rater.domain.call import Call, Conflict
from tollspan_rater.domain.usage import ATTRIBUTION_FIELDS, TOKEN_FIELDS, Usage
from tollspan_rater.store.tables import SCHEMAS

_HEAD: Final = ("tenant", "call_id", "revision", "sign", "position", "trace_key")
COLUMNS: Final[tuple[str, ...]] = tuple(SCHEMAS["legs"].names)
_REVISION, _SIGN, _POSITION = (COLUMNS.index(name) for name in ("revision", "sign", "position"))
_BODY_START: Final = len(_HEAD)
_ATTRIBUTION: Final = attrgetter(*ATTRIBUTION_FIELDS)

LegRow = tuple[Any, ...]


def trace_key(trace_id: str) -> int:
    """Return the signed 64 bits of a trace id by which look-ups find its spans."""
    key = int(trace_id[16:] or "0", 16)
    return key - (1 << 64) if key >= 1 << 63 else key


@dataclass(frozen=True, slots=True)
class Booked:
    """The current state of one call id in the store; ``row`` is None when its legs net to zero."""

    revision: int
    row: LegRow | None


def leg(call: Call, *, position: int, revision: int) -> LegRow:
    """Return the positive leg of a call as a row of the table ``legs``."""
    usage = call.usage
    return (
        call.tenant, call.call_id, revision, 1, position, trace_key(call.members[0][:32]), call.kind,
        call.started_ns, call.ended_ns, list(call.members), list(call.trace_ids), call.evidence, call.dialect,
        call.provider, call.model, call.request_model, call.operation, call.response_id, call.record_id,
        call.attempt, call.retry_of, call.outcome, call.quality, call.service_tier, call.stream, call.ttft_ms,
        usage.input, usage.cache_read, usage.cache_write, usage.cache_write_5m, usage.cache_write_1h,
        usage.audio_in, usage.image_in, usage.output, usage.reasoning, usage.audio_out, _units(usage.units),
        call.meter, call.quantity, call.reported_cost,
        *_ATTRIBUTION(call),
        _object(call.tags), list(call.flags), _object(call.terms), _object(call.details),
        orjson.dumps(call.conflicts).decode() if call.conflicts else None,
    )  # fmt: skip


def call_in(row: LegRow) -> Call:
    """Return the call of a positive leg: what ``leg`` made the row of."""
    said: dict[str, Any] = dict(zip(COLUMNS[_BODY_START:], row[_BODY_START:], strict=True))
    tokens = {name: said.pop(name) for name in TOKEN_FIELDS}
    said["usage"] = Usage(**tokens, units={name: Decimal(value) for name, value in _pairs(said.pop("units"))})
    said |= {name: tuple(said[name]) for name in ("members", "trace_ids", "flags")}
    said |= {name: tuple(sorted(_pairs(said[name]))) for name in ("tags", "terms", "details")}
    said["conflicts"] = tuple(Conflict(**one) for one in orjson.loads(said["conflicts"] or "[]"))
    return Call(row[0], row[1], **said)


def taken_back(row: LegRow, position: int) -> LegRow:
    """Return the negative leg that takes a booked positive leg back."""
    return (*row[:_SIGN], -1, position, *row[_POSITION + 1 :])


def difference(
    booked: Mapping[str, Booked], calls: Iterable[Call], position: int
) -> tuple[list[LegRow], dict[str, Booked]]:
    """Return the legs that lead from the booked state of some call ids to new calls, and the new state.

    ``booked`` must hold every call id that the spans of ``calls`` ever had.
    """
    legs: list[LegRow] = []
    state = dict(booked)
    wanted = {call.call_id: call for call in calls}
    for call_id, old in booked.items():
        if old.row is not None and call_id not in wanted:
            legs.append(taken_back(old.row, position))
            state[call_id] = Booked(old.revision, None)
    for call_id, call in wanted.items():
        old = booked.get(call_id, Booked(0, None))
        new_row = leg(call, position=position, revision=old.revision + 1)
        if old.row is not None:
            if old.row[_BODY_START:] == new_row[_BODY_START:]:
                continue
            legs.append(taken_back(old.row, position))
        legs.append(new_row)
        state[call_id] = Booked(old.revision + 1, new_row)
    return legs, state


def booked_from(rows: Iterable[LegRow]) -> dict[str, Booked]:
    """Return the state of each call id from all its legs, in any order."""
    newest: dict[str, Booked] = {}
    gone = set()
    for row in rows:
        call_id, revision = row[1], row[_REVISION]
        if row[_SIGN] < 0:
            gone.add((call_id, revision))
        elif call_id not in newest or newest[call_id].revision < revision:
            newest[call_id] = Booked(revision, row)
    return {
        call_id: Booked(held.revision, None) if (call_id, held.revision) in gone else held
        for call_id, held in newest.items()
    }


def _pairs(text: str | None) -> list[tuple[str, str]]:
    return [] if text is None else list(orjson.loads(text).items())


def _object(pairs: tuple[tuple[str, str], ...]) -> str | None:
    return orjson.dumps(dict(pairs)).decode() if pairs else None


def _units(units: Mapping[str, Decimal]) -> str | None:
    if not units:
        return None
    return orjson.dumps({name: str(value) for name, value in sorted(units.items())}).decode()
