import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tollspan_rater.demo.shape import (
    CODE,
    CONVERSATION,
    HOUR_S,
    PARTS,
    SECOND_NS,
    SHAPES,
    Shape,
    arrivals,
    at,
    sizes,
    split,
)

# Quantiles of the published hour: p1, p10, p25, p50, p75, p90, p99, max.
PUBLISHED = {
    "code input": (CODE, 0, (17, 147, 578, 1469, 2745, 5194, 7436, 7437)),
    "code output": (CODE, 1, (6, 7, 9, 13, 24, 55, 252, 1899)),
    "conversation input": (CONVERSATION, 0, (29, 207, 396, 1020, 1189, 2735, 4142, 14050)),
    "conversation output": (CONVERSATION, 1, (16, 54, 85, 129, 395, 424, 601, 1000)),
}
AT = (0.01, 0.10, 0.25, 0.50, 0.75, 0.90, 0.99, 1.0)


@pytest.mark.parametrize("name", PUBLISHED)
def test_stated_quantiles_come_out_exactly(name: str) -> None:
    shape, column, published = PUBLISHED[name]
    quantiles = (shape.input, shape.output)[column]
    assert tuple(at(quantiles, round(part * PARTS)) for part in AT) == published


@pytest.mark.parametrize("name", PUBLISHED)
def test_drawn_sizes_have_the_published_quantiles(name: str) -> None:
    shape, column, published = PUBLISHED[name]
    drawn = sorted(pair[column] for pair in sizes(shape, 20_000, random.Random(7)))
    for part, tokens in list(zip(AT, published, strict=True))[1:6]:  # the far tails need more draws
        assert drawn[int(part * len(drawn)) - 1] == pytest.approx(tokens, rel=0.06, abs=2), part


@given(st.sampled_from(SHAPES), st.integers(0, PARTS), st.integers(0, PARTS))
def test_more_of_the_traffic_is_never_smaller(shape: Shape, one: int, other: int) -> None:
    low, high = sorted((one, other))
    for quantiles in (shape.input, shape.output):
        assert 1 <= at(quantiles, low) <= at(quantiles, high) <= quantiles[-1][1]


@given(st.integers(0, 100_000))
def test_a_split_adds_up(calls: int) -> None:
    parts = split(calls)
    assert sum(parts) == calls
    assert all(part >= 0 for part in parts)


def test_a_split_of_the_published_number_is_the_published_one() -> None:
    assert split(28_185) == (8_819, 19_366)


@pytest.mark.parametrize(
    ("shape", "p99", "busiest"),
    [(CODE, 37, 67), (CONVERSATION, 13, 19)],
    ids=["code", "conversation"],
)
def test_arrivals_are_as_bursty_as_published(shape: Shape, p99: int, busiest: int) -> None:
    offsets = arrivals(shape, shape.calls, random.Random(3))
    assert len(offsets) == shape.calls
    assert offsets == sorted(offsets)
    assert 0 <= offsets[0] <= offsets[-1] < HOUR_S * SECOND_NS
    seconds = Counter(offset // SECOND_NS for offset in offsets)
    counts = sorted([*seconds.values(), *[0] * (HOUR_S - len(seconds))])
    assert counts[int(0.99 * HOUR_S)] == pytest.approx(p99, rel=0.25)
    assert busiest * 0.7 <= counts[-1] <= busiest * 2.5
