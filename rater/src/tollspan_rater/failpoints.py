"""Places where a crash test stops the process, to prove that no moment is a bad one to die.

The environment variable ``TOLLSPAN_FAILPOINT=name:count`` arms one place: at the ``count``-th hit of ``name`` the
process sends itself SIGKILL, as a power cut or the kernel's memory killer would. Unset, a hit is one comparison.
"""

from __future__ import annotations

import itertools
import os
import signal

_NAME, _, _count = os.environ.get("TOLLSPAN_FAILPOINT", "").partition(":")
_COUNT = int(_count or 1)
_hits = itertools.count(1)


def hit(name: str) -> None:
    """Pass the place ``name``, or end the process there when the environment asks for it."""
    if name == _NAME and next(_hits) == _COUNT:
        os.kill(os.getpid(), signal.SIGKILL)
