"""Attribution of Celery tasks: in the headers of the message from who publishes it to the worker.

``connect()`` once, where the application is configured: in the web process and in the worker.
"""

from __future__ import annotations

from typing import Any

from celery import signals

from tollspan.attribution import Scope
from tollspan.carrier import extract, inject
from tollspan.guarded import guarded

HEADER = "tollspan_attribution"

_running: dict[str, Scope] = {}  # id of a task that runs in this process -> its scope


def connect() -> None:
    """Carry attribution from now on. Idempotent."""
    signals.before_task_publish.connect(_publish, dispatch_uid=f"{__name__}.publish")
    signals.task_prerun.connect(_begin, dispatch_uid=f"{__name__}.begin")
    signals.task_postrun.connect(_end, dispatch_uid=f"{__name__}.end")


def disconnect() -> None:
    """Carry nothing any more."""
    signals.before_task_publish.disconnect(dispatch_uid=f"{__name__}.publish")
    signals.task_prerun.disconnect(dispatch_uid=f"{__name__}.begin")
    signals.task_postrun.disconnect(dispatch_uid=f"{__name__}.end")


@guarded
def _publish(headers: dict[str, Any] | None = None, **_signal: Any) -> None:
    """Lay the carrier beside the task; one that the publisher gave itself stays."""
    if headers is not None and (carrier := inject()):
        headers.setdefault(HEADER, carrier)


@guarded
def _begin(task_id: str, task: Any, **_signal: Any) -> None:
    """Enter what came with the task; one that runs eagerly is inside its caller's scope already."""
    carrier = getattr(task.request, HEADER, None) or (task.request.headers or {}).get(HEADER)
    if carrier:
        _running[task_id] = scope = extract(carrier)
        scope.__enter__()


@guarded
def _end(task_id: str, **_signal: Any) -> None:
    scope = _running.pop(task_id, None)
    if scope is not None:
        scope.__exit__(None, None, None)
