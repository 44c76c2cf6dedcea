"""The body of an answer while the application reads it: passed on piece by piece, left early, or never read.

A response whose body is still to come gets a class of ours in front of its own, and no reference cycle, so that a
dropped response is noticed at once.
"""

from __future__ import annotations

import weakref
from collections.abc import AsyncIterator, Iterator
from typing import Any

from tollspan.attempt import Attempt
from tollspan.guarded import guarded

_open: weakref.WeakSet[Attempt] = weakref.WeakSet()  # whose answer is still to come
_mixed: dict[tuple[type, type], type] = {}  # (class of ours, class of a library) -> both


class Watched:
    """Mixed into a response: closing it before its body's end is an abort, and so is dropping it.

    A library may close the body from inside the last read; that is no abort.
    """

    tollspan_attempt: Attempt

    def close(self) -> None:
        """Close the body."""
        self.left()
        super().close()  # type: ignore[misc] # the library's class

    @guarded
    def left(self) -> None:
        """Note that nobody reads on."""
        if not self.tollspan_attempt.reading:
            self.tollspan_attempt.abort()

    def __del__(self) -> None:
        self.tollspan_attempt.abort()
        if (inherited := getattr(super(), "__del__", None)) is not None:
            inherited()


def watch(response: Any, attempt: Attempt, kind: type) -> None:
    """Let an attempt follow a response's body: mix ``kind`` into it, which reports what is read."""
    response.tollspan_attempt = attempt
    mix(kind, response)
    opened(attempt)


def opened(attempt: Attempt) -> None:
    """Remember an attempt whose answer is still to come, for the end of the process and for forks."""
    _open.add(attempt)


def mix(ours: type, thing: Any) -> None:
    """Put a class of ours in front of an object's own; ours has slots where the library's has."""
    theirs = type(thing)
    if (ours, theirs) not in _mixed:
        slots = {"__slots__": ()} if "__slots__" in vars(ours) else {}
        _mixed[ours, theirs] = type(theirs.__name__, (ours, theirs), slots)
    thing.__class__ = _mixed[ours, theirs]


def passed(attempt: Attempt, pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Yield a body's pieces as the application reads them, minus what tollspan asked for itself."""
    attempt.reading = True
    try:
        for piece in pieces:
            attempt.reading = False
            if seen := attempt.chunk(piece):
                yield seen
            attempt.reading = True
    except BaseException as error:
        if attempt.reading:  # else it was thrown in by who reads
            attempt.fail(error)
        raise
    finally:
        attempt.reading = False
    if held := attempt.finish():
        yield held


async def apassed(attempt: Attempt, pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Yield as :func:`passed` does, for a body that is read asynchronously."""
    attempt.reading = True
    try:
        async for piece in pieces:
            attempt.reading = False
            if seen := attempt.chunk(piece):
                yield seen
            attempt.reading = True
    except BaseException as error:
        if attempt.reading:
            attempt.fail(error)
        raise
    finally:
        attempt.reading = False
    if held := attempt.finish():
        yield held


@guarded
def abort_open() -> None:
    """End, as aborted, every attempt whose answer nobody will read any more; for the end of the process."""
    for attempt in list(_open):
        attempt.abort()


@guarded
def disown_open() -> None:
    """Leave the open attempts to the process that began them; for a forked child, in which they are copies."""
    for attempt in list(_open):
        attempt.disown()
    _open.clear()
