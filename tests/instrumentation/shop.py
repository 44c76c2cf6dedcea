"""A shop, each of whose requests and jobs makes one call of a model: WSGI, ASGI, Celery, and a family of processes.

``SHOP_INSTALLS`` decides whether it installs tollspan itself; ``PROVIDER`` is where its calls go.
``python -m tests.instrumentation.shop METHOD COUNT`` makes calls in processes of a start method.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

if os.environ.get("SHOP_INSTALLS"):
    import tollspan.auto  # noqa: F401 - what a user writes

import requests
from celery import Celery

QUEUE = os.environ.get("SHOP_QUEUE", "")
WORKERS = 4

celery = Celery("shop", broker="filesystem://", set_as_current=False)
celery.conf.update(
    broker_transport_options={"data_folder_in": QUEUE, "data_folder_out": QUEUE, "control_folder": QUEUE + "-control"},
    worker_hijack_root_logger=False,
    broker_connection_retry_on_startup=True,
    task_ignore_result=True,
)


def call(_number: int = 0) -> int:
    """Make a call; return the process that made it."""
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}]}
    requests.post(os.environ["PROVIDER"] + "/v1/chat/completions", json=body, timeout=60).raise_for_status()
    return os.getpid()


@celery.task(name="job", shared=False)
def job() -> None:
    call()


def wsgi(_environ: Any, start_response: Any) -> list[bytes]:
    said = str(call()).encode()
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(said)))])
    return [said]


async def asgi(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "lifespan":
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})
        return
    said = str(await asyncio.to_thread(call)).encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(said))]})
    await send({"type": "http.response.body", "body": said})


def publish(count: int) -> None:
    """Queue jobs for a Celery worker."""
    Path(QUEUE).mkdir(exist_ok=True)
    for _ in range(count):
        celery.tasks["job"].delay()


def family(method: str, count: int) -> None:
    """Make calls in processes of a start method, most of them in a pool; this process makes none."""
    context = multiprocessing.get_context(method)
    with ProcessPoolExecutor(WORKERS, mp_context=context) as pool:
        list(pool.map(call, range(count - WORKERS)))
    children = [context.Process(target=call) for _ in range(WORKERS)]
    for child in children:
        child.start()
    for child in children:
        child.join()


if __name__ == "__main__":
    family(sys.argv[1], int(sys.argv[2]))
