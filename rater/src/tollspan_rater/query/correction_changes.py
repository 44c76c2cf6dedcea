"""What a correction may set: names and values as people write them, checked, in the words of the store."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from tollspan import semconv
from tollspan_rater.domain.call import Call
from tollspan_rater.domain.correction import AMENDED, KEYS, METER, TAG, Changes
from tollspan_rater.domain.meters import PARENT, TOKEN_METERS
from tollspan_rater.domain.usage import TOKEN_FIELDS
from tollspan_rater.errors import UnusableValueError, UsageError
from tollspan_rater.extract.correct import amended, reattributed
from tollspan_rater.extract.numbers import quantity, token_count, truth
from tollspan_rater.pricing.card import NAME
from tollspan_rater.pricing.model import shortest
from tollspan_rater.query.selection import instant

Said = Mapping[str, str | int | bool]

_NO_METERS: Final = frozenset({"request"})  # a call is one request, whatever is said of it
_ALWAYS_KNOWN: Final = ("outcome", "started_at")


def amendment(said: Said, zone: str) -> Changes:
    """Return what an amendment changes; days and times without an offset are of ``zone``.

    Raises:
        UsageError: a name or a value that cannot be used.
    """
    changes: dict[str, str | None] = {}
    for name, value in said.items():
        text = _text(value)
        if text is None and name in _ALWAYS_KNOWN:
            raise UsageError(f"{name} cannot be unknown: give a value")
        match name:
            case "provider" | "model" | "service_tier":
                changes[name] = text
            case "outcome":
                changes[name] = _one_of(name, text or "", semconv.OUTCOMES)
            case "started_at":
                changes["started_ns"] = str(_time(text or "", zone))
            case _:
                changes[METER + _meter(name)] = _amount(name, text)
    return changes


def attribution(said: Said, subject: Callable[[str], str]) -> Changes:
    """Return what a re-attribution changes; ``subject`` gives the id of a person.

    Raises:
        UsageError: a name or a value that cannot be used.
    """
    changes: dict[str, str | None] = {}
    for name, value in said.items():
        if name not in KEYS and not (name.startswith(TAG) and name != TAG):
            known = f"{', '.join(semconv.ATTRIBUTION_KEYS)}, {TAG}NAME"
            raise UsageError(f"there is no attribution key {name!r}; known are: {known}")
        text = _text(value)
        if text is not None and len(text.encode()) > semconv.MAX_ATTRIBUTION_VALUE_BYTES:
            raise UsageError(f"{name}: a value may have {semconv.MAX_ATTRIBUTION_VALUE_BYTES} bytes; shorten it")
        if name == "billable" and text is not None:
            text = _true_or_false(text)
        changes[name] = subject(text) if name == "user" and text is not None else text
    return changes


def after_amendment(call: Call, changes: Changes) -> Call:
    """Return a call as an amendment leaves it.

    Raises:
        UsageError: the quantities contradict each other or the kind of call.
    """
    meters = {name.removeprefix(METER) for name in changes if name.startswith(METER)}
    if call.kind == "unit" and (meters - {call.meter} or None in {changes[METER + name] for name in meters}):
        raise UsageError(f"{call.call_id} is a quantity of {call.meter} and of nothing else: set {call.meter}=NUMBER")
    after = amended(call, changes)
    unfit = sorted(set(after.flags) - {*call.flags, AMENDED})
    if unfit:
        raise UsageError(f"{call.call_id}: {', '.join(unfit)}: a part cannot be larger than its whole; set both")
    for meter in sorted(meters & PARENT.keys()):
        if changes[METER + meter] is not None and _known(after, PARENT[meter]) is None:
            raise UsageError(f"{call.call_id}: {meter} is a part of {PARENT[meter]}, which is unknown; set both")
    return after


def after_attribution(call: Call, changes: Changes) -> Call:
    """Return a call as a re-attribution leaves it.

    Raises:
        UsageError: it would have more tags than a call may have.
    """
    after = reattributed(call, changes)
    if len(after.tags) > semconv.MAX_TAGS:
        raise UsageError(f"{call.call_id} would have {len(after.tags)} tags, {semconv.MAX_TAGS} is the most")
    return after


def _known(call: Call, meter: str) -> object:
    return getattr(call.usage, meter) if meter in TOKEN_FIELDS else call.usage.units.get(meter)


def _text(value: str | int | bool) -> str | None:  # noqa: FBT001 - a value of JSON
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value).strip() or None


def _true_or_false(text: str) -> str:
    found = truth(text)
    if found is None:
        raise UsageError(f"billable cannot be {text!r}: give true or false")
    return "true" if found else "false"


def _one_of(name: str, text: str, known: tuple[str, ...]) -> str:
    if text not in known:
        raise UsageError(f"{name} cannot be {text!r}; known are: {', '.join(known)}")
    return text


def _time(text: str, zone: str) -> int:
    try:
        found = instant(text, zone)
    except ValueError:
        raise UsageError(f"started_at = {text!r} is no time: give one like 2026-11-01T12:00:00Z") from None
    if not 0 < found < 1 << 63:
        raise UsageError(f"started_at = {text!r} is not after 1970")
    return found


def _meter(name: str) -> str:
    if not NAME.fullmatch(name) or name in _NO_METERS:
        raise UsageError(
            f"{name!r} cannot be amended: give provider, model, outcome, service_tier, started_at or a meter"
        )
    return name


def _amount(meter: str, text: str | None) -> str | None:
    if text is None:
        return None
    try:
        return str(token_count(meter, text)) if meter in TOKEN_METERS else f"{shortest(quantity(meter, text)):f}"
    except UnusableValueError as error:
        raise UsageError(str(error).partition(". Correct")[0]) from None
