"""Hooks on methods of libraries that may not be imported yet: put in when they are, taken out cleanly.

A hook is a plain function. Other instrumentations undo themselves by unwrapping whatever proxy they find at the
method, which would be ours if it had been put over theirs; a function they leave alone.
"""

from __future__ import annotations

import functools
import sys
import weakref
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from inspect import iscoroutinefunction
from types import FunctionType
from typing import Any

from tollspan.guarded import safely
from tollspan.wire.imports import nevermind, when_imported

Function = Callable[..., Any]
Wrapper = Callable[[Function, Any, tuple[Any, ...], dict[str, Any]], Any]

_hooks: weakref.WeakSet[Function] = weakref.WeakSet()


def is_hook(function: object) -> bool:
    """Tell whether a function is a hook of ours, and not another's wrapper around one."""
    return type(function) is FunctionType and function in _hooks  # a proxy would say that it is one


@dataclass(slots=True)
class Seam:
    """Where a library is hooked: ``{class: {method: wrapper}}`` of a module.

    ``wanted`` tells whether a module that is imported only now shall be hooked.
    """

    module: str
    wrappers: Mapping[str, Mapping[str, Wrapper]]
    wanted: Callable[[], bool]

    def put_in(self) -> None:
        """Hook the module, or wait until somebody imports it. Idempotent."""
        if self.module in sys.modules:
            self._hook(sys.modules[self.module])
        else:
            when_imported(self.module, self._hook)

    def take_out(self) -> None:
        """Put the originals back; a hook that others have wrapped since stays, and lets everything pass."""
        nevermind(self.module)
        for owner, name in self.methods():
            if is_hook(hook := vars(owner)[name]):
                setattr(owner, name, hook.__wrapped__)

    def methods(self) -> list[tuple[type, str]]:
        """Return the methods that there are to hook; none before the module is imported."""
        return [(owner, name) for owner, name, _ in self._places()]

    def hooked(self) -> list[bool]:
        """Tell of each method whether it goes through a hook now, on top or under what others have put there."""
        return [_goes_through(vars(owner)[name]) for owner, name in self.methods()]

    def _hook(self, _library: Any) -> None:
        safely(self._hooked)

    def _hooked(self) -> None:
        if not self.wanted():
            return
        for owner, name, wrapper in self._places():
            if not _goes_through(vars(owner)[name]):
                setattr(owner, name, _hook(vars(owner)[name], wrapper))

    def _places(self) -> Iterator[tuple[type, str, Wrapper]]:
        library = sys.modules.get(self.module)
        for kind, methods in self.wrappers.items():
            if (owner := getattr(library, kind, None)) is not None:
                yield from ((owner, name, wrapper) for name, wrapper in methods.items())


def _hook(original: Function, wrapper: Wrapper) -> Function:
    """Make a method of ``wrapper`` that looks like the original; the original's marks are not copied."""

    def hook(self: Any, /, *args: Any, **kwargs: Any) -> Any:
        return wrapper(original.__get__(self), self, args, kwargs)

    async def async_hook(self: Any, /, *args: Any, **kwargs: Any) -> Any:
        return await wrapper(original.__get__(self), self, args, kwargs)

    made = functools.update_wrapper(async_hook if iscoroutinefunction(original) else hook, original, updated=())
    _hooks.add(made)
    return made


def _goes_through(function: Any) -> bool:
    while function is not None:
        if is_hook(function):
            return True
        function = getattr(function, "__wrapped__", None)
    return False
