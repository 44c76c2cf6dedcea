"""Functions of tollspan found by walking its modules and by watching them run; and each of them made to throw.

A function is broken by its code, so that every reference to it breaks: imported names, methods, hooks put in before.
One that is defined inside another is broken there.
"""

from __future__ import annotations

import functools
import gc
import inspect
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import CodeType, FrameType, FunctionType
from typing import Any

import tollspan

HOME = str(Path(tollspan.__file__).parent)
COMPREHENSIONS = ("<listcomp>", "<setcomp>", "<dictcomp>", "<genexpr>")


class BrokenError(RuntimeError):
    """What a broken function throws."""


def label(code: CodeType) -> str:
    """Name a function, e.g. ``tollspan.wire.httpx._Watched.close``."""
    module = Path(code.co_filename).relative_to(Path(HOME).parent).with_suffix("")
    return ".".join(module.parts) + "." + code.co_qualname


@contextmanager
def watched(found: set[CodeType]) -> Iterator[None]:
    """Collect the functions of tollspan that run meanwhile, in this thread and in those that it starts."""

    def note(frame: FrameType, _event: str, _argument: Any) -> None:
        code = frame.f_code
        if code.co_filename.startswith(HOME) and _ours(code):
            found.add(code)

    before = sys.gettrace()
    for cache in caches():
        cache.cache_clear()
    threading.settrace(note)
    sys.settrace(note)
    try:
        yield
    finally:
        sys.settrace(before)
        threading.settrace(None)  # type: ignore[arg-type] # as documented


def caches() -> list[Any]:
    """Return what remembers the answers of functions of tollspan, which then do not run; each install makes more."""
    modules = [module for name, module in sys.modules.items() if name.partition(".")[0] == "tollspan"]
    values = [value for module in modules for value in vars(module).values()]
    return [value for value in values if type(value) is functools._lru_cache_wrapper]  # a proxy would break


class Functions:
    """Every function of tollspan that is alive, by its code, and where others are defined inside it."""

    def __init__(self) -> None:
        self._alive: dict[CodeType, list[FunctionType]] = {}
        self._outer: dict[CodeType, CodeType] = {}
        self._caches = caches()
        gc.unfreeze()  # what the search for garbage was told to leave out counts, too
        for function in gc.get_objects():
            if type(function) is FunctionType and function.__code__.co_filename.startswith(HOME):
                self._alive.setdefault(function.__code__, []).append(function)
        for code in list(self._alive):
            self._nest(code)

    def all(self) -> set[CodeType]:
        """Return all that can be broken, also what has never run."""
        return {code for code in (*self._alive, *self._outer) if _ours(code)}

    @contextmanager
    def broken(self, code: CodeType, error: type[BaseException] = BrokenError) -> Iterator[None]:
        """Let a function throw, wherever it is called from."""
        for cache in self._caches:
            cache.cache_clear()
        changed: list[tuple[FunctionType, CodeType]] = []
        new = _thrower(code, error)
        old: CodeType | None = code
        while old is not None:
            for function in self._alive.get(old, ()):
                changed.append((function, old))
                function.__code__ = new
            outer = self._outer.get(old)
            if outer is not None:
                new = outer.replace(co_consts=tuple(new if one is old else one for one in outer.co_consts))
            old = outer
        try:
            yield
        finally:
            for function, original in changed:
                function.__code__ = original

    def _nest(self, code: CodeType) -> None:
        for one in code.co_consts:
            if inspect.iscode(one):
                self._outer[one] = code
                self._nest(one)


def _ours(code: CodeType) -> bool:
    function = code.co_flags & inspect.CO_NEWLOCALS and code.co_flags & inspect.CO_OPTIMIZED
    return bool(function) and code.co_filename.startswith(HOME) and code.co_name not in COMPREHENSIONS


def _thrower(code: CodeType, error: type[BaseException]) -> CodeType:
    """Return code of the same kind that throws at once: a generator at its first step, a coroutine when awaited."""
    kind = inspect.CO_GENERATOR | inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR
    thrower = _THROWERS[code.co_flags & kind].__code__
    return thrower.replace(
        co_consts=tuple(error if one == "thrown" else one for one in thrower.co_consts),
        co_freevars=code.co_freevars,
        co_name=code.co_name,
        co_filename=code.co_filename,
    )


def _plain(*_args: Any, **_kwargs: Any) -> Any:
    raise "thrown"  # type: ignore[misc]  # noqa: B016 - the constant is replaced by an exception


def _generator(*_args: Any, **_kwargs: Any) -> Any:
    raise "thrown"  # type: ignore[misc]  # noqa: B016 - the constant is replaced by an exception
    yield


async def _coroutine(*_args: Any, **_kwargs: Any) -> Any:
    raise "thrown"  # type: ignore[misc]  # noqa: B016 - the constant is replaced by an exception


async def _async_generator(*_args: Any, **_kwargs: Any) -> Any:
    raise "thrown"  # type: ignore[misc]  # noqa: B016 - the constant is replaced by an exception
    yield


_THROWERS: dict[int, Callable[..., Any]] = {
    0: _plain,
    inspect.CO_GENERATOR: _generator,
    inspect.CO_COROUTINE: _coroutine,
    inspect.CO_ASYNC_GENERATOR: _async_generator,
}
