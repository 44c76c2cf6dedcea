"""Usage events: one thing that was used, told as plain data instead of a span; and the span that it becomes.

The span's ids come from the event's source and id alone, so that the same event is the same span whichever way it
comes and however often: by HTTP, in a file, through :func:`tollspan.record_usage`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from hashlib import blake2b
from typing import Any, Final

from tollspan import semconv
from tollspan.event_fields import FIELDS, NAMES, OUTCOMES, REQUIRED, UNSPLIT_TOKENS
from tollspan.protobuf import INTERNAL, Value, span

COUNT_MOST: Final = (1 << 53) - 1  # beyond it JSON readers disagree on a number
TEXT_BYTES_MOST: Final = 1024
_MS_NS: Final = 1_000_000
_SPAN_ID_BYTES, _TRACE_ID_BYTES = 8, 16


class EventError(ValueError):
    """An event that cannot be counted: the field at fault, what is wrong with it, what to do."""

    def __init__(self, field: str, problem: str, remedy: str) -> None:
        super().__init__(f"{field}: {problem}; {remedy}")
        self.field, self.problem, self.remedy = field, problem, remedy


@dataclass(frozen=True, slots=True)
class Event:
    """A checked event. Times are nanoseconds since the epoch; ``ignored`` names fields that nobody reads."""

    id: str
    source: str
    name: str
    start_ns: int
    end_ns: int
    attributes: Mapping[str, Value]
    ignored: tuple[str, ...] = ()

    @property
    def trace_id(self) -> str:
        """32 hex digits from source and id."""
        return self._digest()[: 2 * _TRACE_ID_BYTES]

    @property
    def span_id(self) -> str:
        """16 hex digits from source and id."""
        return self._digest()[2 * _TRACE_ID_BYTES :]

    def span(self) -> bytes:
        """Encode the span that it becomes, always the same."""
        return span(
            ids=(self.trace_id, self.span_id, ""),
            name=self.name,
            kind=INTERNAL,
            times_ns=(self.start_ns, self.end_ns),
            attributes=dict(sorted(self.attributes.items())),
            own=self.attributes,
        )

    def _digest(self) -> str:
        named = json.dumps([self.source, self.id], ensure_ascii=False).encode()
        return blake2b(named, digest_size=_TRACE_ID_BYTES + _SPAN_ID_BYTES, person=b"tollspan.event").hexdigest()


def read_event(fields: Mapping[str, Any]) -> Event:
    """Check an event's fields, by whichever of their names.

    Empty texts and nulls are as good as left out. Fields that nobody knows are left out and named.

    Raises:
        EventError: a required field is missing, a field is given twice under two names, a value is not of its kind,
            or nothing was used.
    """
    given = _named(fields)
    for name in REQUIRED:
        if name not in given:
            raise EventError(name, "is missing", f"give every event its {name}")
    values = {name: _VALUES[NAMES[name].kind](name, value) for name, value in given.items()}
    end_ns = int(values["time"])
    start_ns = end_ns - int(values.get("duration_ms", 0))
    return Event(
        id=str(values["id"]),
        source=str(values.get("source", "")),
        name=str(values.get("type") or _operation(values) or "event"),
        start_ns=max(start_ns, 0),
        end_ns=end_ns,
        attributes=_attributes(values),
        ignored=tuple(sorted(name for name in fields if name not in NAMES and name not in _CARRIED)),
    )


_CARRIED: Final = frozenset({"specversion", "datacontenttype", "dataschema", "subject", "schema_version"})


def _named(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the known fields under their own names."""
    given: dict[str, Any] = {}
    said: dict[str, str] = {}
    for name, value in fields.items():
        field = NAMES.get(name)
        if field is None or value is None or value == "":
            continue
        if field.name in given and given[field.name] != value:
            problem = f"has another value under its other name {said[field.name]!r}"
            raise EventError(name, problem, "give one of the two")
        given[field.name], said[field.name] = value, name
    return given


