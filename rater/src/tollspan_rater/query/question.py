"""A question: its parameters, and how raw values are checked by them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches
from typing import Final, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from tollspan_rater.errors import UsageError
from tollspan_rater.pricing.period import LABEL, LABELS, YEARS

_SHOWN: Final = 200  # characters of a wrong value that a message repeats
ANY_TAG: Final = "tags.NAME"  # among choices: the tags of all names
TAG: Final = ANY_TAG.removesuffix("NAME")
Kind = Literal["str", "id", "int", "date", "zone", "moment", "period", "enum", "flag", "json"]
Scope = Literal["query", "export", "admin"]


@dataclass(frozen=True, slots=True)
class Param:
    """One parameter of a question.

    ``repeat`` allows several values, given apart or with commas, handed on joined by commas.
    ``positional`` makes it an argument on the command line. ``choices`` belongs to kind ``enum``. Kind ``id`` is
    text that may be empty, for a reader who has not said yet what to look for. Kind ``json`` is a JSON object or array
    as text, as long as it needs to be: it comes with ``POST``.
    """

    name: str
    help: str
    kind: Kind = "str"
    default: str | None = None
    repeat: bool = False
    positional: bool = False
    required: bool = False
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Question:
    """One question: its name (a dot parts a group from its member), parameters and the scope it needs.

    ``one_of`` names parameters of which exactly one must be given. ``brief`` names the columns that a
    terminal shows beside the asked dimensions, ``quiet`` those of them that stay away while they hold nothing;
    machine formats always carry all. ``example`` is a command line that works.
    """

    name: str
    help: str
    params: tuple[Param, ...]
    example: str
    scope: Scope = "query"
    one_of: tuple[str, ...] = ()
    brief: tuple[str, ...] = ()
    quiet: tuple[str, ...] = ()

    def read(self, given: Mapping[str, Sequence[str]]) -> dict[str, str]:
        """Check raw values by the table and fill in defaults.

        Raises:
            UsageError: an unknown parameter (with the nearest known name), a value of the wrong kind, a
                value too many or one that is missing.
        """
        known = {param.name: param for param in self.params}
        for name in given:
            if name not in known:
                raise UsageError(f"{self.name} has no parameter {name!r}{nearest(name, known)}")
        read: dict[str, str] = {}
        for param in self.params:
            value = _read(self.name, param, given.get(param.name, ()))
            if value is not None:
                read[param.name] = value
        if self.one_of and sum(name in read for name in self.one_of) != 1:
            raise UsageError(f"{self.name} needs exactly one of: {', '.join(self.one_of)}")
        return read


def nearest(name: str, known: Mapping[str, object] | Sequence[str]) -> str:
    """Return a sentence end that proposes the known name most like ``name``, or lists them all."""
    close = get_close_matches(name, list(known), n=1)
    return f"; did you mean {close[0]!r}?" if close else f"; known are: {', '.join(known)}"


def _read(asked: str, param: Param, values: Sequence[str]) -> str | None:
    if param.repeat:
        values = [part.strip() for value in values for part in value.split(",") if part.strip()]
    elif len(values) > 1:
        raise UsageError(f"{asked}: {param.name} can be given once, not {len(values)} times")
    if not values:
        if param.required:
            raise UsageError(f"{asked} needs {param.name}: {param.help}")
        return param.default
    return _check(asked, param, values)


def _check(asked: str, param: Param, values: Sequence[str]) -> str | None:
    for value in values:
        wish = _CHECKS[param.kind](value)
        shown = value if len(value) <= _SHOWN else f"{value[:_SHOWN]}..."
        tag = value.startswith(TAG) and value != TAG and ANY_TAG in param.choices
        if param.kind == "enum" and value not in param.choices and not tag:
            raise UsageError(f"{asked}: {param.name} cannot be {value!r}{nearest(value, param.choices)}")
        if wish:
            raise UsageError(f"{asked}: {param.name} = {shown!r} cannot be used: give {wish}")
    if param.kind == "flag":
        return "true" if values[0] == "true" else None
    return ",".join(values)


def _wish_date(value: str) -> str:
    try:
        known = datetime.fromisoformat(value).year in YEARS
    except ValueError:
        known = False
    spaced = "; in an address, + is written %2B" if " " in value else ""
    return "" if known else f"a day or an instant, for example 2026-11-01 or 2026-11-01T12:00:00Z{spaced}"


def _wish_zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return "a time zone of the IANA list, for example Europe/Berlin"
    return ""


def _wish_moment(value: str) -> str:
    wish = "" if _MOMENT.fullmatch(value) else _wish_date(value)
    return f"a journal position, now, stored, {wish}" if wish else ""


def _wish_json(value: str) -> str:
    return "" if value.lstrip()[:1] in {"{", "["} else "a JSON object or array"


def _wish_pattern(pattern: str, wish: str) -> Callable[[str], str]:
    compiled = re.compile(pattern)
    return lambda value: "" if compiled.fullmatch(value) else wish


_MOMENT: Final = re.compile("[0-9]{1,18}|now|stored")
_CHECKS: Final[Mapping[Kind, Callable[[str], str]]] = {
    "str": _wish_pattern(r"(?s).+", "some text"),
    "id": lambda _value: "",
    "enum": lambda _value: "",
    "int": _wish_pattern(r"[0-9]{1,9}", "a whole number, for example 20"),
    "period": _wish_pattern(LABEL.pattern, f"one of {LABELS}"),
    "flag": _wish_pattern(r"true|false", "true or false"),
    "date": _wish_date,
    "zone": _wish_zone,
    "moment": _wish_moment,
    "json": _wish_json,
}
