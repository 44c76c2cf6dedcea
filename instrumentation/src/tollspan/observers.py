"""Who else hears of calls: asked as a call is sent, told of its record when it has ended."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from tollspan.guarded import safely
from tollspan.record import CallRecord

Told = Callable[[CallRecord], None]
Observer = Callable[[], Told | None]
"""Called in the context of the request; what it returns is called with the finished record, in any context."""

_observers: tuple[Observer, ...] = ()


def add(observer: Observer) -> None:
    """Let an observer hear of every call that begins from now on. Idempotent."""
    global _observers  # noqa: PLW0603 - replaced whole, so that a call in another thread reads one or the other
    if observer not in _observers:
        _observers = (*_observers, observer)


def remove(observer: Observer) -> None:
    """Let an observer hear of no call any more that begins from now on. Idempotent."""
    global _observers  # noqa: PLW0603 - as above
    _observers = tuple(one for one in _observers if one != observer)


def begun() -> tuple[Told, ...]:
    """Ask every observer, as a call begins, for what shall be told of its record."""
    if not _observers:
        return ()
    return tuple(told for observer in _observers if (told := safely(observer)) is not None)


def ended(listeners: Iterable[Told], record: CallRecord) -> None:
    """Tell those who asked for it that a call has ended; one that fails keeps nothing from the others."""
    for told in listeners:
        safely(told, record)