def _attributes(values: Mapping[str, Any]) -> dict[str, Value]:
    found: dict[str, Value] = {
        field.attribute: values[field.name] for field in FIELDS if field.attribute and field.name in values
    }
    found |= {semconv.TAG_PREFIX + name: text for name, text in values.get("tags", {}).items()}
    found[semconv.RECORD_ID] = values["id"]
    if "retry_of" in values:
        found[semconv.RETRY_OF] = values["retry_of"]
    if "ttft_ms" in values:
        found[semconv.TTFT_SECONDS] = values["ttft_ms"] / (1000 * _MS_NS)
    if ("meter" in values) != ("quantity" in values):
        missing = "quantity" if "meter" in values else "meter"
        raise EventError(missing, "is missing", "a unit has a meter and a quantity")
    if "meter" in values:
        return found
    operation = _operation(values)
    if operation is None:
        raise EventError("input_tokens", "is missing", "give token counts, or a meter and a quantity")
    found[semconv.OPERATION] = operation
    found.setdefault(semconv.OUTCOME, "complete")
    return found | _tokens(values)


def _operation(values: Mapping[str, Any]) -> str | None:
    if "operation" in values:
        return str(values["operation"])
    counted = any(name.endswith("_tokens") for name in values)
    return "chat" if counted or values.get("outcome") not in (None, "complete") else None


def _tokens(values: Mapping[str, Any]) -> dict[str, Value]:
    """Return what only the counts together say: a total must be their sum, and alone has no split."""
    total, parts = values.get("total_tokens"), [values.get("input_tokens"), values.get("output_tokens")]
    if total is None:
        return {}
    if parts == [None, None]:
        return {UNSPLIT_TOKENS: str(total)}
    stated = [part for part in parts if part is not None]
    if len(stated) == len(parts) and sum(stated) != total:
        raise EventError("total_tokens", f"{total} is not input and output together", "correct it, or leave it out")
    if sum(stated) > total:
        raise EventError("total_tokens", f"{total} is less than a part of it", "correct it, or leave it out")
    missing = semconv.OUTPUT_TOKENS if parts[1] is None else semconv.INPUT_TOKENS
    return {} if len(stated) == len(parts) else {missing: total - stated[0]}


def _text(name: str, value: Any) -> str:
    text = str(value) if isinstance(value, str | int) and not isinstance(value, bool) else None
    if text is None:
        raise EventError(name, f"{value!r} is no text", "write it as a string")
    if len(text.encode("utf-8", "replace")) > TEXT_BYTES_MOST:
        raise EventError(name, f"is longer than {TEXT_BYTES_MOST} bytes", "give an id or a name, no content")
    return text


def _count(name: str, value: Any) -> int:
    number = _decimal_of(value)
    if number is None or number != number.to_integral_value() or not 0 <= number <= COUNT_MOST:
        raise EventError(name, f"{value!r} is no count", "write a whole number from 0 on")
    return int(number)


def _decimal(name: str, value: Any) -> str:
    number = _decimal_of(value)
    if number is None or number < 0:
        raise EventError(name, f"{value!r} is no amount", "write a decimal from 0 on, best as a string")
    return f"{number:f}"


def _decimal_of(value: Any) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal):
        return None
    try:
        number = Decimal(repr(value) if isinstance(value, float) else value)
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def _truth(name: str, value: Any) -> bool:
    found = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}.get(str(value).lower())
    if found is None:
        raise EventError(name, f"{value!r} is neither true nor false", "write true or false")
    return found


def _time(name: str, value: Any) -> int:
    try:
        at = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        at = None
    if at is None or at.tzinfo is None:
        raise EventError(name, f"{value!r} is no instant", "write it like 2026-07-05T10:30:00Z, with an offset")
    whole = at.replace(microsecond=0)
    return int(whole.timestamp()) * 1000 * _MS_NS + at.microsecond * 1000


def _milliseconds(name: str, value: Any) -> int:
    number = _decimal_of(value)
    if number is None or number < 0 or number > COUNT_MOST:
        raise EventError(name, f"{value!r} is no duration", "write milliseconds from 0 on")
    return int(number * _MS_NS)


def _outcome(name: str, value: Any) -> str:
    found = OUTCOMES.get(str(value).lower())
    if found is None:
        raise EventError(name, f"{value!r} is no outcome", f"write one of {', '.join(semconv.OUTCOMES)}")
    return found


def _tags(name: str, value: Any) -> dict[str, str]:
    if not isinstance(value, Mapping) or len(value) > semconv.MAX_TAGS:
        raise EventError(name, "are no names with texts, or too many", f"write at most {semconv.MAX_TAGS}")
    return {str(key): _text(f"{name}.{key}", text) for key, text in value.items()}


_VALUES: Final[Mapping[str, Any]] = {
    "text": _text,
    "count": _count,
    "decimal": _decimal,
    "truth": _truth,
    "time": _time,
    "milliseconds": _milliseconds,
    "outcome": _outcome,
    "tags": _tags,
}
