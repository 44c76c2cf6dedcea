"""Tells when a library is imported, so that nothing is imported here that the application does not use.

The same as ``wrapt.register_post_import_hook``, whose package takes as long to import as all the rest of tollspan, and
which cannot be taken back.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

from tollspan.guarded import guarded, safely

_waiting: dict[str, Callable[[ModuleType], object]] = {}
_looking: set[str] = set()  # modules whose spec is being looked for; other finders may ask again


def when_imported(name: str, told: Callable[[ModuleType], object]) -> None:
    """Call ``told`` with a module, right after its code has run; the last one who asks for a name counts."""
    _waiting[name] = told
    if _finder not in sys.meta_path:
        sys.meta_path.insert(0, _finder)


def nevermind(name: str) -> None:
    """Do not tell any more; with the last name the import system is as it was."""
    _waiting.pop(name, None)
    if not _waiting and _finder in sys.meta_path:
        sys.meta_path.remove(_finder)


class _Finder:
    """Finds nothing itself: asks the others, and has the module's loader tell."""

    @guarded
    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name not in _waiting or name in _looking:
            return None
        _looking.add(name)
        try:
            others = [finder for finder in sys.meta_path if finder is not self]
            spec = next(filter(None, (finder.find_spec(name, path, target) for finder in others)), None)
        finally:
            _looking.discard(name)
        if spec is not None and spec.loader is not None and not isinstance(spec.loader, type):
            _tell_after(spec.loader)
        return spec


_finder = _Finder()


def _tell_after(loader: Any) -> None:
    run = loader.exec_module

    def exec_module(module: ModuleType) -> None:
        run(module)
        safely(_tell, module)

    loader.exec_module = exec_module


def _tell(module: ModuleType) -> None:
    told = _waiting.get(module.__name__)
    if told is not None:
        told(module)
