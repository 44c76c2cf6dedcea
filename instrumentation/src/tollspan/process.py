"""Who sends: the process, its record counter, and the ids of a record."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import Final, NamedTuple

from opentelemetry import context, trace

from tollspan.suppression import untraced

_RANDOM: Final = ~(0xF << 76 | 0x3 << 62)
_VERSION: Final = 0x7 << 76 | 0x2 << 62  # 7, and the variant of RFC 9562
_DRAWN: Final = 34  # random bytes of a record: 10 of its id, 16 of a trace, 8 of a span


class Identity(NamedTuple):
    """Ids of a record, fixed when its call starts: every resend is the same span.

    ``record_id`` is a UUIDv7; ``trace_id`` and ``span_id`` are 32 and 16 lowercase hex digits; ``parent_id`` is
    empty for a root. ``trace_sampled`` tells whether the application's trace was sampled; a trace of our own is.
    Where the application suppresses tracing, no trace is: the record is for the bill alone.
    """

    record_id: str
    trace_id: str
    span_id: str
    parent_id: str = ""
    trace_sampled: bool = True


def uuid7(now_ns: int, random: bytes) -> str:
    """Make a UUIDv7 (RFC 9562) from a time in nanoseconds and 10 random bytes."""
    value = (now_ns // 1_000_000) << 80 | int.from_bytes(random[:10], "big")
    digits = f"{value & _RANDOM | _VERSION:032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def identify(now_ns: int, random: Callable[[int], bytes] = os.urandom) -> Identity:
    """Make the ids of a record that starts now: a child of the application's active span, else a new trace."""
    drawn = random(_DRAWN)
    record_id, span_id = uuid7(now_ns, drawn), drawn[-8:].hex()
    here = context.get_current()
    if not here:
        return Identity(record_id, drawn[10:26].hex(), span_id)
    parent, traced = trace.get_current_span(here).get_span_context(), not untraced(here)
    if not parent.is_valid:
        return Identity(record_id, drawn[10:26].hex(), span_id, "", traced)
    trace_id, parent_id = trace.format_trace_id(parent.trace_id), trace.format_span_id(parent.span_id)
    return Identity(record_id, trace_id, span_id, parent_id, traced and parent.trace_flags.sampled)


class Process:
    """A sending process: a random id, a counter 1, 2, 3 ... without gaps, and the calls that are under way.

    ``tell`` hears how many numbers there will be once the calls under way have theirs, and 0 when none is: whoever
    finds this after the process was killed knows what is missing. A fork needs a new one.
    """

    def __init__(self, process_id: str | None = None, tell: Callable[[int], object] = lambda _expected: None) -> None:
        self.id = process_id or os.urandom(8).hex()
        self._tell, self._told = tell, 0
        self._last = self._unnumbered = self._under_way = 0
        self._lock = threading.RLock()  # a signal handler may begin a call while its thread holds it

    def begin(self) -> Place:
        """Take a place for a call that begins."""
        with self._lock:
            self._unnumbered += 1
            self._under_way += 1
            self._say()
        return Place(self)

    def number(self) -> tuple[str, int]:
        """Return the process id and the next sequence number; safe across threads."""
        with self._lock:
            self._last += 1
            return self.id, self._last

    def end(self, *, numbered: bool) -> None:
        """Give up a place."""
        with self._lock:
            self._unnumbered -= not numbered
            self._under_way -= 1
            self._say()

    def number_of(self, place: Place) -> tuple[str, int]:
        """Give a place its number; one that has one already gets the next."""
        with self._lock:
            self._unnumbered -= not place.numbered
            place.numbered = True
            self._last += 1
            return self.id, self._last

    def _say(self) -> None:
        expected = self._last + self._unnumbered if self._under_way else 0
        if expected != self._told:
            self._told = expected
            self._tell(expected)


class Place:
    """The place of one call in the sequence of its process, from when it begins until its records are kept."""

    __slots__ = ("_process", "numbered")

    def __init__(self, process: Process) -> None:
        self._process = process
        self.numbered = False

    def number(self) -> tuple[str, int]:
        """Return the process id and the call's sequence number; further records of the call get further ones."""
        return self._process.number_of(self)

    def leave(self) -> None:
        """Say, once, that the call's records are kept, however many those are."""
        self._process.end(numbered=self.numbered)
