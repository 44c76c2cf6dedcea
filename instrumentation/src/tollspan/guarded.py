"""The one place that keeps tollspan's own failures out of the application."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

log = logging.getLogger("tollspan")


def guarded(function: Callable[P, R]) -> Callable[P, R | None]:
    """Decorate a function of ours that the application's code runs through: an error becomes a log line and ``None``.

    Whatever breaks in metering, the application's call goes on.
    ``KeyboardInterrupt``, ``SystemExit`` and cancellation belong to the application and pass.
    """

    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R | None:
        try:
            return function(*args, **kwargs)
        except Exception:
            log.debug("tollspan: %s failed; the application goes on", function.__qualname__, exc_info=True)
            return None

    return call


def safely(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R | None:
    """Call a function here and now as if it were :func:`guarded`, which would take longer than most of them."""
    try:
        return function(*args, **kwargs)
    except Exception:
        log.debug("tollspan: %s failed; the application goes on", function, exc_info=True)
        return None
