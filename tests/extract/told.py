"""Spans told as text, the way an instrumentation writes them, and what is read of them in one line.

::

    # title of the case
    scope gen_ai 7.0            of a span: name and version; a span starts here
    id 2 < 1                    its id and its parent's, when there are several
    name step 1
    kind SERVER
    status 2
    dropped 3
    gen_ai.usage.input_tokens = 7
    -> call 7/-/-/3/- exact     what is read of this span
    => 7/-/-/3/- exact          each call that all spans of the case show

Figures are input/cache read/cache write/output/reasoning, ``-`` is unknown; then quality, outcome, other meters as
``meter=quantity``, details as ``name:value`` and flags as ``!flag``. A version that is not final is ``pending``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.extract.recorded import Keep
from tests.extract.spans import SECOND, T0

from tollspan_rater.domain import span as domain
from tollspan_rater.domain.call import Call, Extracted, Rejected
from tollspan_rater.domain.span import AttributeValue, Span
from tollspan_rater.domain.usage import Usage
from tollspan_rater.extract.attributes import is_content, is_kept, reduced

_SCALAR = re.compile(r"-?(\d+(\.\d+)?(e\d+)?|NaN|Infinity)|true|false|\".*\"")
_SHOWN_DETAILS = ("id", "vantage", "request_id", "other_input", "cost_currency")


@dataclass
class Told:
    """One case: its spans with what is read of each, and the calls that they show."""

    title: str
    spans: list[Span] = field(default_factory=list)
    read: list[str] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)


def told_in(text: str, keep: Keep = is_kept) -> Iterator[Told]:
    """Yield the cases of a text; of the attributes only those that ``keep`` names, as decoding would."""
    for block in re.split(r"^# ", text, flags=re.MULTILINE)[1:]:
        title, *lines = [line.strip() for line in block.strip().splitlines()]
        yield _case(title, [line for line in lines if line], keep)


def line_of(found: Extracted | Rejected) -> str:
    """Say in one line what was read of a span."""
    if isinstance(found, Rejected):
        return f"refused {found.reason}"
    if found.quality is None:
        return found.role.value
    known = dict(found.details) | ({} if found.response_id is None else {"id": found.response_id})
    version = "" if found.final else "pending "
    return f"{version}{found.role.value} {_line(found.usage, found.quality, found.outcome, known, found.flags)}"


def line_of_call(call: Call) -> str:
    """Say in one line what a call used."""
    outcome = None if call.outcome == "complete" else call.outcome
    return _line(call.usage, call.quality, outcome, {}, call.flags)


def _line(usage: Usage, quality: str, outcome: str | None, details: Mapping[str, str], flags: tuple[str, ...]) -> str:
    figures = (usage.input, usage.cache_read, usage.cache_write, usage.output, usage.reasoning)
    parts = ["/".join("-" if figure is None else str(figure) for figure in figures), quality]
    parts += [outcome] if outcome else []
    rare = {"5m": usage.cache_write_5m, "1h": usage.cache_write_1h, "audio_in": usage.audio_in}
    rare |= {"audio_out": usage.audio_out, "image_in": usage.image_in}
    parts += [f"{name}={count}" for name, count in rare.items() if count is not None]
    parts += [f"{meter}={amount}" for meter, amount in sorted(usage.units.items())]
    parts += [f"{name}:{details[name]}" for name in _SHOWN_DETAILS if name in details]
    return " ".join([*parts, *(f"!{flag}" for flag in sorted(flags))])


def _case(title: str, lines: list[str], keep: Keep) -> Told:
    told = Told(title)
    fields: dict[str, Any] = {}
    for line in lines:
        word, _, rest = line.partition(" ")
        match word:
            case "scope":
                fields = {"scope": rest.partition(" ")[0], "version": rest.partition(" ")[2], "attributes": {}}
            case "->":
                told.spans.append(_span(fields, len(told.spans), keep))
                told.read.append(rest)
            case "=>":
                told.calls.append(rest)
            case "id" | "name" | "kind" | "status" | "dropped":
                fields[word] = rest
            case _:
                key, sign, value = line.partition(" = ")
                assert sign, line
                fields["attributes"][key] = _value(value)
    return told


def _span(fields: Mapping[str, Any], number: int, keep: Keep) -> Span:
    own, _, parent = str(fields.get("id", "1")).partition(" < ")
    return Span(
        tenant="t1",
        trace_id="a" * 32,
        span_id=own.rjust(16, "0"),
        parent_id=parent.rjust(16, "0") if parent else "",
        name=fields.get("name", "span"),
        kind=getattr(domain, fields.get("kind", "INTERNAL")),
        start_ns=T0 + number,
        end_ns=T0 + SECOND - number,
        status=int(fields.get("status", 0)),
        scope=fields["scope"],
        scope_version=fields["version"],
        attributes=_kept(fields["attributes"], keep),
        dropped_attributes=int(fields.get("dropped", 0)),
    )


def _kept(attributes: Mapping[str, AttributeValue], keep: Keep) -> dict[str, AttributeValue]:
    """Return what reception and decoding leave of attributes."""
    left = {key: reduced(key, value) if is_content(key) else value for key, value in attributes.items()}
    return {key: value for key, value in left.items() if value is not None and (keep(key) or is_content(key))}  # type: ignore[misc]


def _value(text: str) -> AttributeValue:
    return json.loads(text) if _SCALAR.fullmatch(text) else text  # type: ignore[no-any-return]
