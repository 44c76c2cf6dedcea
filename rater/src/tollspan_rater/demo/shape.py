"""The shape of an hour of production LLM traffic: how large calls are and how they arrive, as plain facts.

The figures describe the Azure LLM inference dataset of 2023 (CC-BY 4.0): quantiles of input and output tokens,
and of the number of calls in a second.
"""

from __future__ import annotations

import random
from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Final

SECOND_NS: Final = 1_000_000_000
HOUR_S: Final = 3600
PARTS: Final = 1_000_000  # a quantile is a whole number of millionths

Quantiles = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Shape:
    """One kind of traffic.

    ``input`` and ``output`` are quantiles as (millionths, tokens), rising in both. ``calls`` is how many came in
    the published hour. ``burst`` is the shape of the gamma distribution that a second's rate is drawn from, fitted
    to the 99th percentile of the calls in a second: small is bursty.
    """

    name: str
    calls: int
    input: Quantiles
    output: Quantiles
    burst: float


def _quantiles(*tokens: int) -> Quantiles:
    """Put tokens at the quantiles 0, 1, 10, 25, 50, 75, 90, 99 and 100 %; the least is one token."""
    return tuple(
        zip((0, 10_000, 100_000, 250_000, 500_000, 750_000, 900_000, 990_000, PARTS), (1, *tokens), strict=True)
    )


CODE: Final = Shape(
    "code",
    8_819,
    _quantiles(17, 147, 578, 1_469, 2_745, 5_194, 7_436, 7_437),
    _quantiles(6, 7, 9, 13, 24, 55, 252, 1_899),
    0.12,
)
CONVERSATION: Final = Shape(
    "conversation",
    19_366,
    _quantiles(29, 207, 396, 1_020, 1_189, 2_735, 4_142, 14_050),
    _quantiles(16, 54, 85, 129, 395, 424, 601, 1_000),
    17.0,
)
SHAPES: Final = (CODE, CONVERSATION)


def at(quantiles: Quantiles, part: int) -> int:
    """Return the tokens at a quantile (in millionths): linear and exact between the stated ones, never falling."""
    place = min(bisect_right(quantiles, part, key=lambda stated: stated[0]), len(quantiles) - 1)
    (left, low), (right, high) = quantiles[place - 1], quantiles[place]
    return low + (high - low) * (part - left) // (right - left)


def split(calls: int) -> tuple[int, ...]:
    """Share a number of calls out to ``SHAPES`` as the published hour did; the parts add up to it."""
    bounds = list(accumulate(shape.calls for shape in SHAPES))
    ends = [calls * bound // bounds[-1] for bound in bounds]
    return tuple(end - start for start, end in zip((0, *ends), ends, strict=False))


def arrivals(shape: Shape, calls: int, rng: random.Random) -> list[int]:
    """Return the sorted offsets of calls within an hour, in nanoseconds: each second has a rate of its own."""
    rates = [rng.gammavariate(shape.burst, 1.0) for _ in range(HOUR_S)]
    seconds = Counter(rng.choices(range(HOUR_S), rates, k=calls))
    return sorted(
        second * SECOND_NS + rng.randrange(SECOND_NS) for second in sorted(seconds) for _ in range(seconds[second])
    )


def sizes(shape: Shape, calls: int, rng: random.Random) -> Sequence[tuple[int, int]]:
    """Return (input, output) tokens of calls, drawn from the quantiles."""
    return [(at(shape.input, rng.randrange(PARTS)), at(shape.output, rng.randrange(PARTS))) for _ in range(calls)]
