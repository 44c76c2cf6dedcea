"""The running instrumentation: one a process, made by ``install`` and gone after ``uninstall``."""

from __future__ import annotations

import atexit
import os
import threading
import time
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING

from tollspan import attribution, ending, telemetry, wire
from tollspan import threads as carried
from tollspan.export import encoded_resource
from tollspan.guarded import guarded, log, safely
from tollspan.process import Place, Process, identify
from tollspan.record import Record, UnitRecord
from tollspan.sender import Sender, Stats
from tollspan.settings import Settings, resolve
from tollspan.spool import Limits, Spool
from tollspan.transport import http_post
from tollspan.variables import Arguments

if TYPE_CHECKING:
    from typing_extensions import Unpack

EXIT_FLUSH_SECONDS = 5.0

_lock = threading.Lock()
_forking = threading.Lock()
_running: Runtime | None = None


class Runtime:
    """Settings, process identity and sender together; what an attempt reports to."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.restart()

    def restart(self) -> None:
        """Begin as a new process: own id, sequence, file and thread; what a forked parent has queued stays its own."""
        self._pid = os.getpid()
        self._process = Process(tell=self._expect)
        settings = self.settings
        about, limits = encoded_resource(settings.resource), Limits.of(settings.spool_bytes)
        self._spool = spool = Spool(settings.spool, about, limits, process_id=self._process.id)
        post = http_post(settings.url, settings.headers, settings.transport)
        self.sender = Sender(post, settings.resource, spool)

    now_ns = staticmethod(time.time_ns)

    def begin(self) -> Place:
        """Take a place in the sequence for a call that begins."""
        if os.getpid() != self._pid:
            self.settle()
        return self._process.begin()

    def number(self) -> tuple[str, int]:
        """Return the process id and the next sequence number."""
        self.settle()
        return self._process.number()

    def settle(self) -> None:
        """Begin anew if this is a child that was forked behind Python's back, as uWSGI forks its workers."""
        if os.getpid() != self._pid:
            with _forking:
                if os.getpid() != self._pid:
                    _after_fork()

    def flush(self, timeout: float) -> bool:
        """Send what waits, for at most ``timeout`` seconds; True when nothing waits any more."""
        self.settle()
        return self.sender.flush(timeout)

    def stats(self) -> Stats:
        """Return what became of this process's records."""
        self.settle()
        return self.sender.stats(self._process.id)

    def _expect(self, records: int) -> None:
        safely(self._spool.expect, records, time.time_ns())

    def emit(self, record: Record) -> None:
        """Keep a record, to be sent."""
        self.sender.put(record)


@guarded
def install(endpoint: str | None = None, **settings: Unpack[Arguments]) -> None:
    """Start metering: every LLM call becomes a record that is sent to an OTLP/HTTP endpoint.

    ``endpoint`` is a base address such as ``http://localhost:4318``; without it ``TOLLSPAN_OTLP_ENDPOINT``, then
    the OpenTelemetry variables decide, and with none of them nothing is patched. The other arguments stand in place
    of the environment variables that are listed in :data:`tollspan.variables.VARIABLES`. A second call does nothing.
    """
    global _running  # noqa: PLW0603 - one instrumentation a process is what patching a library means
    with _lock:
        if _running is not None:
            return
        found = resolve(os.environ, endpoint=endpoint, **settings)
        if found is None:
            log.info("tollspan: switched off, or no endpoint (TOLLSPAN_OTLP_ENDPOINT): nothing is metered")
            return
        _running = Runtime(found)
        wire.patch(_running, found)
        ending.watch(_at_end)
        safely(_running.sender.start)
        carried.put_in(threads=found.threads)
        guarded(telemetry.put_in)(found.telemetry)


@guarded
def uninstall(timeout: float = EXIT_FLUSH_SECONDS) -> None:
    """Undo the patches and send what waits, for at most ``timeout`` seconds."""
    global _running
    with _lock:
        running, _running = _running, None
        wire.unpatch()
        carried.take_out()
        guarded(telemetry.take_out)()
        ending.unwatch()
    if running is not None:
        running.sender.close(timeout)


@guarded
def record(meter: str, quantity: Decimal | int | str, **keys: Unpack[attribution.Keys]) -> None:
    """Count a unit that is no LLM call, e.g. ``record("gpu_second", Decimal("12.5"), customer="acme")``.

    ``quantity`` is exact and not negative; a float is refused with a log line, because it has no exact decimal
    meaning. Attribution given here lies over the one in force.
    """
    running = _running
    exact = _quantity(quantity)
    if running is None:
        return
    if exact is None or not isinstance(meter, str) or not meter:
        log.error("tollspan: record(%r, %r) refused: give a meter name and a Decimal, int or string", meter, quantity)
        return
    now_ns = running.now_ns()
    whose = attribution.over(attribution.current(), keys)
    place = running.begin()
    process_id, seq = place.number()
    running.emit(UnitRecord(identify(now_ns), process_id, seq, now_ns, meter, exact, whose))
    place.leave()


@guarded
def record_usage(**fields: object) -> None:
    """Tell one usage event, e.g. ``record_usage(id="evt_1", model="gpt-4.1", input_tokens=1200, output_tokens=350)``.

    For calls that no patch sees, and for backfilling. The fields are those of usage events
    (:mod:`tollspan.event_fields`). Without ``time`` it is now, without ``id`` a new one; give the id where the same
    event may be told again, here, by HTTP or in a file: it counts once. The attribution in force fills what is not
    given. An event that cannot be counted is refused with a log line.
    """
    from tollspan.event import EventError, read_event  # noqa: PLC0415 - most applications tell no events
    from tollspan.event_fields import NAMES  # noqa: PLC0415 - as above

    running = _running
    if running is None:
        return
    now_ns = running.now_ns()
    named = {NAMES[name].name for name in fields if name in NAMES}
    whose = attribution.current()
    known = {name: value for name, value in whose.values.items() if name not in named}
    if "tags" not in named and whose.tags:
        known["tags"] = dict(whose.tags)  # type: ignore[assignment] # a mapping beside texts
    if "time" not in named:
        known["time"] = datetime.fromtimestamp(now_ns / 1e9, UTC).isoformat()
    if "id" not in named:
        known["id"] = identify(now_ns).record_id
    try:
        event = read_event({**known, **fields})
    except EventError as error:
        log.error("tollspan: record_usage refused: %s", error)
        return
    running.emit(event)


def flush(timeout: float = EXIT_FLUSH_SECONDS) -> bool:
    """Send what waits, for at most ``timeout`` seconds; True when nothing waits any more."""
    running = _running
    return running is None or bool(safely(running.flush, timeout))


def stats() -> Stats:
    """Return what became of this process's records; all zero when nothing runs."""
    running = _running
    return (None if running is None else safely(running.stats)) or Stats()


def _quantity(quantity: object) -> str | None:
    if isinstance(quantity, bool) or not isinstance(quantity, Decimal | int | str):
        return None
    try:
        exact = Decimal(quantity)
    except InvalidOperation:
        return None
    return f"{exact:f}" if exact.is_finite() and exact >= 0 else None


@guarded
def _after_fork() -> None:
    global _lock  # noqa: PLW0603 - the parent may have held it
    _lock = threading.Lock()
    wire.disown_open()
    if _running is not None:
        safely(_running.sender.forget)
        _running.restart()
        ending.watch_worker(_running, _at_end)


@guarded
def _at_end() -> None:
    running = _running
    wire.abort_open()
    if running is not None:
        running.settle()
        running.sender.close(EXIT_FLUSH_SECONDS)


atexit.register(_at_end)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
