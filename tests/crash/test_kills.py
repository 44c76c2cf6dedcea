"""The small form of ``python -m tests.crash``: each window once, some random moments, nothing lost or doubled."""

from pathlib import Path

import pytest

from tests.crash.traffic import Sent, request
from tests.crash.verdict import compare
from tests.crash.windows import WINDOWS, crash_at_random, crash_in

KILLS = 8


def test_a_kill_in_each_window_loses_and_doubles_nothing(tmp_path: Path) -> None:
    steps = [(window, 1 + number % 3) for number, window in enumerate(WINDOWS)]
    result = crash_in(steps, tmp_path / "data", seed=2, name="each")
    assert result.verdict is not None
    assert result.verdict.holds, result.verdict
    assert result.verdict.acknowledged
    assert result.kills == len(WINDOWS)


def test_kills_at_random_moments_lose_and_double_nothing(tmp_path: Path) -> None:
    result = crash_at_random(KILLS, tmp_path / "data", seed=3, longest_s=1.0)
    assert result.verdict is not None
    assert result.verdict.holds, result.verdict
    assert result.verdict.acknowledged


ONE, TWO = Sent("1", "acme", 10, 1), Sent("2", "acme", 20, 2)


@pytest.mark.parametrize(
    ("calls", "lost", "double", "holds"),
    [
        ([ONE, TWO], 0, 0, True),
        ([ONE], 1, 0, False),
        ([ONE, TWO, TWO], 0, 1, False),
        ([ONE, Sent("2", "initech", 20, 2)], 0, 0, False),
        ([ONE, TWO, Sent("3", "acme", 0, 0)], 0, 0, False),
    ],
)
def test_the_verdict_sees_what_is_missing_and_what_is_there_twice(
    calls: list[Sent],
    lost: int,
    double: int,
    holds: bool,
) -> None:
    verdict = compare({"1": ONE, "2": TWO}, calls, 0, [])
    assert (verdict.lost, verdict.double, verdict.holds) == (lost, double, holds)


def test_a_request_is_drawn_from_its_seed_and_number() -> None:
    assert request(1, 2, 3) == request(1, 2, 3)
    assert request(1, 2, 3) != request(1, 3, 3) != request(2, 3, 3)
