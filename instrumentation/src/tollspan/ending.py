"""Ends of a process at which Python runs no ``atexit`` functions: SIGTERM, and the end of a worker process.

SIGTERM is left to the operating system where nobody handles it. A forked process of ``multiprocessing``, or of Celery's
copy of it, ends by ``os._exit``, after functions of its own list.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any, Final

from tollspan.guarded import guarded, safely

_LISTS: Final = ("multiprocessing.util", "billiard.util")
_BEHIND_ALL: Final = -100  # the list's own order: what has the highest number comes first

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


@guarded
def watch_worker(owner: object, last: Callable[[], object]) -> None:
    """Call ``last`` at the end of this process, which has just been forked, if it is a worker; ``owner`` lives on."""
    for name in _LISTS:
        if (util := sys.modules.get(name)) is not None:
            util.register_after_fork(owner, _Finally(util, last))


class _Finally:
    """Puts a function on the list, which a worker empties when it begins."""

    def __init__(self, util: Any, last: Callable[[], object]) -> None:
        self._util, self._last = util, last

    def __call__(self, _owner: object) -> None:
        self._util.Finalize(None, self._last, exitpriority=_BEHIND_ALL)


def _terminate(number: int, _frame: FrameType | None) -> None:
    signal.signal(number, signal.SIG_DFL)
    if _last is not None:
        safely(_last)
    os.kill(os.getpid(), number)
