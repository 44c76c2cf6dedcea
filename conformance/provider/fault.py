"""What goes wrong on demand, by the traits of a case.

A status for every attempt (``429``) or for the first alone (``500-once``); ``hang-once``: the first attempt is worked
on and charged, but answered too late; ``cut`` and ``error-event`` break a stream; ``no-usage`` and ``null-usage`` take
the usage out of an answer; ``slow`` takes its time between the events of a stream.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

OK = 200
HANG_S = 5.0  # longer than the timeout of a client that wants to see one
SLOW_S = 0.05
EVENTS_BEFORE_FAULT = 4
ERRORS: Mapping[int, str] = {400: "invalid_request_error", 401: "authentication_error", 429: "rate_limit_error",
                             500: "api_error", 503: "api_error", 529: "overloaded_error"}  # fmt: skip
_USAGE = ("usage", "usageMetadata", "usage_info", "meta", "prompt_eval_count", "eval_count")
_INSIDE = ("response", "message", "delta", "interaction")
_WITHOUT = {"no-usage", "null-usage"}


def status_of(traits: Collection[str], *, first: bool) -> int:
    """Return the status to answer with."""
    for trait in traits:
        code, _, once = trait.partition("-")
        if code.isdigit() and (first or not once):
            return int(code)
    return OK


def hangs(traits: Collection[str], *, first: bool) -> bool:
    """Tell whether to answer too late."""
    return first and "hang-once" in traits


def robbed(document: Any, traits: Collection[str]) -> Any:
    """Return a document as the case wants it: whole, without its usage, or with none in its place."""
    if _WITHOUT.isdisjoint(traits) or not isinstance(document, dict):
        return document
    left = {key: robbed(value, traits) if key in _INSIDE else value for key, value in document.items()}
    for key in _USAGE:
        if "null-usage" in traits and key in left:
            left[key] = None
        left = left if "null-usage" in traits else {name: value for name, value in left.items() if name != key}
    return left


def error_body(status: int) -> dict[str, Any]:
    """Return an error in a form that every SDK reads."""
    kind = ERRORS.get(status, "api_error")
    said = {"type": kind, "message": "asked for", "code": status, "status": "RESOURCE_EXHAUSTED"}
    return {"type": "error", "error": said, "message": "asked for"}
