"""What people said of a call: each correction with who, when and why, and what was before and after it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields
from typing import Final

import duckdb

from tollspan_rater.domain.call import Call
from tollspan_rater.domain.correction import Correction
from tollspan_rater.domain.usage import TOKEN_FIELDS
from tollspan_rater.extract.correct import amended, by_span, corrections_of, reattributed
from tollspan_rater.query.answer import Cell
from tollspan_rater.query.correction_targets import made_about, settled_calls
from tollspan_rater.query.wording import instant

Fact = tuple[str, Cell]

_LEFT_OUT: Final = (
    "usage",
    "tags",
    "flags",
    "details",
    "quality",
    "ended_ns",
)  # told otherwise, or plain from the rest


def correction_facts(
    connection: duckdb.DuckDBPyConnection, tenant: str, call_ids: Iterable[str]
) -> Mapping[str, list[Fact]]:
    """Return what was said of each of some calls, in the order in which it was said; nothing for most calls."""
    calls = settled_calls(connection, tenant, list(call_ids))
    made = made_about(connection, tenant, calls.values())
    if not made:
        return {}
    taken_back = {(one.undoes, one.call_id): one for one in made if one.undoes is not None}
    about = by_span(one for one in made if one.undoes is None)
    return {
        call_id: list(_facts(call, corrections_of(call, call.members, about), taken_back))
        for call_id, call in calls.items()
    }


def _facts(
    call: Call, corrections: Iterable[Correction], taken_back: Mapping[tuple[str, str], Correction]
) -> Iterator[Fact]:
    for one in corrections:
        undone = taken_back.get((one.correction, one.call_id))
        after = call if undone is not None or one.kind == "void" else _after(call, one)
        said = "void" if one.kind == "void" else _said(call, after if undone is None else _after(call, one))
        yield f"correction {one.correction}", f"{_WORDS[one.kind]}{said}; {_by(one)}"
        if undone is not None:
            yield f"correction {undone.correction}", f"takes {one.correction} back; {_by(undone)}"
        call = after


def _after(call: Call, one: Correction) -> Call:
    return (amended if one.kind == "amend" else reattributed)(call, one.changes)


def _said(before: Call, after: Call) -> str:
    was, now = _values(before), _values(after)
    changed = [name for name in now | was if was.get(name) != now.get(name)]
    return ", ".join(f"{name} {_word(was.get(name))} -> {_word(now.get(name))}" for name in changed) or "as it was"


def _values(call: Call) -> dict[str, str | None]:
    """Return what can be corrected of a call, by the name that people use."""
    found: dict[str, object] = {one.name: getattr(call, one.name) for one in fields(call) if one.name not in _LEFT_OUT}
    found |= {name: getattr(call.usage, name) for name in TOKEN_FIELDS}
    found |= dict(call.usage.units)
    found |= {f"tags.{name}": text for name, text in call.tags}
    found["started_at"] = instant(call.started_ns)
    del found["started_ns"]
    return {name: None if value is None else str(value) for name, value in found.items()}


def _word(value: str | None) -> str:
    return "unknown" if value is None else value


def _by(one: Correction) -> str:
    return f"by {one.actor} on {instant(one.at_ns)} at journal position {one.position}: {one.note}"


_WORDS: Final[Mapping[str, str]] = {"void": "", "amend": "amended: ", "reattribute": "attributed anew: "}
