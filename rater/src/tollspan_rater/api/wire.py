"""How answers and errors travel between tollspan's own client and server without losing a type.

Public JSON writes decimals as strings. The client must know them from text, so that a command prints
the same whether a server stands between or not: here a decimal is ``{"$decimal": "1.50"}`` and a mapping
``{"$map": {...}}``, which no value of a user can imitate.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from http import HTTPStatus
from typing import Any, Final

from tollspan_rater import errors
from tollspan_rater.query.answer import Answer

ANSWER_TYPE: Final = "application/vnd.tollspan.answer+json"
PROBLEM_TYPE: Final = "application/problem+json"  # RFC 9457

STATUS: Final[Mapping[type[errors.TollspanError], int]] = {
    errors.UsageError: 400,
    errors.NotFoundError: 404,
    errors.CloseRefusedError: 409,
    errors.FolderBusyError: 409,
    errors.ExportBusyError: 409,
    errors.SignatureError: 401,
    errors.FormatVersionError: 409,
    errors.StoreDeadError: 503,
    errors.JournalError: 503,
}


def pack(value: Any) -> Any:
    """Turn a cell, row or detail into JSON values that ``unpack`` restores with its types."""
    if isinstance(value, Decimal):
        return {"$decimal": str(value)}
    if isinstance(value, Mapping):
        return {"$map": {str(name): pack(inner) for name, inner in value.items()}}
    if isinstance(value, list | tuple):
        return [pack(inner) for inner in value]
    return value


def unpack(value: Any) -> Any:
    """Undo ``pack``."""
    if isinstance(value, dict):
        if "$decimal" in value:
            return Decimal(value["$decimal"])
        return {name: unpack(inner) for name, inner in value["$map"].items()}
    if isinstance(value, list):
        return [unpack(inner) for inner in value]
    return value


def pack_answer(answer: Answer) -> dict[str, Any]:
    """Turn an answer into a JSON object with its types."""
    return {name: pack(getattr(answer, name)) for name in Answer.__slots__}


def unpack_answer(packed: Mapping[str, Any]) -> Answer:
    """Undo ``pack_answer``; sequences come back as lists."""
    return Answer(**{name: unpack(packed[name]) for name in Answer.__slots__})


def problem(error: errors.TollspanError) -> dict[str, Any]:
    """Describe an error by RFC 9457; ``error`` is its class, ``fields`` what it carries beside its sentence.

    A problem of no type of its own has the title of its status (RFC 9457, 4.2.1).
    """
    status = next((STATUS[kind] for kind in type(error).__mro__ if kind in STATUS), 500)
    return {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": str(error),
        "error": type(error).__name__,
        "fields": {name: value for name, value in vars(error).items() if isinstance(value, str | int)},
    }


def exception_of(said: Mapping[str, Any]) -> errors.TollspanError:
    """Make the exception again that a problem describes, with its class and sentence."""
    kind = _KINDS.get(str(said.get("error")), errors.TollspanError)
    error = kind.__new__(kind)
    error.args = (str(said.get("detail", "the server answered with an error it did not describe")),)
    for name, value in dict(said.get("fields", {})).items():
        setattr(error, name, value)
    return error


def _tree(kind: type[errors.TollspanError]) -> Iterator[type[errors.TollspanError]]:
    yield kind
    for child in kind.__subclasses__():
        yield from _tree(child)


_KINDS: Final = {kind.__name__: kind for kind in _tree(errors.TollspanError)}
