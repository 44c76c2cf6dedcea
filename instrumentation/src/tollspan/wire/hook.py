"""Hooks on methods of libraries that may not be imported yet: put in when they are, taken out cleanly."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import wrapt

from tollspan.guarded import guarded

Wrapper = Callable[[Callable[..., Any], Any, tuple[Any, ...], dict[str, Any]], Any]


class Hook(wrapt.FunctionWrapper[..., Any]):
    """A wrapper of ours, told apart from those of others."""


@dataclass(slots=True)
class Seam:
    """Where a library is hooked: ``{class: {method: wrapper}}`` of a module.

    ``wanted`` tells whether a module that is imported only now shall be hooked.
    """

    module: str
    wrappers: Mapping[str, Mapping[str, Wrapper]]
    wanted: Callable[[], bool]
    _waiting: bool = field(default=False)

    def put_in(self) -> None:
        """Hook the module, or wait until somebody imports it. Idempotent."""
        if self.module in sys.modules:
            self._hook(sys.modules[self.module])
        elif not self._waiting:
            self._waiting = True
            wrapt.register_post_import_hook(self._hook, self.module)

    def take_out(self) -> None:
        """Put the originals back; a hook that others have wrapped since stays, and lets everything pass."""
        library = sys.modules.get(self.module)
        for kind, methods in self.wrappers.items():
            owner: Any = getattr(library, kind, None)
            for name in methods:
                hook = vars(owner).get(name) if owner is not None else None
                if isinstance(hook, Hook):
                    setattr(owner, name, hook.__wrapped__)

    def hooked(self) -> list[bool]:
        """Tell of each method whether it is hooked now."""
        library = sys.modules.get(self.module)
        return [
            isinstance(vars(getattr(library, kind)).get(name), Hook) if hasattr(library, kind) else False
            for kind, methods in self.wrappers.items()
            for name in methods
        ]

    def _hook(self, library: Any) -> None:
        guarded(self._hooked)(library)

    def _hooked(self, library: Any) -> None:
        if not self.wanted():
            return
        for kind, methods in self.wrappers.items():
            owner = getattr(library, kind)
            for name, wrapper in methods.items():
                if not isinstance(vars(owner)[name], Hook):
                    setattr(owner, name, Hook(vars(owner)[name], wrapper))
