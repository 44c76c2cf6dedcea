"""The demo's way from planned calls to answers: set up, send, kill, start again, ask, compare."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from time import monotonic
from typing import Final, Protocol

from tollspan.settings import TRACES_PATH
from tollspan.transport import http_post
from tollspan_rater.api.client import HttpDoor
from tollspan_rater.demo import sdk
from tollspan_rater.demo.child import Server
from tollspan_rater.demo.comparison import Check, bill_checks, fate_checks, usage_checks
from tollspan_rater.demo.prices import documents
from tollspan_rater.demo.reference import bills
from tollspan_rater.demo.scenario import Scenario
from tollspan_rater.demo.sending import Courier, Log, Request, Sent
from tollspan_rater.demo.traffic import PlannedCall
from tollspan_rater.query.answer import Answer

TENANT: Final = "default"
ACTOR: Final = "demo"
_TICK_S: Final = 0.05


@dataclass(frozen=True, slots=True)
class Delivery:
    """How the sending went: the senders' log, and the kill in its middle."""

    sent: Sent
    killed_after: int
    restart_s: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """Everything that the demo shows. ``invoices`` are by month."""

    usage: Answer
    audit: Answer
    invoices: Mapping[str, Answer]
    checks: Sequence[Check]

    @property
    def ok(self) -> bool:
        """Whether all equations hold and all numbers are equal."""
        return self.audit.ok and all(check.equal for check in self.checks)


class Restartable(Protocol):
    """What takes OTLP and can be ended without a word and started again."""

    @property
    def otlp_url(self) -> str:
        """Return the base address of OTLP/HTTP, the same after a restart."""
        ...

    def kill(self) -> None:
        """End it with SIGKILL."""
        ...

    def start(self) -> float:
        """Start it, and return how many seconds it took to become ready."""
        ...


class Interruption:
    """Kills the server once, in the thread of the sender whose acknowledgement completes the first half."""

    def __init__(self, server: Restartable, after: int) -> None:
        self._server, self._after = server, after
        self._lock = threading.Lock()
        self.killed_after: int | None = None
        self.killed = threading.Event()

    def __call__(self, acknowledged: int) -> None:
        """Take the number of acknowledged spans; kill when it is time."""
        with self._lock:
            if self.killed_after is not None or acknowledged < self._after:
                return
            self.killed_after = acknowledged
            self._server.kill()
        self.killed.set()


def set_up(server: Server, scenario: Scenario) -> None:
    """Apply the prices and set the customers with their plans."""
    with server.door() as door:
        door.execute("pricing.apply", {"files": scenario.pricing, "note": "demo"}, tenant=TENANT, actor=ACTOR)
        people = [{"customer": customer.name, "plan": customer.plan} for customer in scenario.customers]
        door.execute("customer.import", {"customers": people}, tenant=TENANT, actor=ACTOR)


def sdk_calls(server: Server, scenario: Scenario, now_ns: Callable[[], int]) -> list[PlannedCall] | None:
    """Make the calls with the real SDKs; none beside a trace, whose totals must come out alone.

    Returns None when the SDKs are not installed.
    """
    if scenario.from_trace:
        return []
    first = scenario.calls[-1].number + 1 if scenario.calls else 0
    return sdk.run(server.otlp_url, scenario.customers, first, random.Random(f"{scenario.seed} sdk"), now_ns)


def deliver(server: Restartable, sends: Sequence[Sequence[Request]], progress: Callable[[int], None]) -> Delivery:
    """Send everything, kill the server in the middle, start it again; return when all is acknowledged.

    ``progress`` is told the number of acknowledged spans from time to time.
    """
    begun = monotonic()
    interruption = Interruption(server, sum(len(one.records) for queue in sends for one in queue) // 2)
    log = Log(interruption)
    courier = Courier(http_post(server.otlp_url + TRACES_PATH, {}), log)
    restart_s = 0.0
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="demo") as thread:
        sending = thread.submit(courier.deliver, sends)
        while not sending.done() or interruption.killed.is_set():
            progress(log.total().acknowledged)
            if interruption.killed.wait(_TICK_S):
                interruption.killed.clear()
                restart_s = server.start()
        sending.result()
    progress(log.total().acknowledged)
    return Delivery(log.total(), interruption.killed_after or 0, restart_s, monotonic() - begun)


def outcome(server: Server, scenario: Scenario, made: Sequence[PlannedCall], sent: Sent) -> Outcome:
    """Ask when everything is visible, and compare the answers with what was counted here."""
    calls = [*scenario.calls, *made]
    expected = bills(calls, scenario.plan_of, documents(scenario.pricing))
    with server.door() as door:
        _catch_up(door, scenario)
        usage = door.ask("usage", {"by": "customer"}, tenant=TENANT)
        audit = door.ask("audit", {}, tenant=TENANT)
        invoices = {
            month: door.ask("invoice", {"all": "true", "period": month}, tenant=TENANT)
            for month in sorted({month for _customer, month in expected})
        }
    checks = [
        *usage_checks(calls, usage),
        *fate_checks(sent, len(made), audit),
        *bill_checks(expected, invoices),
    ]
    return Outcome(usage, audit, invoices, checks)


def _catch_up(door: HttpDoor, scenario: Scenario) -> None:
    """Return when the store has everything: a command is applied after all that was journaled before it.

    The command sets a customer as it is.
    """
    same = scenario.customers[0]
    door.execute("customer.set", {"customer": same.name, "plan": same.plan}, tenant=TENANT, actor=ACTOR)
