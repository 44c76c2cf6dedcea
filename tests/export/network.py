"""The way to a simulator, on which a request may be lost, doubled, delayed, or the last thing the process did."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random

import httpx

from tests.export.simulators.simulator import SECOND, Call, Reply, Simulator
from tollspan_rater.domain.clock import FixedClock

LONGEST_DELAY_S = 100  # shorter than the time after which a look is believed


class KilledError(BaseException):
    """The process ends here; nothing after this happens."""


class Network(httpx.BaseTransport):
    """Takes requests to a simulator; ``draw`` decides about faults, without it there are none."""

    def __init__(self, simulator: Simulator, clock: FixedClock, draw: Random | None = None) -> None:
        self.simulator, self._clock, self._draw = simulator, clock, draw
        self._late: list[tuple[int, Call]] = []
        self.calls: list[Call] = []
        self.doubles = True
        self.share = 0.5

    def calm(self) -> None:
        """Let nothing go wrong any more, except for what is still under way."""
        self._draw = None

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        call = Call(request.method, str(request.url), dict(request.headers), request.read())
        self.calls.append(call)
        done = self._way()(call)
        return httpx.Response(done.status, headers=dict(done.headers), content=done.body, request=request)

    def _way(self) -> Callable[[Call], Reply]:
        if self._draw is None or self._draw.random() > self.share:
            return self.simulator.handle
        names = [name for name in _FAULTS if self.doubles or name != "twice"]
        return lambda call: _FAULTS[self._drawn().choice(names)](self, call)

    def _drawn(self) -> Random:
        assert self._draw is not None
        return self._draw

    def wait(self, seconds: float) -> None:
        """Let time pass, in which what is still under way arrives when its time has come."""
        end_ns = self._clock.now_ns() + int(seconds * SECOND)
        due = sorted((one for one in self._late if one[0] <= end_ns), key=lambda one: one[0])
        self._late = [one for one in self._late if one[0] > end_ns]
        for at_ns, call in due:
            self._clock.set(at_ns)
            self.simulator.handle(call)
        self._clock.set(end_ns)

    def dropped(self, _call: Call) -> Reply:
        raise httpx.ConnectError("connection refused")

    def lost(self, _call: Call) -> Reply:
        raise httpx.ReadTimeout("timed out")

    def timed_out(self, call: Call) -> Reply:
        self.simulator.handle(call)
        raise httpx.ReadTimeout("timed out")

    def cut(self, call: Call) -> Reply:
        self.simulator.handle(call)
        raise httpx.RemoteProtocolError("peer closed connection")

    def delayed(self, call: Call) -> Reply:
        at_ns = self._clock.now_ns() + self._drawn().randint(1, LONGEST_DELAY_S) * SECOND
        self._late.append((at_ns, call))
        raise httpx.ReadTimeout("timed out")

    def twice(self, call: Call) -> Reply:
        self.simulator.handle(call)
        return self.simulator.handle(call)

    def failed(self, call: Call) -> Reply:
        return self.simulator.fail(call, taken=False)

    def failed_after(self, call: Call) -> Reply:
        return self.simulator.fail(call, taken=True)

    def busy(self, call: Call) -> Reply:
        return self.simulator.busy(call)

    def partly(self, call: Call) -> Reply:
        return self.simulator.partly(call)

    def killed_before(self, _call: Call) -> Reply:
        raise KilledError

    def killed_after(self, call: Call) -> Reply:
        self.simulator.handle(call)
        raise KilledError


_FAULTS: Mapping[str, Callable[[Network, Call], Reply]] = {
    "dropped": Network.dropped,
    "lost": Network.lost,
    "timed_out": Network.timed_out,
    "cut": Network.cut,
    "delayed": Network.delayed,
    "twice": Network.twice,
    "failed": Network.failed,
    "failed_after": Network.failed_after,
    "busy": Network.busy,
    "partly": Network.partly,
    "killed_before": Network.killed_before,
    "killed_after": Network.killed_after,
}
