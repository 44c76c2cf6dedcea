"""What an application does with an answer beside reading it: stops, drops, forgets, cancels, or fails."""

from __future__ import annotations

import asyncio
import contextlib
import gc
from collections.abc import AsyncIterable, Awaitable, Callable, Iterable
from typing import Any


def read(stream: Iterable[Any]) -> None:
    """Read a stream to its end."""
    for _ in stream:
        pass


async def aread(stream: AsyncIterable[Any]) -> None:
    """Read an asynchronous stream to its end."""
    async for _ in stream:
        pass


def close_after(pieces: int, stream: Any) -> None:
    """Read some pieces and close."""
    for _, _piece in zip(range(pieces), stream, strict=False):
        pass
    stream.close()


def drop(make: Callable[[], Iterable[Any]]) -> None:
    """Read one piece and let go of the stream."""
    stream = make()
    next(iter(stream))
    del stream
    gc.collect()


def never_read(make: Callable[[], Any]) -> None:
    """Make a stream and do not look at it."""
    made = make()
    del made
    gc.collect()


def raise_inside(make: Callable[[], Any]) -> None:
    """Fail while a stream is read, inside its ``with``."""
    with contextlib.suppress(KeyError), make() as stream:
        for _ in stream:
            raise KeyError


def failing(kind: type[BaseException], call: Callable[[], Any]) -> None:
    """Make a call that must fail in this way; what the SDK does not have at all is no such failure."""
    try:
        call()
    except (AttributeError, TypeError):
        raise
    except kind:
        gc.collect()
        return
    raise AssertionError(f"{kind.__name__} was expected")


async def cancel(make: Callable[[], Awaitable[AsyncIterable[Any]]]) -> None:
    """Cancel a task in the middle of a stream."""
    begun = asyncio.Event()

    async def consume() -> None:
        async for _ in await make():
            begun.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(consume())
    waiting = asyncio.create_task(begun.wait())
    await asyncio.wait((task, waiting), return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    del task
    gc.collect()
