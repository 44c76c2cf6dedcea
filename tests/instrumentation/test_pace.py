"""Time to the first piece, and tokens a second after it."""

from __future__ import annotations

import pytest

from tollspan.pace import Pace

SECOND = 1_000_000_000


@pytest.mark.parametrize(
    ("pace", "tokens", "ttft", "rate"),
    [
        (Pace(SECOND, 3 * SECOND), 40, 2.0, 20.0),
        (Pace(SECOND, None), 40, None, None),
        (Pace(SECOND, 5 * SECOND), 40, 4.0, None),
        (Pace(SECOND, 3 * SECOND), None, 2.0, None),
        (Pace(SECOND, 3 * SECOND), 0, 2.0, None),
    ],
    ids=["a stream", "nothing came", "one piece", "unknown", "nothing written"],
)
def test_pace(pace: Pace, tokens: int | None, ttft: float | None, rate: float | None) -> None:
    assert (pace.ttft_seconds, pace.output_rate(tokens, 5 * SECOND)) == (ttft, rate)
