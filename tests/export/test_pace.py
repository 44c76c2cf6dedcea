from __future__ import annotations

from tollspan_rater.domain.clock import FixedClock
from tollspan_rater.export.pace import SECOND, Pace


class Watch:
    """A clock that its own sleeper moves."""

    def __init__(self, *, stopped: bool = False) -> None:
        self.clock, self.slept, self.stopped = FixedClock(10**18), [], stopped

    def sleep(self, seconds: float) -> bool:
        self.slept.append(seconds)
        self.clock.set(self.clock.now_ns() + int(seconds * SECOND))
        return self.stopped

    slept: list[float]


def test_requests_are_spaced_by_the_rate() -> None:
    watch = Watch()
    pace = Pace(4, watch.clock, watch.sleep)
    assert [pace.ready() for _ in range(3)] == [True] * 3
    assert watch.slept == [0.25, 0.25]


def test_without_a_rate_nobody_waits() -> None:
    watch = Watch()
    pace = Pace(None, watch.clock, watch.sleep)
    assert all(pace.ready() for _ in range(100))
    assert watch.slept == []


def test_the_pause_that_a_target_asks_for_is_kept() -> None:
    watch = Watch()
    pace = Pace(None, watch.clock, watch.sleep)
    pace.rest(7)
    pace.rest(3)
    assert pace.ready()
    assert watch.slept == [7]


def test_longer_than_its_patience_nobody_waits() -> None:
    watch = Watch()
    pace = Pace(None, watch.clock, watch.sleep, patience_s=5)
    pace.rest(6)
    assert not pace.ready()
    assert watch.slept == []


def test_a_sleeper_may_say_that_it_is_time_to_stop() -> None:
    watch = Watch(stopped=True)
    pace = Pace(None, watch.clock, watch.sleep)
    pace.rest(1)
    assert not pace.ready()
