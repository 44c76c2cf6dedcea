"""When two spans may show one call: the conditions of the clustering rules, a question to two spans each."""

from __future__ import annotations

from typing import Final

from tollspan import semconv
from tollspan_rater.domain.call import Extracted
from tollspan_rater.extract.family import model_family
from tollspan_rater.extract.response_id import real_id

SAME_OUTPUT: Final = 16  # tokens by which two views of one call may differ
CACHE_HIT: Final = "cache_hit"
LOWER_BOUND: Final = "lower_bound"


def same_response(one: Extracted, other: Extracted) -> bool:
    """R1, of two spans with one response id: two instrumentations saw it, or one fetched what the other made."""
    if one.scope == other.scope and not (one.retrieve or other.retrieve):
        return False
    if CACHE_HIT in {one.outcome, other.outcome} and not _at_one_time(one, other):
        return False
    outputs_fit = _compatible_output(one, other) or _within(one, other) or _within(other, one)
    return outputs_fit and _same_family(one, other)


def same_sibling(one: Extracted, other: Extracted) -> bool:
    """R3, of two spans under one parent at one time: two instrumentations, and nothing says otherwise."""
    return (
        one.scope != other.scope
        and _compatible_output(one, other)
        and _same_family(one, other)
        and _ids_agree(one, other)
    )


def same_nested(outer: Extracted, inner: Extracted) -> bool:
    """R2, of a call and the only one below it: no two records of our own, and ids or totals agree."""
    if own_records_differ(outer, inner):
        return False
    return _ids_agree(outer, inner) or _same_totals(outer, inner)


def metered_twice(outer: Extracted, inner: Extracted) -> bool:
    """R5, of a record of ours and the only one below it: the same response, so a gateway's hop may count twice."""
    if not own_records_differ(outer, inner):
        return False
    said = real_id(outer)
    return (said is not None and said == real_id(inner)) or _same_totals(outer, inner)


def own_records_differ(one: Extracted, other: Extracted) -> bool:
    """Two records of tollspan's own are two calls, unless one only fetches what the other made."""
    if one.retrieve or other.retrieve:
        return False
    both_own = one.scope == semconv.SCOPE_NAME == other.scope
    return both_own and one.record_id is not None and other.record_id is not None and one.record_id != other.record_id


def _at_one_time(one: Extracted, other: Extracted) -> bool:
    """Tell whether two spans overlap: a gateway's cache answers with an old id, soon after the call that it repeats."""
    return one.start_ns <= other.end_ns and other.start_ns <= one.end_ns


def _same_family(one: Extracted, other: Extracted) -> bool:
    families = (
        model_family(one.response_model or one.request_model),
        model_family(other.response_model or other.request_model),
    )
    return families[0] is None or families[1] is None or families[0] == families[1]


def _compatible_output(one: Extracted, other: Extracted) -> bool:
    outputs = one.usage.output, other.usage.output
    return outputs[0] is None or outputs[1] is None or abs(outputs[0] - outputs[1]) <= SAME_OUTPUT


def _within(bound: Extracted, other: Extracted) -> bool:
    """Tell whether one span's output is a lower bound of the other's: some leave out what a model thinks."""
    least, output = bound.usage.output, other.usage.output
    return bound.quality == LOWER_BOUND and least is not None and output is not None and least <= output


def _ids_agree(one: Extracted, other: Extracted) -> bool:
    ids = real_id(one), real_id(other)
    return ids[0] is None or ids[1] is None or ids[0] == ids[1]


def _same_totals(one: Extracted, other: Extracted) -> bool:
    return (
        one.usage.measured and one.usage.input == other.usage.input and one.usage.output == other.usage.output
    ) and _same_family(one, other)
