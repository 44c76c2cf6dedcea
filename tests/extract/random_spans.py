"""Random sets of spans that hang together in every way that the clustering rules know."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st
from tests.extract.spans import NATIVE, OTEL, SECOND, T0

from tollspan_rater.domain.call import Extracted
from tollspan_rater.domain.fates import Role
from tollspan_rater.domain.usage import Usage

LOGFIRE = "logfire.openai"
OWN = "tollspan"
TRACES = ("a" * 32, "b" * 32)
RANKS = {OWN: 0, NATIVE: 10, OTEL: 20, LOGFIRE: 30}
ROLES = [Role.CALL] * 5 + [Role.EVIDENCE, Role.AGGREGATE, Role.AGGREGATE, Role.UNIT, Role.CONTEXT, Role.NONE]

KEYS = st.tuples(st.sampled_from([*TRACES, TRACES[0], TRACES[0]]), st.integers(1, 14))
SHAPES: Mapping[str, st.SearchStrategy[Any]] = {
    "role": st.sampled_from(ROLES),
    "parent": st.integers(0, 14) | st.integers(0, 3),
    "scope": st.sampled_from([OTEL, NATIVE, OWN, LOGFIRE, LOGFIRE]),
    "said": st.sampled_from([None, None, None, "r1", "r2", "chatcmpl-7"]),
    "usage": st.sampled_from([None, (10, 5), (10, 5), (20, 10), (10, None), (0, 0), (12, 300)]),
    "start": st.integers(0, 5),
    "lasts": st.sampled_from([0, 1, 3, -1]),
    "customer": st.sampled_from([None, None, "acme", "globex"]),
    "retrieve": st.sampled_from([False, False, False, True]),
    "cached": st.sampled_from([False, False, False, True]),
    "pending": st.booleans(),
}


@st.composite
def spans(draw: st.DrawFn, number: tuple[str, int] | None = None) -> Extracted:
    """Draw one span; of ``number`` when it is given."""
    trace, own = draw(KEYS) if number is None else number
    shape = {name: draw(strategy) for name, strategy in SHAPES.items()}
    start = T0 + shape["start"] * 2 * SECOND
    usage = shape["usage"]
    call = shape["role"] in {Role.CALL, Role.EVIDENCE}
    return Extracted(
        "t1",
        trace,
        f"{own:016x}",
        f"{shape['parent']:016x}" if shape["parent"] else "",
        start,
        start + shape["lasts"] * SECOND,
        shape["role"],
        "any@1",
        rank=RANKS[shape["scope"]],
        scope=shape["scope"],
        response_id=shape["said"],
        record_id=f"r{own}" if shape["scope"] == OWN else None,
        request_model="gpt-4o",
        outcome="cache_hit" if shape["cached"] else None,
        retrieve=call and shape["retrieve"],
        usage=Usage() if usage is None or shape["role"] is Role.UNIT else Usage(input=usage[0], output=usage[1]),
        said={} if shape["customer"] is None else {"customer": shape["customer"]},
        final=not shape["pending"],
    )


@st.composite
def arrivals(draw: st.DrawFn) -> list[list[Extracted]]:
    """Draw requests: spans in any order, some with two versions under one key, cut anywhere."""
    found: list[Extracted] = []
    for number in draw(st.lists(KEYS, min_size=1, max_size=14, unique=True)):
        versions = draw(st.sampled_from([1, 1, 1, 2]))
        found += [draw(spans(number)) for _ in range(versions)]
    order = draw(st.permutations(found))
    requests: list[list[Extracted]] = [[]]
    for span in order:
        if requests[-1] and draw(st.booleans()):
            requests.append([])
        requests[-1].append(span)
    return requests
