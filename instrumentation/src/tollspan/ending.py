"""The end of a process by SIGTERM, which Python leaves to the operating system: no ``atexit``, nothing is sent."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from types import FrameType

from tollspan.guarded import guarded, safely

_last: Callable[[], object] | None = None


@guarded
def watch(last: Callable[[], object]) -> None:
    """Call ``last`` when SIGTERM ends the process, which then ends by it as it would have.

    Only from the main thread, and only where the application has no handler of its own; one that it sets later
    takes the place of ours.
    """
    global _last  # noqa: PLW0603 - signals belong to the process
    _last = last
    if threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, _terminate)


@guarded
def unwatch() -> None:
    """Give SIGTERM back, unless the application has taken it meanwhile."""
    global _last  # noqa: PLW0603 - signals belong to the process
    _last = None
    if threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGTERM) is _terminate:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _terminate(number: int, _frame: FrameType | None) -> None:
    signal.signal(number, signal.SIG_DFL)
    if _last is not None:
        safely(_last)
    os.kill(os.getpid(), number)
