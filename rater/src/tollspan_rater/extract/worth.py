"""What the numbers of one span are worth, and how its call ended: the rules of the dialects."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from tollspan import semconv
from tollspan_rater.domain.fates import Role
from tollspan_rater.domain.span import ERROR
from tollspan_rater.extract.dialects.table import Dialect
from tollspan_rater.extract.numbers import truth
from tollspan_rater.extract.proofs import UNALLOCATED
from tollspan_rater.extract.reading import CACHE_UNTOLD, TOOL_USE_UNTOLD, Reading, family_in, holds_for
from tollspan_rater.extract.slots import Found, text_in

_COUNTED: Final = frozenset({Role.CALL, Role.EVIDENCE, Role.AGGREGATE})
_AT_LEAST: Final = frozenset(
    {UNALLOCATED, CACHE_UNTOLD, TOOL_USE_UNTOLD}
)  # flags of counts that may be more, never less


def quality_of(dialect: Dialect, found: Found, reading: Reading, role: Role, flags: Sequence[str]) -> str | None:
    """Return what the numbers are worth: as stated by tollspan's own span, else by the rules of the dialect."""
    said = found.get("quality")
    if said in semconv.QUALITIES:
        return str(said)
    if role not in _COUNTED:
        return None
    if not reading.usage.measured:
        return "unmeasured"
    if not _AT_LEAST.isdisjoint(flags):
        return "lower_bound"
    if role is Role.AGGREGATE:
        return dialect.aggregate_quality or "derived"
    return _of_answer(dialect, found, reading) or ("derived" if flags else "exact")


def outcome_of(dialect: Dialect, found: Found, reading: Reading, status: int) -> str | None:
    """Return how a call ended, as far as its span says: in tollspan's own words, or by status and finish reason."""
    said = found.get("outcome")
    if said in semconv.OUTCOMES:
        return str(said)
    if truth(found.get("cache_hit")):
        return "cache_hit"
    if status == ERROR:
        return "failed"
    return "aborted" if _broke_off(dialect, found, reading) else None


def _broke_off(dialect: Dialect, found: Found, reading: Reading) -> bool:
    """Tell whether an answer ended before its end: it has no finish reason where its dialect always writes one."""
    if "finish" in found:
        return False
    if dialect.stream_ends_with_finish and truth(found.get("stream")):
        return True
    return reading.raw is not None and holds_for(dialect.raw_has_finish, found)


def _of_answer(dialect: Dialect, found: Found, reading: Reading) -> str | None:
    if _broke_off(dialect, found, reading) or _first_event(dialect, found, reading):
        return "lower_bound"
    if _estimated(dialect, found):
        return "estimated"
    uncached = dialect.uncached_stream_quality if reading.usage.cache_read is None else None
    return (uncached if truth(found.get("stream")) else None) or dialect.answer_quality


def _first_event(dialect: Dialect, found: Found, reading: Reading) -> bool:
    few = reading.raw is not None and (reading.usage.output or 0) < dialect.placeholder
    return few and "finish" not in found and family_in(found) == "claude"


def _estimated(dialect: Dialect, found: Found) -> bool:
    made_up = dialect.estimates
    if made_up is None:
        return False
    method = text_in(found, "method")
    return method is not None and method.startswith(made_up.method) and family_in(found) in made_up.families
