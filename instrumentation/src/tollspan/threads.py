"""Carries attribution into the threads of executors, and on request into threads started by hand.

A job that is submitted has one owner, so that it always goes along; ``loop.run_in_executor`` submits too. A thread
is carried into only when asked: many are started by the first request and then serve all others, and a call on the
wrong bill is worse than one on nobody's.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from opentelemetry import context

from tollspan.attribution import NOBODY, Attribution, current, enter
from tollspan.guarded import safely
from tollspan.wire.hook import Seam


class State:
    """What the hooks do; both off: they let everything pass."""

    executors: bool = False
    threads: bool = False


state = State()


def _submit(wrapped: Callable[..., Any], _executor: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Submit a job that runs for whom it was submitted, whoever its worker's thread was started by."""
    whose = safely(current) if state.executors and args else None
    if whose is None:
        return wrapped(*args, **kwargs)
    return wrapped(_run, whose, *args, **kwargs)


def _start(wrapped: Callable[..., Any], thread: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    if state.threads:
        safely(_lend, thread)
    return wrapped(*args, **kwargs)


EXECUTORS = Seam("concurrent.futures.thread", {"ThreadPoolExecutor": {"submit": _submit}}, lambda: state.executors)
THREADS = Seam("threading", {"Thread": {"start": _start}}, lambda: state.threads)


def put_in(*, threads: bool) -> None:
    """Carry into executors, and into threads started by hand if asked. Idempotent."""
    state.executors, state.threads = True, threads
    EXECUTORS.put_in()
    if threads:
        THREADS.put_in()


def take_out() -> None:
    """Carry no more."""
    state.executors = state.threads = False
    EXECUTORS.take_out()
    THREADS.take_out()


def _lend(thread: threading.Thread) -> None:
    """Let a thread's ``run``, also a subclass's own, find the attribution in force here."""
    whose, run = current(), thread.run
    if whose == NOBODY:
        return

    def carried() -> None:
        vars(thread).pop("run", None)
        _run(whose, run)

    thread.run = carried  # type: ignore[method-assign] # on the one thread, gone when it begins


def _run(whose: Attribution, work: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
    token = safely(enter, whose)
    try:
        return work(*args, **kwargs)
    finally:
        if token is not None:
            safely(context.detach, token)
